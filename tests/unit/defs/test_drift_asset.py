"""The drift asset and its check: one verdict, and a page only where somebody needs it."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import dagster as dg
import numpy as np
import polars as pl
import pytest

from finpulse_assets.defs.monitoring import assets
from finpulse_assets.defs.monitoring.checks import features_have_not_drifted
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.monitoring.drift import PREDICTIONS, column_kinds
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import DAILY_SIGNALS, OUT_OF_SAMPLE
from tests.fakes.models import CHAMPION, OneChampion, put_card

DAYS = build_sessions(date(2024, 1, 2), date(2024, 8, 30))["session_date"].to_list()[:120]
ROWS = 20
EARLIER, OTHER = "e" * 16, "o" * 16
NO_SIGNALS, NOTHING_TESTED = DAILY_SIGNALS.empty(), OUT_OF_SAMPLE.empty()


def market(shift: float) -> pl.DataFrame:
    """Return normal features whose last 20 sessions have moved by `shift`."""
    draw = np.random.default_rng(0).normal
    days = [day for day in DAYS for _ in range(ROWS)]
    late = np.array([day >= DAYS[-20] for day in days])
    names = [name for name in column_kinds() if name not in PREDICTIONS]
    return pl.DataFrame(
        {
            "ticker": [f"T{at:02}" for _ in DAYS for at in range(ROWS)],
            "session_date": days,
            **{name: draw(size=len(days)) + shift * late for name in names},
        }
    )


@pytest.fixture
def drift(tmp_path, monkeypatch):
    """Return a function that materializes the asset; pages are counted, not drawn."""
    pages = []

    def page(folder, session, recent, reference, most_moved):
        pages.append(most_moved)
        return folder / f"{session}.html"

    monkeypatch.setattr(assets, "write_drift_page", page)
    models = OneChampion(tmp_path / "price", trained_from=DAYS[0], trained_to=DAYS[-1])
    for name, family in {CHAMPION: "xgboost", EARLIER: "xgboost", OTHER: "ranking"}.items():
        put_card(models.root, name, family=family)

    def materialize(
        *, shift: float, publish: bool = True, page: bool = False,
        signals: pl.DataFrame = NO_SIGNALS, tested: pl.DataFrame = NOTHING_TESTED,
    ):  # fmt: skip
        frame = market(shift)
        return assets.feature_drift.op.compute_fn.decorated_fn(
            SimpleNamespace(log=SimpleNamespace(info=lambda _: None)),
            assets.DriftConfig(page=page),
            signals.lazy(),
            tested.lazy(),
            SimpleNamespace(query=lambda _: frame),
            models,
            Lake(tmp_path),
            SimpleNamespace(publish=publish, root=tmp_path),
        )

    return SimpleNamespace(materialize=materialize, pages=pages)


def test_a_quiet_day_draws_no_page_and_shows_the_table(drift):
    """Once a page of 7 MB in 24 s, every day."""
    made = drift.materialize(shift=0.0)
    assert drift.pages == []
    assert "report" not in made.metadata
    assert made.metadata["most_moved"].value.count("\n") == 11  # ten columns below two lines
    assert made.metadata["plot"].value.startswith("![plot](data:image/png;base64,")


@pytest.mark.parametrize(
    ("asked", "pages"),
    [
        ({"shift": 3.0}, 1),
        ({"shift": 0.0, "page": True}, 1),
        ({"shift": 3.0, "publish": False}, 0),
    ],
    ids=["drift", "asked for", "unpublished"],
)
def test_a_page_is_drawn_where_somebody_needs_it(drift, asked, pages):
    made = drift.materialize(**asked)
    assert len(drift.pages) == pages
    assert isinstance(made.metadata.get("report"), dg.PathMetadataValue if pages else type(None))


@pytest.mark.parametrize(("shift", "passes"), [(0.0, True), (3.0, False)])
def test_the_check_has_the_verdict_of_the_report(drift, shift, passes):
    made = drift.materialize(shift=shift)
    result = features_have_not_drifted(made.value.lazy())
    assert result.passed is passes
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.description == made.metadata["summary"]


def said(days: list[date], size: float, **more: object) -> pl.DataFrame:
    """Return probabilities that spread by `size` around one half, as many as the market's rows."""
    draw = np.random.default_rng(1).normal
    rows = len(days) * ROWS
    return pl.DataFrame(
        {
            "ticker": [f"T{at:02}" for _ in days for at in range(ROWS)],
            "session_date": [day for day in days for _ in range(ROWS)],
            "probability_up": 0.5 + size * draw(size=rows),
            "expected_return": size * draw(size=rows),
        }
    ).with_columns(predicted_at=pl.col("session_date").cast(pl.Datetime), origin=pl.lit("live"),
                   **{name: pl.lit(it) for name, it in more.items()})  # fmt: skip


def test_the_predictions_of_a_champion_are_held_to_those_of_its_own_family(drift):
    """Those of the first candidate were taken, whichever predicts: four times as wide here."""
    signals = pl.concat(
        [
            said(DAYS[60:80], 0.04, model_version=OTHER),
            said(DAYS[80:100], 0.01, model_version=EARLIER),
            said(DAYS[100:], 0.01, model_version=CHAMPION),
        ]
    )
    tested = [said(DAYS[:80], size, candidate=name) for name, size in
              {"ranking": 0.04, "xgboost": 0.01}.items()]  # fmt: skip
    made = drift.materialize(shift=0.0, signals=signals, tested=pl.concat(tested))
    judged = made.value.filter(pl.col("feature").is_in(PREDICTIONS))
    assert judged["is_drifted"].to_list() == [False, False]
    assert judged["value"].max() < 0.1
    alone = drift.materialize(shift=0.0, signals=signals, tested=tested[0])
    assert alone.value.filter(kind="prediction")["value"].null_count() == 2, "too short to judge"
