"""The asset of text drift and its check: what features count is compared, one verdict a session."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from finpulse_assets.defs.monitoring import assets
from finpulse_assets.defs.monitoring.checks import texts_have_not_drifted
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.training.text_traits import trait_months
from finpulse_assets.schemas import TWEETS
from tests.fakes.embedder import CountingEmbedder
from tests.fakes.models import OneChampion
from tests.fakes.texts import noon, tweets

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 6, 28)).head(100)
DAYS = SESSIONS["session_date"].to_list()
USUAL = ["margins look thin", "the plant opens in spring", "debt is due", "nobody asks", "hold"]
LATER = ["tariffs hit the suppliers", "customs delay each ship", "an embargo looms", "ports shut"]
FOREIGN = ["Zölle treffen alle Zulieferer sehr hart", "Die Häfen sind seit gestern geschlossen"]


def asset(lake: Lake, *, champion: bool = True, embeddings: bool = False) -> dg.MaterializeResult:
    models = OneChampion(trained_from=DAYS[0], trained_to=DAYS[-1], is_there=champion)
    return assets.text_drift.op.compute_fn.decorated_fn(
        SimpleNamespace(log=SimpleNamespace(info=lambda _: None)),
        SESSIONS.lazy(),
        RunClock(as_of=SESSIONS["decision_at"][-1], start_date=DAYS[0]),
        models,
        lake,
        SimpleNamespace(embeddings=embeddings, models=lake.root / "models"),
    )


def lake_of(root, *, later: list[str]) -> Lake:
    """Return a lake in which the last 20 sessions speak of what `later` says."""
    lake, said = Lake(root), []
    for at, day in enumerate(DAYS):
        texts = later if at >= 80 else USUAL
        said += [(text, noon(day) + timedelta(minutes=n)) for n, text in enumerate(texts)]
    lake.append(TWEETS, tweets(said), [])
    trait_months(lake, [], languages=["en"])
    return lake


@pytest.mark.parametrize(
    ("later", "passes"), [(USUAL, True), (LATER, False), (USUAL + FOREIGN, True)]
)
def test_the_check_has_the_verdict_of_the_report_on_texts_that_count(tmp_path, later, passes):
    made = asset(lake_of(tmp_path, later=later))
    result = texts_have_not_drifted(made.value.lazy())
    assert result.passed is passes
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.description == made.metadata["summary"]
    assert made.metadata["plot"].value.startswith("![plot](data:image/png;base64,")
    assert ("customs" in made.metadata["moved_words"].value) is (later == LATER)


def test_without_a_text_there_is_a_report(tmp_path):
    made = asset(Lake(tmp_path))
    assert made.value.height == 1
    assert made.metadata["summary"].startswith("too few texts")


def test_without_a_champion_nothing_can_be_compared(tmp_path):
    with pytest.raises(ModelError, match="no model was promoted yet"):
        asset(Lake(tmp_path), champion=False)


def test_kept_embeddings_take_the_place_of_bags_of_words(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "MiniLM", CountingEmbedder)
    made = asset(lake_of(tmp_path, later=LATER), embeddings=True)
    assert made.value["vectors"].to_list() == ["counting"]
    assert made.metadata["is_drifted"]
