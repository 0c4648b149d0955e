"""The settings of the stream, which `finpulse stream` and `finpulse simulate --to` read."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from pydantic_settings import BaseSettings

from finpulse_assets.setting_values import SecretNamedList


class StreamSettings(BaseSettings):
    """Part of `Settings`."""

    kafka_servers: str = Field(
        "127.0.0.1:9092", description="stream: brokers of Kafka, host:port by comma"
    )
    kafka_texts_topic: str = Field("finpulse-texts", description="stream: topic of the texts")
    kafka_bars_topic: str = Field("finpulse-bars", description="stream: topic of the daily bars")
    kafka_partitions: int = Field(
        4, ge=1, le=1000, description="stream: partitions of a topic that is made; so many workers "
        "can share the work"
    )  # fmt: skip
    kafka_group: str = Field("finpulse", description="stream: the consumer group of the workers")
    kafka_options: SecretNamedList | None = Field(
        None, description="secret: further options of librdkafka, name=value by comma, such as "
        "those of a login"
    )  # fmt: skip
    stream_batch: int = Field(
        500, ge=1, le=10_000, description="stream: most messages that a worker takes at a time"
    )
    stream_metrics_port: int = Field(
        9464, ge=0, le=65535, description="stream: port on 127.0.0.1 at which a worker shows its "
        "metrics; 0 for none"
    )  # fmt: skip

    @property
    def client_options(self) -> Mapping[str, str]:
        """The further options of librdkafka by name."""
        if self.kafka_options is None:
            return {}
        pairs = self.kafka_options.get_secret_value().split(",")
        return dict(pair.split("=", 1) for pair in pairs)
