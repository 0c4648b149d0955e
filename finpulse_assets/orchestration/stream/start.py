"""Starting a worker: its parts, from the settings of the deployment."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.gateways.serving.online_store import OnlineStore, online_store
from finpulse_assets.gateways.sources.stream.held import STREAM
from finpulse_assets.gateways.warehouse.replay import MartReplay
from finpulse_assets.orchestration.run.clock import FIRST_DAY
from finpulse_assets.orchestration.run.home import check_format
from finpulse_assets.orchestration.training.sentiment_model import admitted, current_sentiment_model
from finpulse_assets.settings import Settings

if TYPE_CHECKING:
    from finpulse_assets.gateways.sources.stream.consumer import Kafka, StreamConsumer
    from finpulse_assets.orchestration.stream.worker import Worker

# A worker that runs longer is one that nobody has updated for a year.
CALENDAR_AHEAD = timedelta(days=366)


def kafka_of(settings: Settings) -> Kafka:
    """Return where the messages lie.

    Raises:
        SettingError: the package confluent-kafka is not installed.
    """
    if find_spec("confluent_kafka") is None:
        raise SettingError(
            "messages of Kafka need the package confluent-kafka",
            hint="pip install -c constraints.txt -e '.[stream]'",
        )
    from finpulse_assets.gateways.sources.stream.consumer import Kafka

    return Kafka(
        settings.kafka_servers,
        {"texts": settings.kafka_texts_topic, "bars": settings.kafka_bars_topic},
        settings.kafka_partitions,
        settings.client_options,
    )


def start_worker(
    settings: Settings, *, now: Now = system_now, consumer: StreamConsumer | None = None
) -> Worker:
    """Return a worker that has joined the group, its models loaded.

    Args:
        settings: of the deployment.
        now: the clock.
        consumer: what gives the messages; by default a member of the settings' group of Kafka.

    Raises:
        SettingError: the stream is none of the sources, so no run would read what it keeps.
        LakeError, ModelError: the home was never run.
        SourceError: no broker answers.
    """
    if STREAM not in settings.source_names:
        raise SettingError(
            f"FINPULSE_SOURCES is {','.join(settings.source_names)}, without stream no run would "
            "read what the stream keeps",
            hint=f"set it to {','.join([*settings.source_names, STREAM])}",
        )
    kafka = kafka_of(settings)
    check_format(settings)
    from finpulse_assets.gateways.sources.stream.consumer import StreamConsumer
    from finpulse_assets.orchestration.stream.landing import Landing
    from finpulse_assets.orchestration.stream.live_features import LiveFeatures
    from finpulse_assets.orchestration.stream.metrics import StreamMetrics
    from finpulse_assets.orchestration.stream.publication import Publication
    from finpulse_assets.orchestration.stream.worker import Worker

    lake, marts = Lake(settings.lake), MartReplay.of(settings.root / "dbt_target/manifest.json")
    calendar = build_sessions(
        FIRST_DAY,
        now().date() + CALENDAR_AHEAD,
        decision_delay=timedelta(minutes=settings.decision_delay_minutes),
    )
    scorer = _scorer(settings)
    languages = tuple(settings.languages.split(","))
    return Worker(
        consumer=consumer
        or StreamConsumer(kafka, group=settings.kafka_group, batch=settings.stream_batch, now=now),
        landing=Landing(lake, settings, calendar),
        live=LiveFeatures(lake, marts, scorer, calendar=calendar, languages=languages),
        scorer=scorer,
        publication=Publication(
            lake, ModelStore(settings.models / "price"), calendar, _store(settings)
        ),
        metrics=StreamMetrics(),
        now=now,
    )


def _store(settings: Settings) -> OnlineStore | None:
    if settings.online_store is None:
        return None
    return online_store(settings.online_store.get_secret_value(), settings.profile.value)


def _scorer(settings: Settings) -> TextScorer:
    """Return what scores texts, its model loaded: the first message is not to wait for that."""
    model = admitted(current_sentiment_model(settings), settings)
    engine = LocalEngine(model.load)
    warm = pl.DataFrame({"text_hash": [text_hash("up")], "text": ["up"]})
    list(engine.scored([warm]))
    return TextScorer(settings.models / "scores", model.fingerprint, engine)
