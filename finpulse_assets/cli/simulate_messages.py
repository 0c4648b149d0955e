"""`finpulse simulate --to kafka://…`: a market, a data set or a story as live messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from finpulse_assets.cli.console import errors, print_json
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from finpulse_assets.gateways.sources.stream.script import Timed


@dataclass(frozen=True)
class Wish:
    """What is to be sent where, and how fast; the options of `finpulse simulate` by name."""

    to: str
    story: str | None
    ticker: str | None
    messages: int
    since: str | None
    is_now: bool
    rate: float | None
    burst: int
    speed_up: float | None
    files: Mapping[str, Path | None]

    @property
    def has_files(self) -> bool:
        return any(self.files.values())


def send_messages(wish: Wish, market: Mapping[str, object], *, as_json: bool) -> None:
    """Send what is wished for, and say how much it was.

    Raises:
        SettingError: the options contradict each other.
        SourceError: no broker answers, or a file cannot be read.
    """
    files = {name: path for name, path in wish.files.items() if path is not None}
    settings = load_settings(kafka_servers=_servers(wish.to), **{**market, **files})
    if wish.story is not None and (wish.ticker is None or wish.has_files):
        raise SettingError("--story needs a --ticker, and goes without files")
    errors.print(f"sending to {settings.kafka_servers} …", highlight=False)
    from finpulse_assets.gateways.sources.stream.producer import StreamProducer
    from finpulse_assets.orchestration.stream.simulation import Pace, send
    from finpulse_assets.orchestration.stream.start import kafka_of

    script, unreadable = _script(wish, settings)
    producer = StreamProducer(kafka_of(settings))
    pace = Pace(rate=wish.rate, burst=wish.burst, speed_up=wish.speed_up)
    is_now = wish.is_now or wish.story is not None
    sent = send(pace.paced(script), producer, as_of_now=system_now if is_now else None)
    producer.close()
    sent["left_out"] += unreadable
    if as_json:
        print_json({"to": settings.kafka_servers, **sent})
        return
    errors.print(
        f"{sent['texts']:,} texts and {sent['bars']:,} bars sent, {sent['left_out']:,} left out",
        highlight=False,
    )


def _script(wish: Wish, settings: Settings) -> tuple[Iterable[Timed], int]:
    from finpulse_assets.orchestration.run.sources import KNOWN
    from finpulse_assets.orchestration.stream.simulation import source_script, story_script

    if wish.story is not None:
        ticker = wish.ticker.upper()
        return story_script(wish.story, ticker, count=wish.messages, now=system_now), 0
    source = KNOWN["files" if wish.has_files else "simulator"].make(settings, system_now)
    return source_script(source, _day(wish.since))


def _servers(to: str) -> str:
    found = re.fullmatch(r"kafka://([^/,\s]+:\d+(?:,[^/,\s]+:\d+)*)/?", to)
    if found is None:
        raise SettingError(f"--to is {to}, it should be kafka://HOST:PORT")
    return found[1]


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"--from is {text}, it should be a day such as 2024-06-28") from error
