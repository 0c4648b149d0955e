"""The ledger as a table, and a recorded prediction given again from the command line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import typer

from finpulse_assets.cli.replay import replay
from finpulse_assets.defs.serving.ledger import answer_outcomes, ledger, reported_outcomes
from finpulse_assets.domain.predictions.answer_outcomes import matured_answers, quality_by_model
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
from finpulse_assets.schemas import ANSWER_OUTCOMES, LEDGER, REPORTED_OUTCOMES
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
    return dict(ledger(settings, Lake(settings.lake)).metadata)


def take_reports(settings: Settings, now: datetime = fakes.NOW) -> int:
    found = reported_outcomes(settings=settings, lake=Lake(settings.lake), now=lambda: now)
    return found.metadata["dagster/row_count"]


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
    assert take_reports(settings) == 0
    take_ended(settings.ledger, lake)
    for new in (2, 0):
        assert take_reports(settings) == new
    rows = lake.scan(REPORTED_OUTCOMES).collect()
    assert set(rows["prediction_id"]) == {ids[0]}
    assert rows["reported_by"].to_list() == ["desk", "desk"]


def test_a_report_in_a_segment_that_waited_for_more_than_a_week_is_taken(settings):
    """Defect: the segment was dropped when its answers were taken, with the reports in it."""
    (given, _), a_month = served(settings), timedelta(days=30)
    report(settings, given, 0.01, fakes.NOW)
    take(settings)
    assert take_reports(settings, fakes.NOW + a_month) == 1
    assert segments(settings.ledger) == [], "and then it goes"


MONDAY = date(2024, 7, 1)  # the session that fakes.NOW's answers predict
LABEL = {
    "ticker": "AAPL", "target_session_date": MONDAY, "horizon": "open_to_close",
    "entry_at": datetime(2024, 7, 1, 13, 30, tzinfo=UTC),
    "exit_at": datetime(2024, 7, 1, 20, tzinfo=UTC), "is_up": True, "return_next_session": 0.02,
}  # fmt: skip


class Labels:
    """The warehouse's labels, of one session or of none."""

    def __init__(self, *rows: dict) -> None:
        self.rows, self.asked = rows, None

    def query(self, sql: str, parameters: list) -> pl.DataFrame:
        self.asked = parameters
        return pl.DataFrame(self.rows, schema={name: pl.Series([it]).dtype
                                               for name, it in LABEL.items()})  # fmt: skip


def report(settings: Settings, prediction_id: str, value: float, at: datetime) -> None:
    writer = LedgerWriter(settings.ledger)
    writer.append([outcome_entry(Outcome(prediction_id, value), at, "desk")], at)
    writer.close()


def shown(result) -> dict:
    names = ("matured", "waiting_or_without_session", "late", "reports_compared",
             "reports_that_differ", "reports_without_prices")  # fmt: skip
    return {name: result.metadata[name] for name in names}


def test_answers_mature_beside_the_prices_and_reports_are_compared(settings):
    (of_symbol, of_row), lake = served(settings), Lake(settings.lake)
    for prediction_id, value, hours in ((of_symbol, 0.5, 1), (of_symbol, 0.02005, 2),
                                        (of_row, 0.01, 3)):  # fmt: skip
        report(settings, prediction_id, value, fakes.NOW + timedelta(hours=hours))
    take(settings)
    take_reports(settings)

    waiting = answer_outcomes(lake=lake, warehouse=Labels())
    assert shown(waiting) == {
        "matured": 0, "waiting_or_without_session": 2, "late": 0, "reports_compared": 0,
        "reports_that_differ": 0, "reports_without_prices": 2,
    }  # fmt: skip
    labels = Labels(LABEL)
    found = answer_outcomes(lake=lake, warehouse=labels)
    assert labels.asked == ["open_to_close", MONDAY]
    assert shown(found) == {
        "matured": 1, "waiting_or_without_session": 1, "late": 0, "reports_compared": 1,
        "reports_that_differ": 0, "reports_without_prices": 1,
    }  # fmt: skip
    (row,) = ANSWER_OUTCOMES.enforce(found.value).iter_rows(named=True)
    assert (row["prediction_id"], row["return_next_session"], row["reported_return"]) == (
        of_symbol, 0.02, 0.02005,
    )  # fmt: skip
    assert found.check_results[0].passed
    report(settings, of_symbol, 0.0202, fakes.NOW + timedelta(hours=4))
    take(settings)
    take_reports(settings)
    disputed = answer_outcomes(lake=lake, warehouse=labels)
    assert (shown(disputed)["reports_that_differ"], disputed.value["return_next_session"][0]) == (
        1, 0.02,
    ), "the prices are the truth"  # fmt: skip
    (check,) = disputed.check_results
    assert (check.passed, check.description) == (False, "1 of 1 reports differ from the prices")
    assert of_symbol in check.metadata["differing"].value
    assert lake.scan(REPORTED_OUTCOMES).collect().height == 4, "and every report is kept"


def test_what_was_answered_too_late_counts_for_nothing_and_a_challenger_for_itself(settings):
    served(settings)
    take(settings)
    answer = Lake(settings.lake).scan(LEDGER).filter(pl.col("ticker") == "AAPL").collect()
    opened = pl.lit(LABEL["entry_at"], pl.Datetime("us", "UTC"))
    other = {"predicts_up": False, "expected_return": 0.05}
    rows = [
        answer.with_columns(predicts_up=pl.lit(True), expected_return=pl.lit(0.01)),
        answer.with_columns(**other, prediction_id=pl.lit("b"), shadow_of="prediction_id",
                            model_version=pl.lit("challenger")),
        answer.with_columns(**other, prediction_id=pl.lit("c"), answered_at=opened),
    ]  # fmt: skip
    labels = Labels(LABEL).query("", [])
    found = matured_answers(pl.concat(rows), labels, REPORTED_OUTCOMES.empty())
    assert found.sort("prediction_id")["is_late"].to_list() == [False, False, True]
    assert found["is_disputed"].null_count() == 3, "nothing was reported"
    assert quality_by_model(found).rows() == [
        (fakes.model().candidate_id, "answered", 1, 1.0, pytest.approx(0.01)),
        ("challenger", "shadow", 1, 0.0, pytest.approx(0.03)),
    ]
