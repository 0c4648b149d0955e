"""The store of scores: nothing twice, nothing half, nothing of another model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.errors import LakeError, ModelError, SchemaError
from finpulse_assets.gateways.sentiment.score_store import SCHEMA, ScoreStore, score_missing
from tests.fakes.classifier import WORDS, FakeClassifier

TEXTS = ["acme beats", "bolt cuts", "core opens", "acme beats"]


def hashed(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"text_hash": [text_hash(text) for text in texts], "text": texts},
        schema={"text_hash": pl.String, "text": pl.String},
    )


@pytest.fixture
def store(tmp_path: Path) -> ScoreStore:
    return ScoreStore(tmp_path, "fake")


def refuse() -> FakeClassifier:
    raise AssertionError("the classifier was loaded though nothing is missing")


def test_scores_each_distinct_text_once(store: ScoreStore) -> None:
    fake = FakeClassifier()
    report = score_missing(store, lambda: fake, hashed(TEXTS))
    assert sorted(fake.scored) == sorted(set(TEXTS))
    assert (report.cache_hits, report.scored) == (0, 3)
    assert (report.device, report.dtype) == ("cpu", "float32")
    assert report.texts_per_second > 0
    again = score_missing(store, refuse, hashed(TEXTS))
    assert (again.cache_hits, again.scored, again.texts_per_second) == (3, 0, None)


def test_known_returns_what_was_scored(store: ScoreStore) -> None:
    score_missing(store, FakeClassifier, hashed(TEXTS))
    known = store.known(pl.Series([text_hash("bolt cuts"), text_hash("never seen")]))
    assert known.schema == pl.Schema(SCHEMA)
    assert known.rows() == [(text_hash("bolt cuts"), 0.05, 0.85, 0.1, False)]
    assert store.known(pl.Series([], dtype=pl.String)).height == 0


def test_only_what_is_new_is_scored(store: ScoreStore) -> None:
    score_missing(store, FakeClassifier, hashed(TEXTS[:2]))
    fake = FakeClassifier()
    report = score_missing(store, lambda: fake, hashed(TEXTS))
    assert fake.scored == ["core opens"]
    assert (report.cache_hits, report.scored) == (2, 1)


def test_models_do_not_share_scores(tmp_path: Path) -> None:
    score_missing(ScoreStore(tmp_path, "fake"), FakeClassifier, hashed(TEXTS))
    other = ScoreStore(tmp_path, "other")
    assert other.known(hashed(TEXTS)["text_hash"]).height == 0
    with pytest.raises(ModelError, match="the classifier is fake, the store keeps scores of other"):
        score_missing(other, FakeClassifier, hashed(TEXTS))


def test_a_killed_run_loses_at_most_one_chunk(store: ScoreStore) -> None:
    texts = hashed([f"acme beats {number}" for number in range(25)])

    class Killed(FakeClassifier):
        def score(self, texts, on_batch=None):
            if len(self.scored) >= 20:
                raise KeyboardInterrupt
            return super().score(texts, on_batch)

    with pytest.raises(KeyboardInterrupt):
        score_missing(store, Killed, texts, chunk=10)
    assert store.known(texts["text_hash"]).height == 20
    fake = FakeClassifier()
    assert score_missing(store, lambda: fake, texts, chunk=10).cache_hits == 20
    assert len(fake.scored) == 5


def test_progress_counts_over_chunks(store: ScoreStore) -> None:
    calls: list[tuple[int, int]] = []
    texts = hashed([f"core opens {number}" for number in range(25)])
    score_missing(
        store, FakeClassifier, texts, chunk=10, on_progress=lambda *call: calls.append(call)
    )
    assert calls == [(10, 25), (20, 25), (25, 25)]


def test_equal_content_is_one_file_whatever_its_order(store: ScoreStore) -> None:
    score_missing(store, FakeClassifier, hashed(TEXTS))
    frame = store.known(hashed(TEXTS)["text_hash"])
    store.add(frame.reverse())
    assert len(list(store.folder.iterdir())) == 1
    store.add(frame.head(1))
    assert len(list(store.folder.iterdir())) == 2
    assert store.known(frame["text_hash"]).equals(frame)


def test_leftover_temporary_file_is_ignored(store: ScoreStore) -> None:
    score_missing(store, FakeClassifier, hashed(TEXTS))
    (store.folder / "0123.99.tmp").write_bytes(b"PAR1 half")
    assert store.known(hashed(TEXTS)["text_hash"]).height == 3


@pytest.mark.parametrize("keep", [0, 4, 300])
def test_truncated_file_is_named(store: ScoreStore, keep: int) -> None:
    score_missing(store, FakeClassifier, hashed(TEXTS))
    [path] = store.folder.iterdir()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LakeError, match=rf"{path.name} is truncated.*\({keep} bytes\).*delete it"):
        store.known(hashed(TEXTS)["text_hash"])
    path.unlink()
    assert score_missing(store, FakeClassifier, hashed(TEXTS)).scored == 3


def test_add_refuses_other_shapes(store: ScoreStore) -> None:
    with pytest.raises(SchemaError, match="scores do not have the columns text_hash, p_positive"):
        store.add(pl.DataFrame({"text_hash": ["a"]}))
    row = {"text_hash": ["a"], "p_positive": [None], "p_negative": [0.1], "p_neutral": [0.1]}
    with pytest.raises(SchemaError, match="scores have nulls"):
        store.add(pl.DataFrame(row | {"is_truncated": [False]}))
    store.add(pl.DataFrame(schema=SCHEMA))
    assert not store.folder.exists()


@settings(max_examples=25, deadline=None)
@given(
    first=st.lists(st.sampled_from(WORDS), max_size=12),
    second=st.lists(st.sampled_from(WORDS), max_size=12),
    chunk=st.integers(1, 5),
)
def test_any_two_runs_know_every_text_and_score_none_twice(
    tmp_path_factory, first: list[str], second: list[str], chunk: int
) -> None:
    store = ScoreStore(tmp_path_factory.mktemp("store"), "fake")
    fake = FakeClassifier()
    for texts in (first, second):
        report = score_missing(store, lambda: fake, hashed(texts), chunk=chunk)
        assert report.cache_hits + report.scored == len(set(texts))
    assert sorted(fake.scored) == sorted(set(first) | set(second))
    assert store.known(hashed(first + second)["text_hash"]).height == len(fake.scored)


def test_nothing_heavy_is_imported_by_a_full_store(store: ScoreStore) -> None:
    score_missing(store, FakeClassifier, hashed(TEXTS))
    code = (
        "import sys, polars as pl; from pathlib import Path\n"
        "import finpulse_assets.gateways.sentiment.hub, finpulse_assets.gateways.sentiment.training"
        "\nfrom finpulse_assets.gateways.sentiment.score_store import ScoreStore\n"
        "store = ScoreStore(Path(sys.argv[1]), 'fake')\n"
        "assert store.known(pl.Series([sys.argv[2]])).height == 1\n"
        "print({'torch', 'transformers', 'requests', 'dagster'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(store.folder.parent), text_hash("bolt cuts")]
    assert subprocess.check_output(command, text=True).strip() == "set()"
