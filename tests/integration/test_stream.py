"""The stream with a real broker: kills, repeats, the same tables as a batch run, live signals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.domain.features.online import LIVE_FEATURES
from finpulse_assets.domain.features.registry import TECHNICAL, TEXT
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.gateways.sources.stream.consumer import Kafka, StreamConsumer
from finpulse_assets.gateways.sources.stream.held import STREAM, STREAM_KINDS, HeldStream
from finpulse_assets.gateways.sources.stream.messages import Bar, Text
from finpulse_assets.gateways.sources.stream.producer import StreamProducer
from finpulse_assets.gateways.sources.stream.script import as_messages
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.schemas import DAILY_SIGNALS, LIVE_SIGNALS, TEXT_SENTIMENT, source_table
from tests.fakes.kafka_broker import running_broker, settings_of
from tests.fakes.ports import free_port
from tests.fakes.stream import texts_of
from tests.integration.fork_server import KillPoint
from tests.integration.graph_cli import KILLED, SMALL, finpulse
from tests.integration.stream_home import (
    CALENDAR,
    DEADLINE,
    StreamHome,
    content_hashes,
    copy_home,
    kafka,
    market,
    run_over,
    sources_of_files,
    table_bytes,
)

DECIDED = datetime(2024, 6, 28, 20, 15, tzinfo=UTC)  # the last session of the demo
TWEETS = source_table("stream", "tweets")


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with running_broker() as address:
        yield address


@pytest.fixture
def home(
    request: pytest.FixtureRequest, demo_home: Path, tmp_path: Path, broker: str
) -> StreamHome:
    return StreamHome(copy_home(demo_home, tmp_path), kafka(broker, request.node.name))


def send(messages: list[tuple[Text | Bar, datetime | None]], to: Kafka) -> None:
    producer = StreamProducer(to)
    for message, at in messages:
        producer.send(message, at)
    producer.close()


def take(worker, done) -> None:
    """Let a worker take batches until `done` says so."""
    until = system_now() + DEADLINE
    while not done():
        assert system_now() < until, worker.metrics.sentence()
        worker.step()


def test_of_two_workers_one_is_killed_and_nothing_is_lost_or_kept_twice(home, broker):
    sent = texts_of(market(3, date(2024, 7, 3), texts_per_session=12).tweets, "tweet")
    environment = {
        **SMALL,
        **settings_of(broker, home.root.parent),
        "FINPULSE_KAFKA_TEXTS_TOPIC": home.kafka.topics["texts"],
        "FINPULSE_KAFKA_BARS_TOPIC": home.kafka.topics["bars"],
        "FINPULSE_KAFKA_GROUP": "workers",
        "FINPULSE_STREAM_BATCH": "20",
    }
    # Before its second file has its name: of what it has read, some is kept and some is not.
    at = KillPoint("source/stream/tweets/2024", 2)
    ends = []
    other = threading.Thread(
        target=lambda: ends.append(
            finpulse(home.root.parent, "stream", settings=environment, kill_at=at)
        )
    )
    own = home.worker(batch=40)
    other.start()
    take(own, lambda: ends or 0 < len(own.partitions) < 8)  # both have their share
    assert not ends, ends[0].stderr
    send([(it, it.knowledge_time) for it in sent], home.kafka)
    keys = {(it.text_id, it.ticker, it.knowledge_time) for it in sent}
    take(
        own, lambda: home.lake.read_or_empty(TWEETS).select(pl.len()).collect().item() == len(keys)
    )
    own.close()
    other.join()
    assert ends[0].returncode == KILLED, ends[0].stderr
    assert own.metrics.rows_of("new") < len(keys), "the other worker has kept none"
    rows = home.lake.scan(TWEETS).collect()
    assert set(rows.select("text_id", "ticker", "knowledge_time").rows()) == keys
    assert own.metrics.rows_of("refused") == own.metrics.rows_of("malformed") == 0


def test_a_message_changes_the_features_and_the_signal_of_its_ticker(home):
    [ticker, other] = home.lake.scan(DAILY_SIGNALS).collect()["ticker"].unique().sort()[:2]
    worker, at = home.worker(), DECIDED + timedelta(hours=40)
    word = Text(kind="tweet", text_id="0", ticker=other, event_time=at, text=f"${other} meets")
    send([(word, at)], home.kafka)
    take(worker, lambda: home.lake.partitions(LIVE_FEATURES))
    before = home.lake.scan(LIVE_SIGNALS).collect()
    assert set(before["session_date"]) == {date(2024, 7, 1)}

    praise = [
        Text(kind="tweet", text_id=f"{n}", ticker=ticker, event_time=at, author=f"a{n}",
                       text=f"${ticker} beats and raises, number {n} of many surges")
        for n in range(1, 6)
    ]  # fmt: skip
    send([(it, at + timedelta(minutes=1)) for it in praise], home.kafka)
    take(worker, lambda: worker.metrics.rows_of("new") == 6)
    after, features = (home.lake.scan(it).collect() for it in (LIVE_SIGNALS, LIVE_FEATURES))
    row = features.filter(ticker=ticker).row(0, named=True)
    assert (row["text_count"], row["tweet_count"], row["author_count"]) == (5.0, 5.0, 5.0)
    assert row["sentiment_mean"] == pytest.approx(0.8)
    changed = before.join(after, on="ticker", suffix="_after").filter(
        pl.col("predicted_at") != pl.col("predicted_at_after")
    )
    assert changed["ticker"].to_list() == [ticker]  # of the others nothing was published
    assert changed["probability_up"][0] != changed["probability_up_after"][0]
    served = pl.read_parquet(BytesIO(home.store.read(home.store.version())))
    assert served.filter(pl.col("ticker").is_in(features["ticker"].implode())).equals(features)
    value = worker.metrics.registry.get_sample_value
    assert value("finpulse_stream_messages_total") == 6
    assert value("finpulse_stream_lag_messages") == 0
    assert value("finpulse_stream_message_to_signal_seconds_count") == 6
    worker.close()


def test_features_of_the_session_under_way_become_those_of_the_mart(home, demo_home):
    """A moment before the decision the live row has the texts of the mart's row, to the last bit.

    Its bars are those of the session before.
    """
    scores = home.root / "models" / "scores"
    made_by = pl.col("model_fingerprint").unique()
    fingerprint = home.lake.scan(TEXT_SENTIMENT).select(made_by).collect().item()
    scorer = home.scorer
    scorer.folder, scorer.fingerprint = scores, fingerprint
    live = home.live(scorer).at(DECIDED - timedelta(microseconds=1)).sort("ticker")
    mart = Warehouse(demo_home / "demo" / "finpulse.duckdb").query(
        f"select * from {DAILY_FEATURES}"  # noqa: S608
    )
    decided = mart.filter(session_date=DECIDED.date()).sort("ticker")
    before = mart.filter(session_date=date(2024, 6, 27)).sort("ticker")
    assert live["ticker"].to_list() == decided["ticker"].to_list()
    names = [feature.name for feature in TEXT]
    assert decided["text_count"].sum() > 0
    assert live.select(names).equals(decided.select(pl.col(names).cast(pl.Float64)))
    names = [feature.name for feature in TECHNICAL]
    assert live.select(names).equals(
        before.select(names).with_columns(pl.col(names).fill_nan(None))
    )


def test_a_run_over_the_stream_makes_the_tables_of_a_batch_run(broker, demo_home, tmp_path):
    days, as_of = market(40, date(2024, 6, 28), texts_per_session=2), DECIDED + timedelta(hours=1)
    streamed, batch = (
        StreamHome(
            copy_home(demo_home, tmp_path / name, parts=("dbt_target",)), kafka(broker, "batch")
        )
        for name in ("streamed", "batch")
    )
    frames = {"tweets": days.tweets, "headlines": days.headlines, "prices": days.price_versions}
    script = list(as_messages(**frames, sessions=CALENDAR))
    assert len(script) == sum(frame.height for frame in frames.values())
    send([(it.message, it.sent_at) for it in script], streamed.kafka)
    streamed.read_all(len(script))
    kept = table_bytes(streamed.lake)
    streamed.read_all(len(script), group="again")  # a group that reads all of it once more
    assert table_bytes(streamed.lake) == kept

    held = HeldStream(streamed.lake)
    said = run_over(streamed, Source(STREAM, STREAM_KINDS, held, held), as_of)
    assert (said["repeated_rows"], said["new_rows"]) == (len(script), 0)
    texts, prices = sources_of_files(frames, tmp_path)
    said = run_over(batch, Source(STREAM, STREAM_KINDS, texts, prices), as_of)
    assert (said["repeated_rows"], said["new_rows"]) == (0, len(script))
    found, expected = content_hashes(streamed.lake), content_hashes(batch.lake)
    assert expected.keys() >= {"raw/tweets", "raw/prices", "scored/text_traits", DAILY_FEATURES}
    assert found == expected


def test_a_worker_without_a_broker_says_so():
    nowhere = kafka(f"127.0.0.1:{free_port()}", "none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("finpulse_assets.gateways.sources.stream.consumer.ANSWER_SECONDS", 0.5)
        with pytest.raises(SourceError, match="no Kafka broker answers at 127"):
            StreamConsumer(nowhere, group="g", batch=1)
