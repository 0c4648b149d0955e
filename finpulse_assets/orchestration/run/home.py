"""The home of a profile: one data set, read forward in time, in the form of this code's tables."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import KINDS, source_table
from finpulse_assets.settings import Settings

# Raised when tables of a home change their form in a way that a run cannot mend by itself.
FORMAT = 2
HOME_FILE, FILE_OF_FORMAT_1 = "home.json", "source.json"
FILE_SETTINGS = (
    "prices_path", "tweets_path", "headlines_path", "corporate_actions_path", "tickers_path",
    "bars_1m_path",
)  # fmt: skip
# How the files write what can be read in two ways: read otherwise, they are other data.
NOTATION_SETTINGS = ("bars_timezone", "day_order")
_MARKET = (
    "simulator_seed", "simulator_tickers", "simulator_effect", "simulator_market_effect",
)  # fmt: skip
# What a home holds that is older than the setting.
BEFORE = {"simulator_market_effect": "0.0"}
# The settings that make two runs runs of the same data, by source.
IDENTITY = {
    "simulator": _MARKET,
    "exchange": _MARKET,
    "wire": _MARKET,
    "files": (*FILE_SETTINGS, *NOTATION_SETTINGS),
}
ELSEWHERE = "set FINPULSE_HOME (or --home) to a folder of its own"


def claim_home(settings: Settings, clock: RunClock) -> None:
    """Note the data that the home holds, or refuse a run that does not fit.

    A source may join the list at any time; one that is held may not become another.

    Raises:
        SettingError: the home was made by an earlier FinPulse, holds other data, or was read beyond
            the as-of time: its models and late rows know what that time did not.
    """
    check_format(settings)
    settings = with_remembered_files(settings)
    held, wanted = _held(settings.root), identity_of(settings)
    for source, values in wanted.items():
        own = held.get(source, values)
        # A home from before a kind of file was understood holds none of it.
        before = {name: own.get(name, BEFORE.get(name, "None")) for name in values}
        other = [
            name
            for name in values
            # What nobody said before may be said now: without it, nothing was read another way.
            if before[name] not in (values[name], "None" if name in NOTATION_SETTINGS else None)
        ]
        if other:
            raise SettingError(
                f"the home {settings.root} holds the data of {_named(own, other)}, this run's is "
                f"{_named(values, other)}",
                hint=f"two data sets in one home would mix; {ELSEWHERE}",
            )
    known_until = _read_until(Lake(settings.lake), settings.source_names) or clock.as_of
    if known_until > clock.as_of:
        raise SettingError(
            f"the home {settings.root} was read up to {known_until:%Y-%m-%d %H:%M} UTC, the as-of "
            f"time {clock.as_of:%Y-%m-%d %H:%M} lies before",
            hint=f"to replay that time, {ELSEWHERE}",
        )
    if any(held.get(source) != values for source, values in wanted.items()):
        content = {"format": FORMAT, "sources": {**held, **wanted}}
        write_json(settings.root / HOME_FILE, content)


def check_format(settings: Settings) -> None:
    """Refuse a home whose tables have another form than this code's.

    Raises:
        SettingError: it was made by an earlier or a later FinPulse.
    """
    path = settings.root / HOME_FILE
    if path.exists():
        found = json.loads(path.read_text()).get("format")
    else:
        found = 1 if (settings.root / FILE_OF_FORMAT_1).exists() else FORMAT
    if found != FORMAT:
        raise SettingError(
            f"the home {settings.root} was made by another version of FinPulse (form {found} of "
            f"its tables, this one has {FORMAT})",
            hint=f"{ELSEWHERE}; all in it is made again from the sources",
        )


def with_remembered_files(settings: Settings) -> Settings:
    """Return settings whose files, where none is set, are those that the home was read from.

    So `finpulse status --profile files` and the UI describe the data set of the last run.
    """
    if settings.prices_path is not None:
        return settings
    held = _held(settings.root).get("files", {})
    known = {n: Path(held[n]) for n in FILE_SETTINGS if held.get(n, "None") != "None"}
    notation = {n: held[n] for n in NOTATION_SETTINGS if held.get(n, "None") != "None"}
    return settings.model_copy(update={**notation, **known} if known else {})


def identity_of(settings: Settings) -> dict[str, dict[str, str]]:
    """Return what makes two runs runs of the same data, by source."""
    return {
        source: {name: _shown(getattr(settings, name)) for name in IDENTITY.get(source, ())}
        for source in settings.source_names
    }


def _shown(value: object) -> str:
    return str(value.absolute() if isinstance(value, Path) else value)


def _held(root: Path) -> dict[str, dict[str, str]]:
    path = root / HOME_FILE
    return json.loads(path.read_text())["sources"] if path.exists() else {}


def _read_until(lake: Lake, sources: list[str]) -> datetime | None:
    """Return the last moment that any source was asked for."""
    tables = (source_table(source, kind) for source in sources for kind in KINDS)
    ends = [lake.coverage(table)["last_at"].max() for table in tables]
    last = max((end for end in ends if end is not None), default=None)
    return last and last - timedelta(microseconds=1)


def _named(values: dict[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {values.get(name, 'unset')}" for name in names)
