"""Traces by setting: a span a request, sent to a collector as OTLP in JSON over HTTP.

https://opentelemetry.io/docs/specs/otlp/#otlphttp

The SDK comes with BentoML. Its OTLP exporter does not resolve beside the pinned versions, and the
JSON form is short. A span holds route, status and request id, and never a body or a key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from bentos.price_predictor.logs import log

SERVICE = "finpulse.price_predictor"
SECONDS = 5.0
SERVER_SPAN, ERROR = 2, 2  # of OTLP's enumerations


class OtlpExporter(SpanExporter):
    """Posts spans to a collector, in the thread of the SDK's batches."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") + "/v1/traces"
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; one failure is told in the log, not each."""
        body = json.dumps(otlp_of(spans)).encode()
        headers = {"Content-Type": "application/json"}
        call = Request(self.url, data=body, headers=headers)  # noqa: S310
        try:
            with build_opener(ProxyHandler({})).open(call, timeout=SECONDS):
                self._is_failing = False
                return SpanExportResult.SUCCESS
        except OSError as error:
            if not self._is_failing:
                log.error("traces cannot be sent to %s: %s", self.url, error)
            self._is_failing = True
            return SpanExportResult.FAILURE


class Traces:
    """Makes a span of each request that was answered."""

    def __init__(self, url: str) -> None:
        self.provider = TracerProvider(resource=Resource({"service.name": SERVICE}))
        self.provider.add_span_processor(BatchSpanProcessor(OtlpExporter(url)))
        self._tracer = self.provider.get_tracer(SERVICE)

    def add(
        self,
        headers: Mapping[bytes, bytes],
        method: str,
        route: str,
        status: int,
        request_id: str,
        seconds: float,
    ) -> None:
        """Add the span of a request that has just been answered.

        Args:
            headers: of the request; its `traceparent` names the span that it belongs to.
            method, route, status: of the request and its answer.
            request_id: as it was answered.
            seconds: that it took.
        """
        carried = {"traceparent": headers.get(b"traceparent", b"").decode("latin-1")}
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"{method} {route}",
            context=extract(carried),
            kind=SpanKind.SERVER,
            start_time=ended - int(seconds * 1e9),
            attributes={"http.request.method": method, "http.route": route,
                        "http.response.status_code": status, "finpulse.request_id": request_id},
        )  # fmt: skip
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(ended)


def otlp_of(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """Return spans of one resource as an ExportTraceServiceRequest in JSON."""
    resource = {"attributes": _attributes({"service.name": SERVICE})}
    scope = {"scope": {"name": SERVICE}, "spans": [_span(it) for it in spans]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}


def _span(span: ReadableSpan) -> dict[str, Any]:
    found = {
        "traceId": f"{span.context.trace_id:032x}",
        "spanId": f"{span.context.span_id:016x}",
        "name": span.name,
        "kind": SERVER_SPAN,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": ERROR} if span.status.status_code is StatusCode.ERROR else {},
    }
    parent = {"parentSpanId": f"{span.parent.span_id:016x}"} if span.parent else {}
    return found | parent


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(it)} if isinstance(it, int) else {"stringValue": it}}
        for key, it in values.items()
    ]
