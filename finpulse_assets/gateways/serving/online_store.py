"""The online store: where replicas of the service find the newest features, beside their bundles.

A folder that they share, or Redis. What is published is the table as Parquet under its sha256, one
whole thing: a reader gets all rows of a publication or none, and the bytes that were published.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import polars as pl

from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.atomic import written_atomically

REDIS = ("redis", "rediss", "unix")
REDIS_SECONDS = 2.0


class OnlineStore(Protocol):
    """Holds one publication of the online features."""

    name: str  # as it may be shown: without a password

    def publish(self, features: pl.DataFrame) -> str:
        """Put `ONLINE_FEATURES` in the place of what was published before; return its version.

        Raises:
            ServiceError: the store cannot be written.
        """

    def version(self) -> str | None:
        """Return the version of what is published, None for nothing: it is looked at all the time.

        Raises:
            ServiceError: the store cannot be reached.
        """

    def read(self, version: str) -> bytes:
        """Return what is published, as Parquet, if it is still of that version.

        Raises:
            ServiceError: it is not, or is not what was published.
        """


def online_store(place: str, profile: str) -> OnlineStore:
    """Return the store at a place: the URL of a Redis, or a folder.

    Args:
        place: redis://..., rediss://... or unix://..., else a path.
        profile: of the home; so that simulated features never take the place of real ones.

    Raises:
        ServiceError: the URL is none of a Redis.
    """
    if urlsplit(place).scheme in REDIS:
        return RedisStore(place, profile)
    if "://" in place:
        raise ServiceError(
            f"the online store has a URL that begins with {place.partition(':')[0]}://",
            hint="redis://HOST:PORT/0, rediss://HOST:PORT/0, unix://PATH or a folder",
        )
    return FolderStore(Path(place), profile)


def as_parquet(features: pl.DataFrame) -> tuple[str, bytes]:
    """Return the version and the bytes of `ONLINE_FEATURES` as they are published."""
    buffer = BytesIO()
    ONLINE_FEATURES.enforce(features).write_parquet(buffer, compression="zstd")
    content = buffer.getvalue()
    return hashlib.sha256(content).hexdigest(), content


class FolderStore:
    """The online store in a folder: <version>.parquet, and a file that names the version."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder, self.name = folder / profile, str(folder)
        self._newest = self.folder / "version"

    def publish(self, features: pl.DataFrame) -> str:
        version, content = as_parquet(features)
        before = self.version()
        for path, written in ((self._file(version), content), (self._newest, version.encode())):
            with written_atomically(path) as temporary:
                temporary.write_bytes(written)
        if before not in (None, version):
            self._file(before).unlink(missing_ok=True)
        return version

    def version(self) -> str | None:
        try:
            return self._newest.read_text() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error

    def read(self, version: str) -> bytes:
        try:
            content = self._file(version).read_bytes()
        except OSError as error:
            raise self._failed(error) from error
        return _held(content, version, self.name)

    def _file(self, version: str) -> Path:
        return self.folder / f"{version}.parquet"

    def _failed(self, error: OSError) -> ServiceError:
        return ServiceError(
            f"the online store {self.name} cannot be read: {error.strerror or error}",
            hint="check FINPULSE_ONLINE_STORE and the permissions of the folder",
        )


class RedisStore:
    """The online store in Redis: one hash with the version and the content.

    https://redis.io/docs/latest/commands/hset/
    """

    def __init__(self, url: str, profile: str) -> None:
        import redis

        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._key = f"finpulse:{profile}:online_features"
        self._failure = redis.RedisError
        self._redis: Any = redis.Redis.from_url(
            url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )

    def publish(self, features: pl.DataFrame) -> str:
        version, content = as_parquet(features)
        # One command: a reader sees both as they were before, or both as they are now.
        self._call("hset", mapping={"version": version, "content": content})
        return version

    def version(self) -> str | None:
        found = self._call("hget", "version")
        return None if found is None else found.decode("ascii", "replace")

    def read(self, version: str) -> bytes:
        return _held(self._call("hget", "content") or b"", version, self.name)

    def _call(self, command: str, *arguments: str, **options: Any) -> Any:
        try:
            return getattr(self._redis, command)(self._key, *arguments, **options)
        except self._failure as error:
            raise ServiceError(
                f"the online store {self.name} cannot be reached: {error}",
                hint="check FINPULSE_ONLINE_STORE, and that Redis runs",
            ) from error


def _held(content: bytes, version: str, name: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != version:
        raise ServiceError(
            f"the online store {name} holds {len(content)} bytes with the sha256 {found[:12]}..., "
            f"the version that was asked for is {version[:12]}...",
            hint="something newer was published meanwhile, or it was changed: publish it again",
        )
    return content
