"""The ledger as a table, and a recorded prediction given again from the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import typer

from finpulse_assets.cli.replay import replay
from finpulse_assets.defs.serving.ledger import ledger, reported_outcomes
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.ledger import entry_of
from finpulse_assets.domain.serving.outcomes import Outcome, outcome_entry
from finpulse_assets.errors import LedgerError, RequestError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.serving import ledger_table
from finpulse_assets.gateways.serving.bundle import read_bundle
from finpulse_assets.gateways.serving.ledger import LedgerWriter, keep_bundle, segments
from finpulse_assets.gateways.serving.ledger_table import take_ended
from finpulse_assets.gateways.serving.prediction_id import new_prediction_id
from finpulse_assets.schemas import LEDGER, REPORTED_OUTCOMES
from finpulse_assets.settings import Settings, load_settings
from tests.fakes import serving as fakes

ROW = b'{"features": {"return_1d": 0.5, "rsi_14": null, "sentiment_mean": 1}}'


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    return load_settings()


def served(settings: Settings) -> list[str]:
    """Answer a symbol and a feature row as a service does; return the ids."""
    bundle, kept = keep_bundle(settings.ledger, fakes.bundle(settings.root / "bundle"))
    answering = Answering(read_bundle(kept), bundle=bundle)
    writer = LedgerWriter(settings.ledger)
    ids = []
    for body in (b'{"symbol": "AAPL"}', ROW):
        reply = answering.reply(body, now=fakes.NOW)
        ids.append(new_prediction_id(fakes.NOW))
        content = reply.stamped(ids[-1], fakes.NOW.isoformat(), 0.125)
        writer.append([entry_of(content, reply.features, bundle)], fakes.NOW)
    writer.close()
    return ids


def take(settings: Settings) -> dict:
    return dict(ledger(settings, Lake(settings.lake), lambda: fakes.NOW).metadata)


def test_ended_segments_are_taken_once(settings):
    ids = served(settings)
    assert take(settings) == {"segments": 1, "dagster/row_count": 2}
    table = Lake(settings.lake).scan(LEDGER).collect()
    assert sorted(table["prediction_id"]) == sorted(ids)
    assert table["ticker"].to_list() == ["AAPL", None]
    assert take(settings) == {"segments": 0, "dagster/row_count": 0}


def test_a_kill_between_adding_and_marking_adds_nothing_twice(settings, monkeypatch):
    served(settings)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(ledger_table, "mark_kept", killed)
        with pytest.raises(KeyboardInterrupt):
            take(settings)
    assert take(settings) == {"segments": 1, "dagster/row_count": 0}
    assert Lake(settings.lake).scan(LEDGER).collect().height == 2


def test_a_changed_segment_fails_the_asset_after_the_others_are_taken(settings):
    served(settings)
    (changed,) = segments(settings.ledger)
    changed.write_bytes(changed.read_bytes().replace(b"AAPL", b"MSFT"))
    served(settings)
    with pytest.raises(LedgerError, match="does not follow the one before it"):
        take(settings)
    assert Lake(settings.lake).scan(LEDGER).collect().height == 2


@pytest.mark.parametrize("is_taken", [False, True], ids=["from the segment", "from the table"])
def test_a_prediction_is_replayed_bit_for_bit(settings, capsys, is_taken):
    ids = served(settings)
    if is_taken:
        take(settings)
        for segment in segments(settings.ledger):
            segment.unlink()
    for prediction_id in ids:
        replay(prediction_id)
        assert capsys.readouterr().out.strip().endswith("replayed: the same bit for bit")


def test_a_difference_is_named_and_the_exit_code_says_it(settings, capsys):
    served(settings)
    bundle, _ = keep_bundle(settings.ledger, settings.root / "bundle")
    reply = fakes.answering(is_proven=False).reply(ROW, now=fakes.NOW)
    prediction_id = new_prediction_id(fakes.NOW)
    content = reply.stamped(prediction_id, fakes.NOW.isoformat(), 0.1)
    writer = LedgerWriter(settings.ledger)
    writer.append([entry_of(content, reply.features, bundle)], fakes.NOW)
    with pytest.raises(typer.Exit) as left:
        replay(prediction_id, as_json=True)
    assert left.value.exit_code == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["is_same"], said["differing"]) == (False, ["skills", "abstain", "abstain_reasons"])


def test_what_is_missing_is_said(settings):
    (first, _) = served(settings)
    bundles = settings.ledger / "bundles"
    (bundle,) = bundles.iterdir()
    fakes.flip_a_byte(bundle / "online_features.parquet")
    with pytest.raises(LedgerError, match=f"the bundle {bundle.name} that answered {first} is"):
        replay(first)
    later = new_prediction_id(fakes.NOW + timedelta(days=1))
    with pytest.raises(LedgerError, match=f"no answer {later} stands in .*predictions/ledger"):
        replay(later)
    with pytest.raises(RequestError, match="is no prediction id"):
        replay("x")


def test_the_bundle_is_kept_once_and_whole(tmp_path):
    bundle = fakes.bundle(tmp_path / "bundle")
    one, two = (keep_bundle(tmp_path / "ledger", bundle) for _ in range(2))
    assert one == two
    kept = {path.relative_to(one[1]) for path in Path(one[1]).rglob("*")}
    assert kept == {path.relative_to(bundle) for path in bundle.rglob("*")}


def test_reported_outcomes_are_taken_once_from_the_segments_that_the_ledger_holds(settings):
    ids, lake = served(settings), Lake(settings.lake)
    writer = LedgerWriter(settings.ledger)
    entry = outcome_entry(Outcome(ids[0], 0.02), fakes.NOW, "desk")
    writer.append([entry, entry], fakes.NOW)
    writer.close()
    assert reported_outcomes(settings=settings, lake=lake).metadata["dagster/row_count"] == 0
    take_ended(settings.ledger, lake, fakes.NOW)
    for new in (2, 0):
        found = reported_outcomes(settings=settings, lake=lake)
        assert found.metadata["dagster/row_count"] == new
    rows = lake.scan(REPORTED_OUTCOMES).collect()
    assert set(rows["prediction_id"]) == {ids[0]}
    assert rows["reported_by"].to_list() == ["desk", "desk"]
