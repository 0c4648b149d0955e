"""What waits in the topics: messages that no worker has committed, asked of the broker.

Workers show their own lag; where none is at work, only the broker knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.stream.consumer import Kafka

ANSWER_SECONDS = 5.0
POLL_SECONDS = 0.5
FETCHED_BYTES = 65_536  # the first message of a partition is looked at, no more


@dataclass(frozen=True)
class Waiting:
    """How many messages wait, and when the oldest of them was sent; None where none waits."""

    messages: int
    oldest_at: datetime | None


def waiting(kafka: Kafka, group: str) -> Waiting:
    """Return what the workers of a group have not committed; a topic that is not there has nothing.

    It joins no group and commits nothing, so the workers go on undisturbed.

    Raises:
        SourceError: no broker answers, or not for every partition.
    """
    consumer = Consumer(
        {
            **kafka.client,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "fetch.message.max.bytes": FETCHED_BYTES,
        }
    )
    try:
        return _waiting(consumer, kafka)
    except KafkaException as error:
        raise SourceError(
            f"no Kafka broker answers at {kafka.servers}: {error.args[0].str()}",
            hint="start one, or set FINPULSE_KAFKA_SERVERS",
        ) from error
    finally:
        consumer.close()


def _waiting(consumer: Consumer, kafka: Kafka) -> Waiting:
    """Read the first message of each partition after what was committed, or that there is none."""
    known = consumer.list_topics(timeout=ANSWER_SECONDS).topics
    names = [name for name in kafka.topics.values() if name in known]
    places = [TopicPartition(name, number) for name in names for number in known[name].partitions]
    if not places:
        return Waiting(0, None)
    begun = consumer.committed(places, timeout=ANSWER_SECONDS)
    for place in begun:
        place.offset = place.offset if place.offset >= 0 else OFFSET_BEGINNING
    consumer.assign(begun)
    asked = {(it.topic, it.partition) for it in begun}
    messages, sent = 0, []
    until = monotonic() + ANSWER_SECONDS
    while asked:
        if monotonic() > until:
            raise SourceError(f"{kafka.servers} does not answer for {sorted(asked)[0]}")
        message = consumer.poll(POLL_SECONDS)
        if message is None or (message.topic(), message.partition()) not in asked:
            continue
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        asked.discard((message.topic(), message.partition()))
        if error is None:
            place = TopicPartition(message.topic(), message.partition())
            _, end = consumer.get_watermark_offsets(place, cached=True)
            messages += end - message.offset()
            kind, ms = message.timestamp()
            if kind != TIMESTAMP_NOT_AVAILABLE:
                sent.append(datetime.fromtimestamp(ms / 1000, UTC))
    return Waiting(messages, min(sent, default=None))
