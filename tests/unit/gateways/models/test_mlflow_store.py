"""The registry: which versions are pruned."""

from __future__ import annotations

import pytest

from finpulse_assets.gateways.models.mlflow_store import REGISTERED_MODEL, MlflowStore, silence


@pytest.fixture
def store(tmp_path) -> MlflowStore:
    silence()
    store = MlflowStore(f"sqlite:///{tmp_path / 'mlflow.db'}")
    client = store._client()
    client.create_registered_model(REGISTERED_MODEL)
    for name in ("one", "two", "three"):
        version = client.create_model_version(REGISTERED_MODEL, source=f"{tmp_path}/{name}")
        client.set_model_version_tag(REGISTERED_MODEL, version.version, "candidate_id", name)
    return store


def test_versions_of_other_candidates_are_deleted(store):
    assert store.prune(["three", "one"]) == ["2"]
    assert store.version_of("two") is None
    assert (store.version_of("one"), store.version_of("three")) == ("1", "3")
    assert store.prune(["three", "one"]) == []
