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
from tests.fakes.models import OneChampion

DAYS = build_sessions(date(2024, 1, 2), date(2024, 8, 30))["session_date"].to_list()[:120]
ROWS = 20


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
    models = OneChampion(trained_from=DAYS[0], trained_to=DAYS[-1])

    def materialize(*, shift: float, publish: bool = True, page: bool = False):
        frame = market(shift)
        return assets.feature_drift.op.compute_fn.decorated_fn(
            SimpleNamespace(log=SimpleNamespace(info=lambda _: None)),
            assets.DriftConfig(page=page),
            DAILY_SIGNALS.empty().lazy(),
            OUT_OF_SAMPLE.empty().lazy(),
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
