"""Recording a vendor's answer as a fixture, and what differs from the one that is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.gateways.sources.limits import Timer
from finpulse_assets.orchestration.run.vendors import VENDORS, vendor_of
from finpulse_assets.schemas import Kind
from finpulse_assets.settings import Settings

BODY, ORIGIN = "body", "origin.json"
# Enough to show a shape: an hour of minute bars, a quarter of holdings.
LONGEST = timedelta(days=1)
LONGEST_OF = {"bars_1m": timedelta(hours=1), "holdings": timedelta(days=100)}


@dataclass(frozen=True)
class Recorded:
    """One recorded answer; `differences` are those of its shape, None where none was stored."""

    kind: Kind
    path: Path
    size: int
    rows: int
    differences: list[str] | None


def record(settings: Settings, name: str, folder: Path, timer: Timer) -> list[Recorded]:
    """Ask a vendor once for each kind of row and store its answer below `folder/<name>/<kind>`.

    Raises:
        SettingError: the source is no vendor, or is not configured.
        SourceError: the vendor gives no data; nothing is stored then.
    """
    kind_of = {vendor.name: vendor for vendor in VENDORS}
    if name not in kind_of:
        raise SettingError(f"{name} is no vendor", hint=f"known are {', '.join(kind_of)}")
    if absence := kind_of[name].absence(settings):
        raise SettingError(absence, hint="see docs/sources")
    kinds = vendor_of(name, settings).kinds
    return [_recorded(settings, name, kind, folder, timer) for kind in kinds]


def _recorded(settings: Settings, name: str, kind: Kind, folder: Path, timer: Timer) -> Recorded:
    from finpulse_assets.gateways.sources.answers import Answer, Ask, Wanted
    from finpulse_assets.gateways.sources.http import HttpClient
    from finpulse_assets.gateways.sources.replies import Reply
    from finpulse_assets.gateways.sources.shape import differences, shape_of
    from finpulse_assets.gateways.sources.spans import pieces
    from finpulse_assets.gateways.sources.vendor import Page, page_of

    vendor = vendor_of(name, settings)
    client, reach, now = HttpClient(vendor.access, timer), vendor.reach, timer.now()
    end = now - reach.lag
    length = LONGEST_OF.get(kind, LONGEST)
    span = list(pieces((end - length, end), reach.at_once, reach.grid))[-1]
    for subject in vendor.subjects:
        request, number = vendor.request(Wanted(kind, subject, span)), 0
        rows = 0
        while request is not None and not rows:  # some answers hold but the next request
            number += 1
            ask = Ask(kind, subject, span, request, number)
            pages: list[Page] = []

            def judge(reply: Reply, ask: Ask = ask, pages: list[Page] = pages) -> None:
                pages.append(page_of(vendor, Answer(ask, reply, now)))

            reply = client.ask(ask.request, keep=lambda _: None, judge=judge)
            rows, request = len(pages[-1].rows), pages[-1].following
        if rows:
            break
    stored = folder / name / kind
    before = shape_of((stored / BODY).read_bytes()) if (stored / BODY).exists() else None
    found = shape_of(reply.body)
    origin = {
        "url": ask.request.url, "params": dict(ask.request.params), "subject": ask.subject,
        "from": ask.span[0].isoformat(), "until": ask.span[1].isoformat(),
        "fetched_at": reply.fetched_at.isoformat(), "headers": dict(reply.headers),
    }  # fmt: skip
    for path, content in ((BODY, reply.body), (ORIGIN, json.dumps(origin, indent=1).encode())):
        with written_atomically(stored / path) as temporary:
            temporary.write_bytes(content)
    differing = None if before is None else differences(before, found)
    return Recorded(kind, stored, len(reply.body), rows, differing)
