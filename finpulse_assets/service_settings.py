"""The settings of the prediction service, which `finpulse serve` and `finpulse predict` read."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ServiceSettings(BaseSettings):
    """Part of `Settings`."""

    service_ledger: str = Field(
        "on", pattern="^(off|on|required|durable)$", description="whether the service records its "
        "answers: off, on, required (else it gives none) or durable (the disk has confirmed it)"
    )  # fmt: skip
    service_log: str = Field(
        "errors", pattern="^(errors|requests)$", description="what the service logs, as JSON "
        "lines: errors, or requests (a line each, without keys and bodies)"
    )  # fmt: skip
    online_store: SecretStr | None = Field(
        None, description="secret: where replicas of the service find the newest features: "
        "redis://HOST:PORT/0 (rediss://, unix://) or a folder that they share; unset: in the bento"
    )  # fmt: skip
    service_traces: str = Field(
        "", pattern="^(|https?://.+)$", description="the OpenTelemetry collector of a span a "
        "request (OTLP over HTTP), such as http://127.0.0.1:4318; empty for none"
    )  # fmt: skip
    sentiment_url: str = Field(
        "http://127.0.0.1:3011", pattern="^https?://.+", description="where the price predictor "
        "finds the sentiment scorer (finpulse serve-sentiment)"
    )  # fmt: skip
    service_key: SecretStr | None = Field(
        None, description="secret: the key that finpulse predict sends to the service"
    )
