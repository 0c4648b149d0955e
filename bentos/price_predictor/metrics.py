"""The service's own metrics, in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/

A label takes its values from the code alone, never from a request: what clients send cannot make
the metrics grow. They live in this process; services on one machine do not share them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Counter:
    """How often something happened, by the values of its labels."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> None:
        self.name, self.meaning, self.labels = name, meaning, labels
        self.values: dict[tuple[str, ...], float] = {} if labels else {(): 0.0}

    def add(self, *values: str, amount: float = 1.0) -> None:
        self.values[values] = self.values.get(values, 0.0) + amount

    def lines(self) -> Iterator[str]:
        for values, number in self.values.items():
            yield f"{self.name}{_labels(self.labels, values)} {number:.15g}\n"


class Gauge(Counter):
    """What something is now."""

    kind = "gauge"

    def set(self, value: float) -> None:
        self.values[()] = float(value)


class Histogram:
    """How long something took, in seconds, by one label."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, label: str) -> None:
        self.name, self.meaning, self.label = name, meaning, label
        self.counts: dict[str, list[int]] = {}
        self.sums: dict[str, float] = {}

    def observe(self, value: str, seconds: float) -> None:
        counts = self.counts.get(value)
        if counts is None:
            counts = self.counts[value] = [0] * (len(SECONDS) + 1)
            self.sums[value] = 0.0
        counts[bisect_left(SECONDS, seconds)] += 1
        self.sums[value] += seconds

    def lines(self) -> Iterator[str]:
        for value, counts in self.counts.items():
            below = 0
            for bound, count in zip((*SECONDS, float("inf")), counts, strict=True):
                below += count
                edge = "+Inf" if bound == float("inf") else f"{bound:g}"
                label = _labels((self.label, "le"), (value, edge))
                yield f"{self.name}_bucket{label} {below}\n"
            own = _labels((self.label,), (value,))
            yield f"{self.name}_sum{own} {self.sums[value]:.9g}\n{self.name}_count{own} {below}\n"


REQUESTS = Counter(
    "finpulse_requests_total", "Requests answered, by route and status.", ("route", "status")
)
LATENCY = Histogram("finpulse_request_seconds", "From a request's head to its answer.", "route")
ABSTENTIONS = Counter("finpulse_abstentions_total", "Answers that abstain, by reason.", ("reason",))
IN_PROGRESS = Gauge("finpulse_requests_in_progress", "Requests begun and not yet answered.")
GONE = Counter("finpulse_clients_gone_total", "Clients that left before their request was whole.")
RELOADS = Counter(
    "finpulse_reloads_total", "New bundles seen, by whether they were taken.", ("result",)
)
RELOAD_FAILED = Gauge("finpulse_reload_failed", "1 while a bundle that is wanted cannot be had.")
ANSWERS = Counter(
    "finpulse_answers_total", "Answers, by the role in the roll-out of what gave them.", ("role",)
)
PREPARED = Counter("finpulse_answers_prepared_total", "Answers that were made before the request.")
CANARY_SHARE = Gauge("finpulse_canary_share", "Share of the requests that the canary answers.")
SHADOWED = Counter(
    "finpulse_shadow_total", "Answers that a challenger was scored beside, by result.", ("result",)
)
STORE_FAILED = Gauge(
    "finpulse_online_store_failed", "1 while the store of online features cannot be reached."
)
RECORDED = Counter("finpulse_ledger_entries_total", "Answers appended to the ledger.")
UNRECORDED = Counter("finpulse_ledger_refused_total", "Answers that the ledger could not take.")
STREAM_CLIENTS = Gauge("finpulse_stream_clients", "Clients of the stream of signals.")
STREAM_DROPPED = Counter("finpulse_stream_dropped_total", "Signals that slow clients have lost.")
ALL = (REQUESTS, LATENCY, ABSTENTIONS, IN_PROGRESS, GONE, RELOADS, RELOAD_FAILED, ANSWERS, PREPARED,
       CANARY_SHARE, SHADOWED, STORE_FAILED, RECORDED, UNRECORDED, STREAM_CLIENTS,
       STREAM_DROPPED)  # fmt: skip


def rendered(judged: Mapping[str, tuple[str, float]], also: Iterable[Counter] = ()) -> bytes:
    """Return every metric as text.

    Args:
        judged: gauges of the moment: name to (meaning, value).
        also: metrics kept elsewhere.
    """
    gauges = []
    for name, (meaning, value) in judged.items():
        gauge = Gauge(name, meaning)
        gauge.set(value)
        gauges.append(gauge)
    return "".join(
        f"# HELP {it.name} {it.meaning}\n# TYPE {it.name} {it.kind}\n{''.join(it.lines())}"
        for it in (*ALL, *also, *gauges)
    ).encode()


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{n}="{v}"' for n, v in zip(names, values, strict=True)) + "}"
