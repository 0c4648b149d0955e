"""A symbol with texts and bars that no source has delivered yet: scored and featurised."""

from __future__ import annotations

import asyncio
from datetime import datetime

import polars as pl

from bentos.price_predictor.logs import log
from bentos.price_predictor.refusal import Refused
from bentos.price_predictor.scorer import Scorer
from finpulse_assets.domain.serving.fresh import FreshRequest
from finpulse_assets.errors import FinPulseError, RequestError
from finpulse_assets.gateways.serving.fresh_features import FreshFeatures

MAX_WAITING = 8
LATER = ((b"retry-after", b"5"),)


class FreshRows:
    """Rows of features with what was sent; one at a time, for each takes seconds of a core."""

    def __init__(self, features: FreshFeatures, scorer: Scorer | None) -> None:
        self.features, self.scorer = features, scorer
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def rows(self, asked: FreshRequest, now: datetime) -> pl.DataFrame:
        """Return the rows of the symbol's newest session, of every ticker.

        Raises:
            RequestError: the symbol has no features, or a bar cannot be added.
            Refused: 429 too many wait; 503 the scorer, the lake or the extra is not there.
        """
        if self._waiting >= MAX_WAITING:
            raise Refused(429, f"{MAX_WAITING} requests with texts or prices wait",
                          hint="send it again in some seconds", headers=LATER)  # fmt: skip
        self._waiting += 1
        try:
            texts = [it.text for it in asked.texts]
            if texts and self.scorer is None:
                raise _unavailable("this service has no sentiment scorer")
            scores = await self.scorer.score(texts) if texts else []
            async with self._turn:
                return await asyncio.to_thread(self.features.rows, asked, scores, now)
        except (Refused, RequestError):
            raise
        except FinPulseError as error:
            log.error("texts and prices cannot be added: %s", error)
            raise _unavailable("what was sent cannot be added to what is known") from error
        except ModuleNotFoundError as error:
            log.error("the extra `fresh` is not installed: %s", error)
            raise _unavailable("this service is installed without the extra `fresh`") from error
        finally:
            self._waiting -= 1


def _unavailable(error: str) -> Refused:
    return Refused(503, error, hint="ask for the symbol alone; the log says more", headers=LATER)
