"""The sentiment scorer, another service: asked for the opinion in texts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import httpx
from bentoml.exceptions import BentoMLException

from bentos.price_predictor.logs import log
from bentos.price_predictor.refusal import Refused
from finpulse_assets.domain.serving.sentiment import TextScore


class Client(Protocol):
    """What BentoML gives for a service that is depended on."""

    def score(self, *, texts: list[str]) -> Awaitable[list[Any]]: ...


class Scorer:
    """Asks the scorer; its client is made at the first text, so that a start waits for none."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    async def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Return what is said of each text.

        Raises:
            Refused: 503, the scorer does not answer.
        """
        try:
            said = await self._client().score(texts=list(texts))
            return [TextScore.model_validate(it, from_attributes=True) for it in said]
        except (httpx.HTTPError, BentoMLException, OSError) as error:
            log.error("the sentiment scorer does not answer: %s", str(error) or repr(error))
            raise Refused(
                503,
                "the sentiment scorer does not answer",
                hint="start it (finpulse serve-sentiment), or send the texts again later",
                headers=((b"retry-after", b"2"),),
            ) from error
