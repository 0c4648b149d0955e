"""Months of scores: a day costs its own texts, and a new model scores every month anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.domain.texts import scored_rows as texts_domain
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment import scoring
from finpulse_assets.gateways.sentiment.baseline import vader_scores
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.orchestration.training.made_months import INPUTS_FILE
from finpulse_assets.orchestration.training.text_scoring import score_months, scoring_metadata
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS
from tests.fakes.classifier import FakeClassifier
from tests.fakes.texts import noon, tweets

FIRST = date(2024, 10, 15)
JANUARY, FEBRUARY, MARCH = "2024-01-01", "2024-02-01", "2024-03-01"


class Home:
    """A lake and the stores of scores, run day by day."""

    def __init__(self, root: Path) -> None:
        self.lake, self.scores = Lake(root / "lake"), root / "scores"

    def load(self, said: list[tuple[str, datetime]]) -> None:
        self.lake.append(TWEETS, tweets(said), [])

    def run(
        self, model: FakeClassifier, months: list[str], engine: LocalEngine | None = None
    ) -> tuple[TextScorer, list[str]]:
        """Do what scored/text_sentiment does; return its scorer and the months it wrote."""
        engine = engine or LocalEngine(lambda: model)
        scorer = TextScorer(self.scores, model.fingerprint, engine)
        return scorer, list(score_months(self.lake, scorer, months))

    def models(self) -> dict[str, set[str]]:
        return {
            month: set(self.lake.scan(TEXT_SENTIMENT, [month]).collect()["model_fingerprint"])
            for month in self.lake.partitions(TEXT_SENTIMENT)
        }

    def files(self) -> int:
        return sum(path.is_file() for path in self.scores.rglob("*"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def quarter(home: Home) -> Home:
    """Three months of two texts each, scored by the model "old"."""
    said = [(f"acme beats {month}", noon(date(2024, month, 9))) for month in (1, 2, 3)]
    home.load([*said, *((text + " again", at) for text, at in said)])
    home.run(FakeClassifier("old"), [JANUARY, FEBRUARY, MARCH])
    return home


def test_sixty_five_days_cost_each_its_own_texts_and_no_more_files(home, monkeypatch):
    worked = {"vader": 0, "normalised": 0}

    def rated(texts):
        worked["vader"] += len(texts)
        return vader_scores(texts)

    def normalised(text):
        worked["normalised"] += 1
        return normalise_text(text)

    monkeypatch.setattr(scoring, "vader_scores", rated)
    monkeypatch.setattr(texts_domain, "normalise_text", normalised)
    model, files, months = FakeClassifier("old"), [], set()
    for number in range(65):
        day = FIRST + timedelta(days=number)
        new = [f"acme beats {number}", f"bolt cuts {number}"]
        home.load([(text, noon(day)) for text in (*new, "RT @joe: acme beats 0")])
        months.add(f"{day:%Y-%m-01}")
        worked.update(vader=0, normalised=0)
        scorer, written = home.run(model, sorted(months)[-2:])
        assert (worked, scorer.report.scored) == ({"vader": 2, "normalised": 2}, 2), day
        assert written == [f"{day:%Y-%m-01}"]
        files.append(home.files())
    assert set(files) == {2}, "one store a scorer, on the first day as on the last"
    assert home.lake.partitions(TEXT_SENTIMENT) == sorted(months)
    assert len(months) == 3
    assert len(model.scored) == len(set(model.scored)) == 2 * 65


def test_days_equal_one_clean_run(home, tmp_path):
    clean, months = Home(tmp_path / "clean"), ["2024-10-01", "2024-11-01"]
    for number in range(30):
        said = [(f"core opens {number % 7}", noon(FIRST + timedelta(days=number)))]
        home.load(said)
        clean.load(said)
        home.run(FakeClassifier(), home.lake.partitions(TWEETS)[-2:])
    clean.run(FakeClassifier(), months)
    tables = [it.lake.scan(TEXT_SENTIMENT, months).collect() for it in (home, clean)]
    assert tables[0].equals(tables[1])


def test_a_replaced_model_scores_every_month_in_the_run_of_one(quarter):
    scorer, written = quarter.run(FakeClassifier("new"), [MARCH])
    assert written == [JANUARY, FEBRUARY, MARCH]
    assert quarter.models() == {month: {"new"} for month in (JANUARY, FEBRUARY, MARCH)}
    metadata = scoring_metadata(quarter.lake, scorer, [MARCH])
    assert (metadata["scored"], metadata["rows_in_this_run"]) == (6, 2)
    assert metadata["dagster/row_count"] == 6


def test_what_is_up_to_date_is_not_touched(quarter):
    scorer, written = quarter.run(FakeClassifier("old"), [FEBRUARY, MARCH])
    assert (written, scorer.report.cache_hits, scorer.report.scored) == ([], 0, 0)


def test_texts_that_came_late_for_a_month_outside_the_run_are_scored(quarter):
    quarter.load([("core opens late", noon(date(2024, 1, 20)))])
    model = FakeClassifier("old")
    assert quarter.run(model, [MARCH])[1] == [JANUARY]
    assert model.scored == ["core opens late"]
    assert quarter.lake.scan(TEXT_SENTIMENT, [JANUARY]).collect().height == 3


def test_headlines_count_and_a_text_of_both_kinds_is_one(quarter):
    frame = tweets([("acme beats 2", noon(date(2024, 2, 5)))])
    quarter.lake.append(HEADLINES, frame, [])
    model = FakeClassifier("old")
    assert quarter.run(model, [MARCH])[1] == [FEBRUARY]
    assert model.scored == []
    rows = quarter.lake.scan(TEXT_SENTIMENT, [FEBRUARY]).collect()
    assert (rows.height, rows["first_known_at"].min()) == (2, noon(date(2024, 2, 5)))


def test_a_killed_rescoring_goes_on_where_it_stopped(quarter):
    class Killed(FakeClassifier):
        def score(self, texts):
            if self.scored:
                raise KeyboardInterrupt
            return super().score(texts)

    with pytest.raises(KeyboardInterrupt):
        quarter.run(Killed("new"), [MARCH])
    assert quarter.models()[JANUARY] == {"new"}
    assert quarter.models()[FEBRUARY] == {"old"}
    model = FakeClassifier("new")
    assert quarter.run(model, [MARCH])[1] == [FEBRUARY, MARCH]
    assert len(model.scored) == 4
    assert set.union(*quarter.models().values()) == {"new"}


def test_a_month_of_the_run_without_a_text_is_written_empty(quarter):
    written = quarter.run(FakeClassifier("old"), [MARCH, "2024-04-01"])[1]
    assert written == ["2024-04-01"]
    assert quarter.lake.scan(TEXT_SENTIMENT, written).collect().is_empty()


def test_a_month_whose_scores_were_deleted_is_made_again_from_the_store(quarter):
    quarter.lake.path(TEXT_SENTIMENT, JANUARY).unlink()
    scorer, written = quarter.run(FakeClassifier("old"), [MARCH])
    assert (written, scorer.report.cache_hits, scorer.report.scored) == ([JANUARY], 2, 0)


def test_a_broken_note_of_the_inputs_is_named(quarter):
    path = quarter.lake.root / TEXT_SENTIMENT.name / INPUTS_FILE
    path.write_text("{")
    with pytest.raises(LakeError, match=r"\.inputs\.json cannot be read.*delete it"):
        quarter.run(FakeClassifier("old"), [MARCH])
    path.unlink()
    assert quarter.run(FakeClassifier("old"), [MARCH])[1] == [JANUARY, FEBRUARY, MARCH]


class Counting(LocalEngine):
    """An engine that costs much to start: what it is asked for, call by call, in texts."""

    all_at_once = True

    def __init__(self, model: FakeClassifier) -> None:
        super().__init__(lambda: model)
        self.calls: list[int] = []

    def scored(self, blocks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        self.calls += [sum(block.height for block in blocks)] if blocks else []
        return super().scored(blocks)


def test_an_engine_that_costs_much_to_start_is_asked_once_for_all_months(quarter: Home):
    model = FakeClassifier("new")
    by_one, _ = quarter.run(FakeClassifier("other"), [MARCH])
    expected = quarter.lake.scan(TEXT_SENTIMENT).drop("model_fingerprint").collect()
    engine = Counting(model)
    scorer, written = quarter.run(model, [MARCH], engine)
    assert engine.calls == [6]
    assert written == [JANUARY, FEBRUARY, MARCH]
    assert scorer.report.scored == by_one.report.scored == 6
    assert scorer.report.cache_hits == by_one.report.cache_hits == 0
    found = quarter.lake.scan(TEXT_SENTIMENT).drop("model_fingerprint").collect()
    assert found.equals(expected)
