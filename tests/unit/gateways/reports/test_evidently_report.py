"""The drift page: rendered by Evidently, sampled, kept and pruned."""

from __future__ import annotations

import re
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


def decided(*features: str, value: float = 0.5, limit: float = 0.2) -> pl.DataFrame:
    rows = {"value": value, "limit": limit, "is_drifted": value > limit}
    return pl.DataFrame({"feature": features}).with_columns(
        **{k: pl.lit(v) for k, v in rows.items()}
    )


def test_the_page_shows_the_numbers_of_the_platform(tmp_path):
    """By its own measure Evidently would find `moved` drifted (PSI 8.2) and `steady` not."""
    verdicts = pl.concat(
        [decided("moved", value=0.123, limit=0.321), decided("steady", value=0.777, limit=0.456)]
    )
    page = write_drift_page(tmp_path, DAY, *frames(), verdicts).read_text()
    assert re.findall(r"Data drift (not detected|detected)", page) == ["not detected", "detected"]
    assert re.findall(r"Drift score: ([\d.]+)", page) == ["0.123", "0.777"]


def test_the_page_is_small_and_shows_ten_columns_at_most(tmp_path):
    draw = np.random.default_rng(0).normal
    names = [f"column_{at:02}" for at in range(30)]
    frame = pl.DataFrame({name: draw(size=6_000) for name in names})
    path = write_drift_page(tmp_path, DAY, frame, frame, decided(*frame.columns))
    page = path.read_text()
    assert [name for name in names if name in page] == names[:10]
    assert path.stat().st_size < 5e6


def test_a_page_is_written_and_only_the_newest_are_kept(tmp_path):
    for day in (9, 10, 11):
        (tmp_path / f"2024-03-{day:02d}.html").write_text("old")
    path = write_drift_page(tmp_path, DAY, *frames(), decided("moved", "steady", "gone"), kept=2)
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
        write_drift_page(tmp_path / "x", DAY, *frames(), decided("gone"))
    assert not (tmp_path / "x").exists()
