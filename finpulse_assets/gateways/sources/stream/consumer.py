"""The consumer: messages of the two topics in batches, and the commit of what was read.

https://docs.confluent.io/platform/current/clients/confluent-kafka-python/html/index.html

Offsets are committed by hand, after the lake has the rows: at least once. Memory is bounded by the
size of a batch and of librdkafka's queue; a worker that is slow fetches less, and the broker keeps.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient, NewTopic

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.stream.messages import Message, Topic

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
QUEUED_KBYTES = 16_384
# A group waits half of it before its first batch, and as long for a worker that is gone.
SESSION_MS = 6_000


@dataclass(frozen=True)
class Kafka:
    """Where the messages lie.

    Attributes:
        servers: host:port by comma.
        topics: the name of each topic.
        partitions: of a topic that is made because it is not there.
        options: further options of librdkafka, such as those of a login.
    """

    servers: str
    topics: Mapping[Topic, str]
    partitions: int = 4
    options: Mapping[str, str] | None = None

    @property
    def client(self) -> dict[str, object]:
        """The options that every client of the cluster has."""
        return {"bootstrap.servers": self.servers, "log_level": 2, **(self.options or {})}

    def make_topics(self) -> None:
        """Make the topics that are not there.

        Raises:
            SourceError: no broker answers, or it refuses.
        """
        admin = AdminClient(self.client)
        try:
            present = admin.list_topics(timeout=ANSWER_SECONDS).topics
            for name in set(self.topics.values()) - set(present):
                made = admin.create_topics([NewTopic(name, self.partitions)])
                made[name].result(ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another was faster
                self.make_topics()
                return
            raise SourceError(
                f"no Kafka broker answers at {self.servers}: {error.args[0].str()}",
                hint="start one, or set FINPULSE_KAFKA_SERVERS",
            ) from error


class StreamConsumer:
    """One member of a consumer group; partitions are shared out among its members."""

    def __init__(self, kafka: Kafka, *, group: str, batch: int, now: Now = system_now) -> None:
        """Join the group.

        Args:
            kafka: where the messages lie.
            group: its members share the work.
            batch: most messages of a batch.
            now: the clock, for a message whose broker says no time.

        Raises:
            SourceError: no broker answers.
        """
        kafka.make_topics()
        self._topic_of = {name: topic for topic, name in kafka.topics.items()}
        self._batch, self._now = batch, now
        self._last: dict[tuple[str, int], int] = {}
        self._consumer = Consumer(
            {
                **kafka.client,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": SESSION_MS,
                "queued.max.messages.kbytes": QUEUED_KBYTES,
                "fetch.wait.max.ms": 50,
            }
        )
        self._consumer.subscribe(list(kafka.topics.values()))

    def read(self, seconds: float) -> list[Message]:
        """Return up to `batch` messages, what came within `seconds`; none where none came.

        Raises:
            SourceError: the client cannot go on.
        """
        got = self._consumer.consume(1, seconds)
        if got and self._batch > 1:  # what else lies ready, without waiting for more
            got += self._consumer.consume(self._batch - 1, 0.0)
        return [self._message(it) for it in got if self._is_message(it)]

    def commit(self) -> bool:
        """Commit what was read; False where its partitions are another worker's by now.

        That worker reads it again, which is harmless.
        """
        ends = [TopicPartition(*place, end) for place, end in self._last.items()]
        self._last.clear()
        if not ends:
            return True
        try:
            self._consumer.commit(offsets=ends, asynchronous=False)
        except KafkaException as error:
            log.warning("what was read is not committed, it is read again: %s", error.args[0].str())
            return False
        return True

    def lag(self) -> int:
        """Return how many messages lie in the own partitions and were not read."""
        lag = 0
        for place in self._consumer.position(self._consumer.assignment()):
            _, high = self._consumer.get_watermark_offsets(place, cached=True)
            lag += max(0, high - max(place.offset, 0))
        return lag

    def partitions(self) -> Sequence[tuple[str, int]]:
        """Return the topic and number of each own partition."""
        return [(it.topic, it.partition) for it in self._consumer.assignment()]

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._consumer.close()

    def _is_message(self, message: KafkaMessage) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal():
            raise SourceError(f"the Kafka client cannot go on: {error.str()}")
        log.warning("Kafka says: %s", error.str())
        return False

    def _message(self, message: KafkaMessage) -> Message:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        self._last[topic, partition] = offset + 1
        kind, ms = message.timestamp()
        known = kind != TIMESTAMP_NOT_AVAILABLE
        return Message(
            self._topic_of[topic],
            message.value() or b"",
            _moment(ms) if known else self._now(),
            f"{topic} {partition} at {offset}",
        )


def _moment(ms: int) -> datetime:
    """Return a broker's time; one that no calendar has becomes one that is refused by name."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)
