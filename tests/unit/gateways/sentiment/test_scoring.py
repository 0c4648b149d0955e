"""Scoring: no text twice by the model or by VADER, and what was scored survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.sentiment import scoring
from finpulse_assets.gateways.sentiment.baseline import vader_release, vader_scores
from finpulse_assets.gateways.sentiment.score_store import MODEL_SCORES, ScoreStore
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from tests.fakes.classifier import WORDS, FakeClassifier

TEXTS = ["acme beats", "bolt cuts", "core opens", "acme beats"]


class Reader:
    """The words of some texts, and which of them were asked for."""

    def __init__(self, texts: list[str]) -> None:
        self.hashes = pl.Series([text_hash(text) for text in texts], dtype=pl.String)
        self.by_hash = dict(zip(self.hashes, texts, strict=True))
        self.asked: list[str] = []

    def words(self, hashes: pl.Series) -> pl.DataFrame:
        found = {key: self.by_hash[key] for key in hashes}
        self.asked += found.values()
        return pl.DataFrame({"text_hash": [*found], "text": [*found.values()]})


def score(folder: Path, texts: list[str], model=FakeClassifier, **options):
    """Score texts with a new scorer; return the scores, its report and the reader."""
    reader = Reader(texts)
    scorer = TextScorer(folder, "fake", LocalEngine(model), **options)
    return scorer.scores(reader.hashes, reader.words), scorer.report, reader


def refuse() -> FakeClassifier:
    raise AssertionError("the classifier was loaded though nothing is missing")


@pytest.fixture
def rated(monkeypatch) -> list[str]:
    """Return the texts that VADER is asked about from now on."""
    asked: list[str] = []

    def counted(texts):
        asked.extend(texts)
        return vader_scores(texts)

    monkeypatch.setattr(scoring, "vader_scores", counted)
    return asked


def test_each_distinct_text_is_read_and_scored_once(tmp_path: Path, rated: list[str]) -> None:
    fake = FakeClassifier()
    first, report, reader = score(tmp_path, TEXTS, lambda: fake)
    assert sorted(fake.scored) == sorted(rated) == sorted(reader.asked) == sorted(set(TEXTS))
    assert (report.cache_hits, report.scored) == (0, 3)
    assert (report.device, report.dtype) == ("cpu", "float32")
    assert report.texts_per_second > 0
    again, report, reader = score(tmp_path, TEXTS, refuse)
    assert (report.cache_hits, report.scored, report.texts_per_second) == (3, 0, None)
    assert (len(rated), reader.asked) == (3, [])
    assert again.sort("text_hash").equals(first.sort("text_hash"))


def test_a_score_is_that_of_the_model_and_of_vader(tmp_path: Path) -> None:
    scores, _, _ = score(tmp_path, ["great loss, acme cuts"])
    (row,) = scores.rows(named=True)
    assert (row["p_positive"], row["p_negative"], row["p_neutral"]) == (0.05, 0.85, 0.1)
    assert row["vader_score"] == vader_scores(["great loss, acme cuts"])[0]
    assert row["is_truncated"] is False


def test_only_what_is_new_is_read_and_scored(tmp_path: Path, rated: list[str]) -> None:
    score(tmp_path, TEXTS[:2])
    fake = FakeClassifier()
    scores, report, reader = score(tmp_path, TEXTS, lambda: fake)
    assert fake.scored == reader.asked == ["core opens"]
    assert sorted(rated) == sorted(set(TEXTS))
    assert (report.cache_hits, report.scored, scores.height) == (2, 1, 3)


def test_another_model_scores_anew_and_vader_does_not(tmp_path: Path, rated: list[str]) -> None:
    score(tmp_path, TEXTS)
    other = FakeClassifier("other")
    reader = Reader(TEXTS)
    TextScorer(tmp_path, "other", LocalEngine(lambda: other)).scores(reader.hashes, reader.words)
    assert sorted(other.scored) == sorted(set(TEXTS))
    assert len(rated) == 3
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["fake.sqlite", "other.sqlite", f"{vader_release()}.sqlite"]


def test_a_classifier_of_another_fingerprint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the classifier is fake, the scores that are kept are"):
        TextScorer(tmp_path, "other", LocalEngine(FakeClassifier)).scores(
            Reader(TEXTS).hashes, Reader(TEXTS).words
        )


def test_the_classifier_is_loaded_once_for_many_calls(tmp_path: Path) -> None:
    loaded = []
    engine = LocalEngine(lambda: loaded.append(1) or FakeClassifier())
    scorer = TextScorer(tmp_path, "fake", engine)
    for texts in (["acme beats"], ["bolt cuts"], ["acme beats"]):
        scorer.scores(Reader(texts).hashes, Reader(texts).words)
    assert loaded == [1]
    assert (scorer.report.scored, scorer.report.cache_hits) == (2, 1)


def test_a_killed_run_loses_at_most_one_chunk(tmp_path: Path) -> None:
    texts = [f"acme beats {number}" for number in range(25)]

    class Killed(FakeClassifier):
        def score(self, texts):
            if len(self.scored) >= 20:
                raise KeyboardInterrupt
            return super().score(texts)

    with pytest.raises(KeyboardInterrupt):
        score(tmp_path, texts, Killed, chunk=10)
    store = ScoreStore(tmp_path, "fake", MODEL_SCORES)
    assert store.known(Reader(texts).hashes).height == 20
    fake = FakeClassifier()
    _, report, _ = score(tmp_path, texts, lambda: fake, chunk=10)
    assert (report.cache_hits, len(fake.scored)) == (20, 5)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.fakes.classifier import FakeClassifier
from tests.unit.gateways.sentiment.test_scoring import score

class Killed(FakeClassifier):
    def score(self, texts):
        if len(self.scored) >= 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().score(texts)

score(Path(sys.argv[1]), [f"acme beats {number}" for number in range(25)], Killed, chunk=10)
"""


