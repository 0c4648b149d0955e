"""The producer: messages on their topics, those of one ticker in one partition and in order."""

from __future__ import annotations

import math
from datetime import datetime

from confluent_kafka import KafkaException, Producer

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.stream.consumer import Kafka
from finpulse_assets.gateways.sources.stream.messages import Bar, Text, encode

CLOSE_SECONDS = 30.0


class StreamProducer:
    """Sends texts and bars."""

    def __init__(self, kafka: Kafka) -> None:
        """Make the topics where they are not there.

        Raises:
            SourceError: no broker answers.
        """
        kafka.make_topics()
        self._topics, self._failed = kafka.topics, 0
        self._producer = Producer({**kafka.client, "acks": "all", "linger.ms": 5})

    def send(self, message: Text | Bar, sent_at: datetime | None = None) -> None:
        """Send a message, as at `sent_at` (UTC) where that is not now."""
        self.send_bytes("bars" if isinstance(message, Bar) else "texts", encode(message),
                        key=message.ticker, sent_at=sent_at)  # fmt: skip

    def send_bytes(
        self, topic: str, value: bytes, *, key: str = "", sent_at: datetime | None = None
    ) -> None:
        """Send bytes as they are.

        Raises:
            SourceError: the client refuses them.
        """
        # Rounded up: nothing is sent before it was known.
        stamp = {} if sent_at is None else {"timestamp": math.ceil(sent_at.timestamp() * 1000)}
        while True:
            try:
                self._producer.produce(
                    self._topics[topic], value, key.encode(), on_delivery=self._delivered, **stamp
                )
                self._producer.poll(0)
                return
            except BufferError:  # full: the broker takes them more slowly than they are made
                self._producer.poll(0.1)
            except KafkaException as error:
                raise SourceError(f"Kafka refuses a message: {error.args[0].str()}") from error

    def close(self) -> None:
        """Wait until the broker has all messages.

        Raises:
            SourceError: it does not take some.
        """
        left = self._producer.flush(CLOSE_SECONDS) + self._failed
        if left:
            raise SourceError(f"{left} messages were not taken by the Kafka broker")

    def _delivered(self, error: object, _: object) -> None:
        self._failed += error is not None
