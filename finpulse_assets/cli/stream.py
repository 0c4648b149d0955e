"""`finpulse stream`: a worker that turns messages of Kafka into rows, features and signals."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from finpulse_assets.cli.console import Home, begin, errors, print_json
from finpulse_assets.settings import Profile, load_settings


def stream(
    servers: Annotated[
        str | None,
        typer.Option(help="Brokers, host:port by comma; default: FINPULSE_KAFKA_SERVERS."),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Port on 127.0.0.1 of the metrics, 0 for none.", min=0, max=65535),
    ] = None,
    until_idle: Annotated[
        float | None, typer.Option(help="Stop when nothing came for so many seconds.", min=0)
    ] = None,
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    home: Home = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schemas of the messages and stop.")
    ] = False,
) -> None:
    """Keep texts and bars that come as messages, and publish the signals of the session under way.

    A worker of a consumer group: start it again, also on other machines, and the workers share the
    partitions. It needs a home that was run, with stream among FINPULSE_SOURCES; it stops with
    Ctrl-C. Examples: `finpulse stream` · `finpulse stream --servers kafka:9092 --profile live` ·
    `finpulse stream --schema`
    """
    if schema:
        from finpulse_assets.gateways.sources.stream.messages import schemas

        print_json(schemas())
        return
    settings = load_settings(
        kafka_servers=servers, stream_metrics_port=metrics_port, profile=profile, home=home
    )
    begin("loading the models of", settings.root)
    from finpulse_assets.orchestration.stream.start import start_worker

    worker = start_worker(settings)
    if settings.stream_metrics_port:
        worker.metrics.serve(settings.stream_metrics_port)
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stopped.append(got))
    where = f", metrics on http://127.0.0.1:{settings.stream_metrics_port}/metrics"
    errors.print(
        f"group {settings.kafka_group} at {settings.kafka_servers}, topics "
        f"{settings.kafka_texts_topic} and {settings.kafka_bars_topic}"
        f"{where if settings.stream_metrics_port else ''}; Ctrl-C stops it after its batch",
        highlight=False,
        soft_wrap=True,
    )
    try:
        worker.run(lambda: bool(stopped), until_idle=until_idle)
    finally:
        worker.close()
    errors.print(worker.metrics.sentence(), highlight=False, soft_wrap=True)
