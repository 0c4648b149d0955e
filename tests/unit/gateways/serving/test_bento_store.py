"""The bento store: what is packed, when it is built, which is the newest. One real build."""

from __future__ import annotations

import hashlib
import os
import shutil
from base64 import urlsafe_b64encode
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.serving import bento_store
from finpulse_assets.gateways.serving.bento_store import KEPT, BentoStore, Flavour
from finpulse_assets.gateways.serving.wheel import (
    CHECKOUT,
    PACKAGE,
    PROJECT_FILES,
    unpack_wheel,
)
from tests.fakes import serving as fakes

pytest.importorskip("bentoml", reason="the extra `service` is not installed")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return fakes.bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def built(tmp_path_factory, bundle) -> BentoStore:
    """A store, under a hidden folder as the default home is one, with a bento of each flavour."""
    store = BentoStore(tmp_path_factory.mktemp("home") / ".hidden" / "bentoml")
    for flavour in (Flavour.GPU, Flavour.CPU):
        _, is_new = store.keep(bundle, flavour=flavour, labels={"champion": "abc"})
        assert is_new
    return store


def test_equal_content_is_built_once_and_is_the_newest(built, bundle):
    newest = built.newest()
    (built.root / "tmp" / "left by a killed build").mkdir()
    again, is_new = built.keep(bundle, labels={"champion": "abc"})
    assert (again, is_new) == (newest, False)
    gpu, is_new = built.keep(bundle, flavour=Flavour.GPU, labels={})
    assert not is_new
    assert built.newest() == gpu != newest
    built.keep(bundle, labels={})
    assert built.newest() == newest
    assert not list((built.root / "tmp").iterdir())


def test_a_bento_holds_the_bundle_and_the_wheel_of_the_checkout(built, bundle):
    bento = built.newest()
    for path in (path for path in bundle.rglob("*") if path.is_file()):
        assert (bento.bundle / path.relative_to(bundle)).read_bytes() == path.read_bytes()
    source = bento.folder / "src"
    (record,) = source.glob("finpulse-*.dist-info/RECORD")
    listed = [line.rsplit(",", 2) for line in record.read_text().splitlines()]
    sums = {name: digest.removeprefix("sha256=") for name, digest, _ in listed if digest}
    for name, digest in sums.items():
        found = hashlib.sha256((source / name).read_bytes()).digest()
        assert urlsafe_b64encode(found).decode().rstrip("=") == digest, name
    packed = {
        path.relative_to(source).as_posix() for path in source.glob("finpulse_assets/**/*.py")
    }
    own = {path.relative_to(CHECKOUT).as_posix() for path in PACKAGE.rglob("*.py")}
    assert packed == own <= sums.keys()
    assert (source / "bentos" / "sentiment_scorer" / "service.py").is_file(), "what it calls"
    assert not list(bento.folder.rglob("__pycache__"))


def test_the_wheel_is_built_once_for_a_state_of_the_source(tmp_path):
    checkout = tmp_path / "checkout"
    for name in PROJECT_FILES:
        checkout.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, checkout)
    (checkout / PACKAGE.name).mkdir()
    shutil.copy(PACKAGE / "__init__.py", checkout / PACKAGE.name)
    for number in (1, 2):
        unpack_wheel(tmp_path / "wheels", tmp_path / f"unpacked{number}", checkout)
        (kept,) = (tmp_path / "wheels").iterdir()
    for text in ("# one\n", "# two\n", "# three\n"):
        (checkout / PACKAGE.name / "new.py").write_text(text)
        unpack_wheel(tmp_path / "wheels", tmp_path / text[2:5], checkout)
        assert (tmp_path / text[2:5] / PACKAGE.name / "new.py").read_text() == text
    assert kept not in list((tmp_path / "wheels").iterdir())
    assert len(list((tmp_path / "wheels").iterdir())) == 2
    (checkout / "LICENSE").unlink()
    with pytest.raises(ServiceError, match="is no checkout, it lacks LICENSE"):
        unpack_wheel(tmp_path / "wheels", tmp_path / "none", checkout)


def test_the_image_has_the_installed_versions_and_the_flavour_asked_for(built):
    pinned = {f"{n}=={metadata.version(n)}" for n in ("lightgbm", "numpy", "polars", "pydantic")}
    cards = [yaml.safe_load(path.read_text()) for path in built.root.rglob("bento.yaml")]
    by_flavour = {card["labels"]["flavour"]: card for card in cards}
    assert sorted(by_flavour) == ["cpu", "gpu"]
    for card in cards:
        assert pinned <= set(card["image"]["python_requirements"].split())
        assert card["labels"]["champion"] == "abc"
    resources = {
        name: card["services"][0]["config"]["resources"] for name, card in by_flavour.items()
    }
    assert resources == {"cpu": {"cpu": "1"}, "gpu": {"cpu": "1", "gpu": 1}}
    assert by_flavour["cpu"]["envs"] == []
    assert {env["name"] for env in by_flavour["gpu"]["envs"]} == {
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
    }


def test_an_empty_store_says_how_to_fill_it(tmp_path):
    with pytest.raises(ServiceError, match=r"no bento price_predictor .*serving/price_bento"):
        BentoStore(tmp_path).newest()


def test_without_the_source_of_the_service_the_hint_is_a_checkout(tmp_path, monkeypatch, bundle):
    monkeypatch.setattr(bento_store, "SERVICES", tmp_path / "absent")
    with pytest.raises(ServiceError, match=r"the source of the service, .* is absent"):
        BentoStore(tmp_path / "store").keep(bundle, labels={})


def test_what_bentoml_refuses_becomes_a_sentence(tmp_path, monkeypatch, built, bundle):
    services = tmp_path / "bentos"
    shutil.copytree(bento_store.SERVICES, services)
    (services / "price_predictor" / "service.py").write_text("raise ValueError('planted')")
    monkeypatch.setattr(bento_store, "SERVICES", services)
    shutil.copytree(built.root / "wheels", tmp_path / "store" / "wheels")
    with pytest.raises(ServiceError, match=r"cannot build price_predictor:\w{16}: .*planted"):
        BentoStore(tmp_path / "store").keep(bundle, labels={})


def test_the_last_bentos_are_kept_and_the_current_one_always(built, bundle, tmp_path):
    store = BentoStore(tmp_path / "bentoml")
    shutil.copytree(built.root, store.root)
    folder = store.newest().folder.parent
    for number in range(KEPT[built.name] + 2):
        (folder / f"later{number}").mkdir()
        card = f"name: price_predictor\ncreation_time: '2099-11-0{number + 1}T22:39:09+00:00'\n"
        (folder / f"later{number}" / "bento.yaml").write_text(card)
        os.utime(folder / f"later{number}" / "bento.yaml", (-number, -number))  # as a copy may
    newest, _ = store.keep(bundle, labels={})
    left = {path.name for path in folder.iterdir() if path.is_dir()}
    assert left == {
        newest.folder.name,
        *(f"later{number}" for number in range(3, KEPT[built.name] + 2)),
    }


def test_a_bento_of_a_model_names_what_the_model_needs_beside_the_usual():
    source = bento_store.SERVICES / "price_predictor"
    usual, further = (
        yaml.safe_load(bento_store._pinned(source, it)) for it in ((), ("xgboost-cpu",))
    )
    added = set(further["python"]["packages"]) - set(usual["python"]["packages"])
    assert added == {f"xgboost-cpu=={metadata.version('xgboost-cpu')}"}
