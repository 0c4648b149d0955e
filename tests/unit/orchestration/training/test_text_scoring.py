"""Months of scores: a day costs its own texts, and a new model scores every month anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from finpulse_assets.domain.texts import scored_rows as texts_domain
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment import scoring
from finpulse_assets.gateways.sentiment.baseline import vader_scores
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.orchestration.training.text_scoring import (
    rescore_other_months,
    scored_rows,
    scoring_metadata,
)
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS
from tests.fakes.classifier import FakeClassifier
from tests.fakes.texts import noon, tweets

FIRST = date(2024, 10, 15)
JANUARY = ["2024-01-01"]


class Home:
    """A lake and the stores of scores, run day by day."""

    def __init__(self, root: Path) -> None:
        self.lake, self.scores = Lake(root / "lake"), root / "scores"

    def load(self, said: list[tuple[str, datetime]]) -> None:
        self.lake.append(TWEETS, tweets(said), [])

    def run(self, model: FakeClassifier, months: list[str]) -> tuple[TextScorer, list[str]]:
        """Do what scored/text_sentiment does; return its scorer and the months it rescored."""
        scorer = TextScorer(self.scores, model.fingerprint, lambda: model)
        rescored = [month for month, _ in rescore_other_months(self.lake, scorer, months)]
        rows = scored_rows(scorer, self.lake.scan(TWEETS, months), HEADLINES.empty().lazy())
        self.lake.replace(TEXT_SENTIMENT, rows, months)
        return scorer, rescored

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
    home.run(FakeClassifier("old"), ["2024-01-01", "2024-02-01", "2024-03-01"])
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
        scorer, rescored = home.run(model, sorted(months)[-2:])
        assert (worked, scorer.report.scored) == ({"vader": 2, "normalised": 2}, 2), day
        assert rescored == []
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
    scorer, rescored = quarter.run(FakeClassifier("new"), ["2024-03-01"])
    assert rescored == ["2024-01-01", "2024-02-01"]
    assert quarter.models() == {f"2024-0{month}-01": {"new"} for month in (1, 2, 3)}
    assert scoring_metadata(scorer, TEXT_SENTIMENT.empty())["scored"] == 6
    assert quarter.run(FakeClassifier("new"), ["2024-03-01"])[1] == []


def test_a_killed_rescoring_goes_on_where_it_stopped(quarter):
    class Killed(FakeClassifier):
        def score(self, texts, on_batch=None):
            if self.scored:
                raise KeyboardInterrupt
            return super().score(texts, on_batch)

    with pytest.raises(KeyboardInterrupt):
        quarter.run(Killed("new"), ["2024-03-01"])
    assert quarter.models()["2024-01-01"] == {"new"}
    assert quarter.models()["2024-02-01"] == {"old"}
    model = FakeClassifier("new")
    assert quarter.run(model, ["2024-03-01"])[1] == ["2024-02-01"]
    assert len(model.scored) == 4
    assert set.union(*quarter.models().values()) == {"new"}


def test_a_month_without_texts_has_no_model_to_replace(quarter):
    quarter.lake.replace(TEXT_SENTIMENT, TEXT_SENTIMENT.empty(), JANUARY)
    assert quarter.run(FakeClassifier("new"), ["2024-03-01"])[1] == ["2024-02-01"]
