"""The labelled sets of a deployment: read once while their files stay."""

from __future__ import annotations

import os

import polars as pl

from finpulse_assets.orchestration.training import labelled_sets as module
from finpulse_assets.orchestration.training.labelled_sets import SIMULATED, labelled_sets
from finpulse_assets.settings import load_settings


def test_the_simulators_own_sentences_are_the_default():
    assert [one.name for one in labelled_sets(load_settings())] == [SIMULATED]


def test_a_set_is_read_once_and_anew_once_a_file_or_its_description_changes(tmp_path, monkeypatch):
    reads = []
    reading = module.read_labelled_sets
    monkeypatch.setattr(
        module, "read_labelled_sets", lambda paths: reads.append(paths) or reading(paths)
    )
    path = tmp_path / "mine.csv"
    settings = load_settings(labelled_texts_path=str(path))

    def names() -> list[str]:
        return [one.name for one in labelled_sets(settings) for _ in range(one.texts.height)]

    pl.DataFrame({"text": ["up"], "label": ["positive"]}).write_csv(path)
    assert names() == names() == ["mine"]
    assert len(reads) == 1
    pl.DataFrame({"text": ["up", "down"], "label": ["positive", "negative"]}).write_csv(path)
    os.utime(path, ns=(1, 1))
    assert names() == ["mine", "mine"]
    path.with_suffix(".toml").write_text('name = "ours"')
    assert names() == ["ours", "ours"]
    assert len(reads) == 3
