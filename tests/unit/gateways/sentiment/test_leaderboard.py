"""The leaderboard: who is on it, what is measured, and that its intervals hold the value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.plots.sentiment import leaderboard_plot
from finpulse_assets.gateways.sentiment.labelled_texts import LabelledSet, labelled_set
from finpulse_assets.gateways.sentiment.leaderboard import contender_of, leaderboard, vader
from finpulse_assets.gateways.sentiment.training import SEEN, seen_marks
from tests.fakes.classifier import FakeClassifier, opinion_sentences


def held_out(name: str, count: int, *, seed: int = 0) -> LabelledSet:
    rows = opinion_sentences(count, seed=seed).with_columns(part=pl.lit("dev"))
    return labelled_set(name, rows, licence="none")


@pytest.fixture(scope="module")
def sets() -> list[LabelledSet]:
    weak = opinion_sentences(30, seed=3).with_columns(part=pl.lit("train"))
    return [
        held_out("first", 200),
        held_out("second", 80, seed=1),
        labelled_set("weak", weak, licence="none", is_weak=True),
    ]


@pytest.fixture(scope="module")
def table(sets, tmp_path_factory) -> pl.DataFrame:
    folder: Path = tmp_path_factory.mktemp("model")
    texts = sets[0].texts["text"].to_list()[:7]
    (folder / SEEN).write_text(str(seen_marks(texts)).replace("'", '"'))
    rows, rates = leaderboard([vader(), contender_of("keywords", FakeClassifier(), folder)], sets)
    assert list(rates) == ["VADER", "keywords"]
    assert min(rates.values()) > 0
    return rows


def values(table: pl.DataFrame, model: str, labelled: str) -> dict[str, float]:
    rows = table.filter(model=model, labelled_set=labelled)
    return dict(rows.select("metric", "value").iter_rows())


def test_every_model_is_measured_on_every_set_that_has_a_dev_part(table):
    found = set(table.select("model", "labelled_set").unique().iter_rows())
    assert found == {(m, s) for m in ("VADER", "keywords") for s in ("first", "second")}
    good = values(table, "keywords", "first")
    assert good["accuracy"] == good["weighted_f1"] == 1
    assert values(table, "VADER", "first")["accuracy"] < 0.9


def test_what_states_no_probabilities_has_no_figure_of_them(table):
    assert "calibration_error" in values(table, "keywords", "first")
    assert {"calibration_error", "log_loss"}.isdisjoint(values(table, "VADER", "first"))


def test_the_confusion_has_every_text_once(table, sets):
    counts = table.filter(pl.col("metric").str.contains(" called "), model="VADER")
    for one in sets[:2]:
        rows = counts.filter(labelled_set=one.name)
        assert rows.height == 9
        assert rows["value"].sum() == rows["row_count"][0] == one.texts.height
    right = values(table, "keywords", "first")
    assert right["negative called negative"] > 0
    assert right["negative called positive"] == 0


def test_intervals_hold_the_value_and_shrink_with_more_texts(table):
    rows = table.filter(metric="accuracy", model="VADER")
    assert (rows["lower"] < rows["value"]).all()
    assert (rows["value"] < rows["upper"]).all()
    width = dict(zip(rows["labelled_set"], rows["upper"] - rows["lower"], strict=True))
    assert width["first"] < width["second"]


def test_what_a_model_was_trained_on_is_counted(table):
    seen = table.filter(metric="accuracy").select("model", "labelled_set", "seen_count")
    found = {(model, name): count for model, name, count in seen.iter_rows()}
    assert found["keywords", "first"] >= 7
    assert found["VADER", "first"] == 0


def test_the_picture_is_a_png_with_a_panel_for_each_set(table):
    image = leaderboard_plot(table)
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert image == leaderboard_plot(table)
    assert image != leaderboard_plot(table.filter(labelled_set="first"))


def test_the_same_texts_are_drawn_for_every_model(sets):
    one = contender_of("a", FakeClassifier(), None)
    two = contender_of("b", FakeClassifier(), None)
    found = leaderboard([one, two], sets[:1])[0].filter(metric="log_loss")
    assert np.array_equal(found["lower"][0], found["lower"][1])
