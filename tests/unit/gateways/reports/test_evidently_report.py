"""The drift page: rendered by Evidently, sampled, kept and pruned."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.reports import evidently_report
from finpulse_assets.gateways.reports.evidently_report import write_drift_page

DAY = date(2024, 3, 12)


def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    draw = np.random.default_rng(0).normal
    reference = pl.DataFrame({"moved": draw(size=400), "steady": draw(size=400), "gone": None})
    recent = reference.head(100).with_columns(pl.col("moved") + 3)
    return recent, reference


def test_a_page_is_written_and_only_the_newest_are_kept(tmp_path):
    for day in (9, 10, 11):
        (tmp_path / f"2024-03-{day:02d}.html").write_text("old")
    limits = {"moved": 0.2, "steady": 0.2, "gone": 0.2}
    path = write_drift_page(tmp_path, DAY, *frames(), limits, share=0.2, kept=2)
    assert path == tmp_path / "2024-03-12.html"
    page = path.read_text()
    assert page.lstrip().startswith("<")
    assert all(name in page for name in ("moved", "steady"))
    assert sorted(it.name for it in tmp_path.iterdir()) == ["2024-03-11.html", "2024-03-12.html"]


def test_at_most_the_sample_is_drawn_and_the_same_rows_each_time(monkeypatch):
    monkeypatch.setattr(evidently_report, "SAMPLE_ROWS", 50)
    _, reference = frames()
    drawn = [evidently_report._sampled(reference, ["moved"]) for _ in range(2)]
    assert len(drawn[0]) == 50
    assert drawn[0].equals(drawn[1])


def test_without_a_column_to_show_nothing_is_written(tmp_path):
    with pytest.raises(EvaluationError, match="no column with values in both spans"):
        write_drift_page(tmp_path / "x", DAY, *frames(), {"gone": 0.2}, share=0.2)
    assert not (tmp_path / "x").exists()
