"""The client against the running service: every question, in turn and awaited."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from finpulse_assets.client import AsyncClient, Client, RefusedError
from tests.bentos.server import Server

pytest.importorskip("bentoml", reason="the extra `service` is not installed")


class Awaited:
    """An AsyncClient, each call of which is run to its end."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __getattr__(self, name: str) -> Any:
        async def run(*arguments: Any, **options: Any) -> Any:
            async with AsyncClient(self.url) as client:
                return await getattr(client, name)(*arguments, **options)

        return lambda *arguments, **options: asyncio.run(run(*arguments, **options))


@pytest.mark.parametrize("kind", [Client, Awaited])
def test_every_question_is_answered_in_its_type(servers: dict[str, Server], kind):
    client = kind(servers["store"].url)
    names = [it.symbol for it in client.symbols()]
    assert names == ["AAPL", "GONE", "MSFT"]
    one = client.predict("AAPL", with_features=True)
    again = client.predict_row(one.features_used, with_reasons=True)
    assert (again.symbol, again.probability) == (None, one.probability)
    assert again.reasons
    assert [it.symbol for it in client.predict_symbols(names)] == names
    rows = [dict(reversed(one.features_used.items())), dict.fromkeys(one.features_used)]
    said = client.predict_rows(rows)
    assert said[0].probability == one.probability
    assert client.prediction(one.prediction_id).answer == one
    assert [it.prediction_id for it in client.history(limit=2)] == [
        it.prediction_id for it in reversed(said)
    ]
    assert client.history("AAPL", limit=1)[0].symbol == "AAPL"
    assert set(one.features_used) == set(client.model().features)
    assert client.status().model_version == one.model_version
    assert client.health() in ("stale", "expired")
    with pytest.raises(RefusedError, match=r"'AAPX' is unknown.*the nearest are AAPL") as caught:
        client.predict("AAPX")
    assert caught.value.status == 404
