"""The prediction service as the dashboard asks it: one prediction, and the last answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import httpx

from finpulse_assets.gateways.serving.dashboard_environment import KEY, SERVICE

SECONDS = 10
TOO_OLD = (400, 404, 422)  # what a service without fresh texts says to them


@dataclass(frozen=True)
class Said:
    """An answer of the service, or in `problem` the sentence why there is none."""

    answer: dict[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class Service:
    """The service at `url`; `key` is empty where it asks for none."""

    url: str
    key: str = ""
    transport: httpx.BaseTransport | None = None

    @classmethod
    def of_environment(cls) -> Service:
        """Return the service that `finpulse dashboard` named."""
        return cls(os.environ.get(SERVICE, "http://127.0.0.1:3010"), os.environ.get(KEY, ""))

    def predict(self, symbol: str, texts: list[dict[str, str]] | None = None) -> Said:
        """Ask for a symbol with its features in full; `texts` are read with it and not kept.

        Args:
            symbol: exchange symbol.
            texts: each with `text` and `kind` (tweet or headline).
        """
        body: dict[str, Any] = {"symbol": symbol} | ({"texts": texts} if texts else {})
        return self._asked("POST", "/predict?features=1", json=body)

    def history(self, limit: int = 100) -> Said:
        """Ask for the newest answers of the last week."""
        return self._asked("GET", f"/predictions/history?limit={limit}")

    def _asked(self, method: str, path: str, **content: Any) -> Said:
        headers = {"X-API-Key": self.key} if self.key else {}
        try:
            with httpx.Client(
                base_url=self.url, headers=headers, timeout=SECONDS, trust_env=False,
                transport=self.transport,
            ) as client:  # fmt: skip
                reply = client.request(method, path, **content)
            told = reply.json()
        except httpx.ConnectError:
            return Said(problem=f"No service listens on {self.url}. Start it: finpulse serve")
        except (httpx.HTTPError, ValueError) as error:
            return Said(problem=f"{self.url} cannot be asked: {error}")
        if not isinstance(told, dict):
            return Said(problem=f"{self.url} is no prediction service")
        if reply.is_success:
            return Said(told)
        words = ". ".join(str(told[part]) for part in ("error", "hint") if told.get(part))
        if reply.status_code in TOO_OLD and content.get("json", {}).get("texts"):
            return Said(
                problem="The service that runs cannot read fresh texts; a newer version can. "
                f"It said ({reply.status_code}): {words}"
            )
        return Said(problem=f"{reply.status_code}: {words or reply.reason_phrase}")
