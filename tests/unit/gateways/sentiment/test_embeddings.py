"""Embeddings: made once a text, kept in half precision, the same alone and in a batch."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpulse_assets.gateways.sentiment import embeddings
from finpulse_assets.gateways.sentiment.embeddings import MiniLM, embeddings_of
from finpulse_assets.gateways.sentiment.encoders import minilm_available
from tests.fakes.embedder import CountingEmbedder

WORDS = ["acme beats", "debt is due", "the plant opens", "acme beats again"]


def texts(*words: str) -> pl.DataFrame:
    return pl.DataFrame({"text_hash": [f"h{word}" for word in words], "text": list(words)})


def test_a_text_is_embedded_once(tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings, "CHUNK", 2)
    embedder, shown = CountingEmbedder(), []
    first = embeddings_of(
        tmp_path, embedder, texts(*WORDS[:3], WORDS[0]), on_progress=lambda *it: shown.append(it)
    )
    assert sorted(embedder.asked) == sorted(WORDS[:3])
    assert shown == [(2, 3), (3, 3)]
    again = embeddings_of(tmp_path, embedder, texts(*WORDS))
    assert embedder.asked[3:] == [WORDS[3]]
    assert again[1].dtype == np.float16
    kept = again[0].is_in(first[0].implode()).to_numpy()
    assert again[1][kept].tobytes() == first[1].tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings-counting.sqlite"]


def test_no_texts_have_no_embeddings(tmp_path):
    hashes, vectors = embeddings_of(tmp_path, CountingEmbedder(), texts("x").head(0))
    assert len(hashes) == len(vectors) == 0


@pytest.mark.skipif(not minilm_available(), reason="the MiniLM encoder is not installed")
def test_the_packaged_encoder_knows_what_sounds_alike():
    one, near, far, alone = MiniLM().embed(
        ["Shares of Acme fall after weak earnings", "Acme stock drops on poor results " * 3,
         "The weather in Spain is sunny", ""]
    ).astype(float)  # fmt: skip
    assert one @ near > 0.5 > one @ far
    assert np.linalg.norm(alone) == pytest.approx(1, abs=0.01)
    again = MiniLM().embed(["Shares of Acme fall after weak earnings"])[0].astype(float)
    assert again == pytest.approx(one, abs=0.002)
