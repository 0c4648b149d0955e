"""finpulse rollout: what it puts in force, what it lists and what it refuses."""

from __future__ import annotations

import pytest

from finpulse_assets.cli.rollout import rollout
from finpulse_assets.errors import ModelError, ServiceError
from finpulse_assets.gateways.serving.rollout import Rollout, read_rollout, rollout_of
from finpulse_assets.gateways.serving.store_layout import bentos_of, bundle_of
from finpulse_assets.settings import load_settings
from tests.fakes import serving as fakes


@pytest.fixture
def bentos(tmp_path, monkeypatch):
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = bentos_of(load_settings().bentos)
    for number, version in enumerate(("aa11", "aa22", "bb33")):
        fakes.bundle(bundle_of(found / version), is_proven=version == "bb33")
        card = f"name: price_predictor\ncreation_time: '2026-11-0{number + 1}T00:00:00+00:00'\n"
        (found / version / "bento.yaml").write_text(card)
    return found


def in_force(bentos) -> Rollout:
    return read_rollout(rollout_of(bentos))


def test_the_whole_rollout_is_stated_and_taken_back(bentos, capsys):
    rollout(live="bb", shadow="newest")
    assert in_force(bentos) == Rollout("bb33", shadow="newest", before=Rollout())
    rollout(live="aa11", canary="newest", share=0.05)
    assert "in force: aa11 is live, newest answers 5 %" in capsys.readouterr().err
    was = in_force(bentos)
    assert (was.shadow, was.before) == (None, Rollout("bb33", shadow="newest"))
    rollout(back=True)
    assert in_force(bentos) == Rollout("bb33", shadow="newest", before=was.before and
                                       Rollout("aa11", "newest", 0.05))  # fmt: skip


def test_the_versions_are_listed_with_their_model_and_what_is_in_force(bentos, capsys):
    rollout(live="aa22", canary="bb33", share=0.5)
    capsys.readouterr()
    fakes.flip_a_byte(bundle_of(bentos / "aa11") / "promotion.json")
    rollout()
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["in force: aa22 is live, bb33 answers 50 %", "before: newest is live"]
    assert said[2].startswith("bb33  model 0123456789abcdef (proven), trained to 2024-01-02")
    assert said[3].startswith("aa22  model 0123456789abcdef (unproven)")
    assert said[4].startswith("aa11  cannot be served: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"live": "aa"}, "2 versions begin with 'aa'.*bb33, aa22, aa11"),
        ({"shadow": "zz"}, "no versions begin with 'zz'"),
        ({"canary": "bb"}, "the share is 0 with the canary bb33"),
        ({"share": 0.5}, "the share is 0.5 with no canary"),
        ({"back": True}, "nothing to go back to"),
        ({"back": True, "live": "bb"}, "--back names nothing else"),
    ],
)
def test_what_cannot_be_put_in_force_changes_nothing(bentos, options, message):
    with pytest.raises(ServiceError, match=message):
        rollout(**options)
    assert not rollout_of(bentos).exists()


def test_a_version_whose_seal_is_broken_is_not_put_in_force(bentos):
    fakes.flip_a_byte(bundle_of(bentos / "aa11") / "promotion.json")
    with pytest.raises(ModelError, match=r"promotion\.json"):
        rollout(live="aa11")
    assert in_force(bentos) == Rollout()
