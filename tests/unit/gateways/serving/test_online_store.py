"""The online store: one contract for the folder and for Redis, a real one that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.errors import ModelError, ServiceError
from finpulse_assets.gateways.serving.bundle import read_bundle, with_features
from finpulse_assets.gateways.serving.online_store import OnlineStore, as_parquet, online_store
from tests.fakes import serving as fakes
from tests.fakes.redis_server import running_redis

KINDS = ("folder", "redis")
PASSWORD = "a-secret"
Places = Callable[[str], str]


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Iterator[Places]:
    """Return where a store of a kind is; the Redis is one for all tests."""
    folder = tmp_path_factory.mktemp("store")
    with running_redis(folder, password=PASSWORD) as url:
        yield lambda kind: url if kind == "redis" else str(folder / "shared")


@pytest.fixture(params=KINDS)
def opened(request, places) -> Callable[[], OnlineStore]:
    """Open the same store, as each replica does for itself."""
    return lambda: online_store(places(request.param), request.node.name)


def many_rows(count: int = 500) -> pl.DataFrame:
    """Online features of every kind of number that a float64 can be, and unknown ones."""
    random = np.random.default_rng(3)
    names = feature_names()
    bits = random.integers(0, 1 << 64, (count, len(names)), dtype=np.uint64).view(np.float64)
    values = np.where(np.isfinite(bits), bits, 0.1)
    values[:, 0] = np.resize([-0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2], count)
    frame = pl.DataFrame(values, schema=list(names)).with_columns(
        pl.when(pl.int_range(pl.len()) % 7 == at % 7).then(None).otherwise(pl.col(name)).alias(name)
        for at, name in enumerate(names)
    )
    one = fakes.online().head(1).drop(names, "ticker")
    rows = frame.join(one, how="cross").with_columns(
        ticker=pl.format("T{}", pl.int_range(pl.len()).cast(pl.String).str.zfill(4))
    )
    return ONLINE_FEATURES.enforce(rows.select(ONLINE_FEATURES.column_names))


def test_every_row_has_the_bits_of_the_offline_row(opened):
    offline = many_rows()
    version = opened().publish(offline)
    online = pl.read_parquet(BytesIO(opened().read(version)))
    assert online.equals(offline)
    for name in feature_names():
        sent, found = (it[name].fill_null(7.5).to_numpy() for it in (offline, online))
        assert sent.tobytes() == found.tobytes(), name


def test_nothing_is_published_until_something_is(opened):
    assert opened().version() is None
    version = opened().publish(fakes.online())
    assert opened().version() == version == as_parquet(fakes.online())[0]


def test_what_is_published_again_is_no_news_and_what_is_newer_takes_its_place(opened):
    old, new = fakes.online(), fakes.online().with_columns(rsi_14=pl.lit(1.5))
    first = opened().publish(old)
    assert opened().publish(old) == first
    second = opened().publish(new)
    assert opened().version() == second != first
    with pytest.raises(ServiceError):
        opened().read(first)
    assert pl.read_parquet(BytesIO(opened().read(second))).equals(new)


@pytest.mark.parametrize("kind", KINDS)
def test_profiles_do_not_see_each_other(places, kind):
    demo, live = (online_store(places(kind), f"{kind} {name}") for name in ("demo", "live"))
    demo.publish(fakes.online())
    assert (demo.version() is not None, live.version()) == (True, None)


def test_a_changed_byte_is_refused(places, tmp_path):
    import redis

    folder = online_store(str(tmp_path), "live")
    version = folder.publish(fakes.online())
    fakes.flip_a_byte(tmp_path / "live" / f"{version}.parquet")
    store = online_store(places("redis"), "changed")
    store.publish(fakes.online())
    redis.Redis.from_url(places("redis")).hset(
        "finpulse:changed:online_features", "content", b"other"
    )
    for broken in (folder, store):
        with pytest.raises(ServiceError, match="the version that was asked for is"):
            broken.read(version)


def test_no_message_holds_the_password(places):
    store = online_store(places("redis"), "live")
    assert PASSWORD not in store.name
    lost = online_store("redis://:a-secret@127.0.0.1:1/0", "live")
    for call in (lost.version, lambda: lost.publish(fakes.online()), lambda: lost.read("x")):
        with pytest.raises(ServiceError, match=r"redis://127\.0\.0\.1:1/0 cannot be reached") as it:
            call()
        assert PASSWORD not in str(it.value)


def test_a_url_of_something_else_is_refused():
    with pytest.raises(ServiceError, match="begins with https://"):
        online_store("https://example.com", "live")


def test_a_bundle_takes_other_features_unless_its_own_are_newer(tmp_path):
    bundle = fakes.bundle(tmp_path / "bundle")
    moved = fakes.online().with_columns(sentiment_mean=pl.lit(9.0))
    assert with_features(bundle, as_parquet(moved)[1], tmp_path / "other")
    other = read_bundle(tmp_path / "other")
    assert other.online.equals(moved)
    assert other.model == read_bundle(bundle).model
    older = moved.with_columns(session_date=pl.lit(date(2024, 6, 28) - timedelta(days=1)))
    assert not with_features(bundle, as_parquet(older)[1], tmp_path / "older")
    assert not Path(tmp_path / "older").exists()
    fakes.flip_a_byte(bundle / "promotion.json")
    with pytest.raises(ModelError, match=r"promotion\.json"):
        with_features(bundle, as_parquet(moved)[1], tmp_path / "broken")
