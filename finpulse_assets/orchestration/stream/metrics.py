"""The metrics of a worker, in Prometheus' text form on loopback.

https://prometheus.github.io/client_python/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from finpulse_assets.errors import SettingError

OUTCOMES = ("new", "repeated", "refused", "malformed")
LOOPBACK = "127.0.0.1"
_SECONDS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)


class StreamMetrics:
    """Counts of one worker; `registry` holds them."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.messages = Counter(
            "finpulse_stream_messages", "Messages that were read", registry=registry
        )
        self.rows = Counter(
            "finpulse_stream_rows",
            "Rows of messages by what became of them",
            ["kind", "outcome"],
            registry=registry,
        )
        self.texts = Counter(
            "finpulse_stream_texts",
            "Distinct texts whose score was known (cache) or made (model)",
            ["by"],
            registry=registry,
        )
        self.published = Counter(
            "finpulse_stream_published_rows", "Rows of live features published", registry=registry
        )
        self.commits_refused = Counter(
            "finpulse_stream_commits_refused",
            "Commits that came after the partitions had gone to another worker",
            registry=registry,
        )
        self.lag = Gauge(
            "finpulse_stream_lag_messages", "Messages not read yet, own partitions",
            registry=registry,
        )  # fmt: skip
        self.out_of_scope = Gauge(
            "finpulse_stream_out_of_scope_rows",
            "Rows held whose ticker is not in the universe",
            registry=registry,
        )
        self.to_signal = Histogram(
            "finpulse_stream_message_to_signal_seconds",
            "From the sending of a message to its signal",
            buckets=_SECONDS,
            registry=registry,
        )
        self.step_seconds = Histogram(
            "finpulse_stream_step_seconds",
            "Seconds of each step of a batch",
            ["step"],
            buckets=_SECONDS,
            registry=registry,
        )

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Observe how long a step takes."""
        with self.step_seconds.labels(step).time():
            yield

    def rows_of(self, outcome: str) -> int:
        """Return the rows of an outcome, of all kinds."""
        samples = [it for metric in self.rows.collect() for it in metric.samples]
        own = (it for it in samples if it.name.endswith("_total"))
        return int(sum(it.value for it in own if it.labels["outcome"] == outcome))

    def sentence(self) -> str:
        """Return what the worker did, in words."""
        messages = int(self.registry.get_sample_value("finpulse_stream_messages_total") or 0)
        said = ", ".join(f"{self.rows_of(it):,} {it}" for it in OUTCOMES)
        return f"{messages:,} messages: {said}"

    def serve(self, port: int) -> None:
        """Show the metrics at a port of loopback, from now on.

        Raises:
            SettingError: the port is taken.
        """
        try:
            start_http_server(port, addr=LOOPBACK, registry=self.registry)
        except OSError as error:
            raise SettingError(
                f"port {port} cannot be listened on: {error.strerror or error}",
                hint="give each worker its own --metrics-port, or 0 for none",
            ) from error