def test_a_process_that_is_killed_keeps_what_it_scored(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    root = Path(__file__).parents[4]
    done = subprocess.run(
        command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    texts = [f"acme beats {number}" for number in range(25)]
    fake = FakeClassifier()
    scores, report, _ = score(tmp_path, texts, lambda: fake)
    assert (report.cache_hits, len(fake.scored), scores.height) == (20, 5, 25)


def test_a_chunk_holds_texts_of_like_lengths(tmp_path: Path) -> None:
    """So that batches are full on a GPU as well, where one holds a chunk or more."""
    asked: list[list[int]] = []

    class Measured(FakeClassifier):
        def score(self, texts):
            asked.append([len(text) for text in texts])
            return super().score(texts)

    score(tmp_path, ["acme " * (1 + at * 7 % 30) for at in range(30)], Measured, chunk=10)
    assert [max(part) for part in asked] == [150, 100, 50]
    assert [min(part) for part in asked] == [105, 55, 5]


def test_truncated_texts_are_counted(tmp_path: Path) -> None:
    texts = ["acme " * 40, "bolt " * 50, "core opens"]
    _, report, _ = score(tmp_path, texts, lambda: FakeClassifier(max_length=32))
    assert report.truncated == 2


def test_progress_counts_over_chunks(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    texts = [f"core opens {number}" for number in range(25)]
    score(tmp_path, texts, chunk=10, on_progress=lambda *call: calls.append(call))
    assert calls == [(10, 25), (20, 25), (25, 25)]


@settings(max_examples=25, deadline=None)
@given(
    first=st.lists(st.sampled_from(WORDS), max_size=12),
    second=st.lists(st.sampled_from(WORDS), max_size=12),
    chunk=st.integers(1, 5),
)
def test_any_two_runs_know_every_text_and_score_none_twice(
    tmp_path_factory, first: list[str], second: list[str], chunk: int
) -> None:
    folder, fake = tmp_path_factory.mktemp("store"), FakeClassifier()
    for texts in (first, second):
        scores, report, _ = score(folder, texts, lambda: fake, chunk=chunk)
        assert report.cache_hits + report.scored == scores.height == len(set(texts))
    assert sorted(fake.scored) == sorted(set(first) | set(second))


def test_nothing_heavy_is_imported_where_nothing_is_new(tmp_path: Path) -> None:
    score(tmp_path, TEXTS)
    code = (
        "import sys, polars as pl; from pathlib import Path\n"
        "import finpulse_assets.gateways.sentiment.hub, finpulse_assets.gateways.sentiment.training"
        "\nfrom finpulse_assets.gateways.compute.engine import LocalEngine\n"
        "from finpulse_assets.gateways.compute.ray_engine import RayEngine\n"
        "from finpulse_assets.gateways.sentiment.scoring import TextScorer\n"
        "scorer = TextScorer(Path(sys.argv[1]), 'fake', LocalEngine(lambda: 1 / 0))\n"
        "assert scorer.scores(pl.Series([sys.argv[2]]), lambda hashes: 1 / 0).height == 1\n"
        "print({'torch', 'transformers', 'requests', 'dagster', 'ray'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path), text_hash("bolt cuts")]
    assert subprocess.check_output(command, text=True).strip() == "set()"
