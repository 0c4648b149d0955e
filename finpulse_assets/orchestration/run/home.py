"""The home of a profile: one data set, read forward in time.

Refusing a run that would mix two data sets, or look back from a home that already knows more.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import PRICES, TWEETS
from finpulse_assets.settings import Profile, Settings

SOURCE_FILE = "source.json"
FILE_SETTINGS = (
    "prices_path", "tweets_path", "headlines_path", "corporate_actions_path", "tickers_path",
    "bars_1m_path",
)  # fmt: skip
ELSEWHERE = "set FINPULSE_HOME (or --home) to a folder of its own"


def claim_home(settings: Settings, clock: RunClock) -> None:
    """Note the data set that the home holds, or refuse one that does not fit.

    Raises:
        SettingError: the home holds another data set, or was read beyond the as-of time: its
            models and late rows know what that time did not.
    """
    settings = with_remembered_files(settings)
    path, wanted = settings.root / SOURCE_FILE, source_of(settings)
    if path.exists():
        held = json.loads(path.read_text())
        # A home from before a kind of file was understood holds none of it.
        other = [name for name in wanted if held.get(name, "None") != wanted[name]]
        if other:
            raise SettingError(
                f"the home {settings.root} holds the data of {_named(held, other)}, this run's is "
                f"{_named(wanted, other)}",
                hint=f"two data sets in one home would mix; {ELSEWHERE}",
            )
    lake = Lake(settings.lake)
    read = [last for table in (PRICES, TWEETS) for _, last in lake.coverage(table).values()]
    known_until = max(read, default=clock.as_of) - timedelta(microseconds=1)
    if known_until > clock.as_of:
        raise SettingError(
            f"the home {settings.root} was read up to {known_until:%Y-%m-%d %H:%M} UTC, the as-of "
            f"time {clock.as_of:%Y-%m-%d %H:%M} lies before",
            hint=f"to replay that time, {ELSEWHERE}",
        )
    if not path.exists():
        write_json(path, wanted)


def with_remembered_files(settings: Settings) -> Settings:
    """Return settings whose file paths, where none is set, are those that the home was read from.

    So `finpulse status --profile files` and the UI speak of the data set of the last run.
    """
    path = settings.root / SOURCE_FILE
    if settings.prices_path is not None or not path.exists():
        return settings
    held = json.loads(path.read_text())
    return settings.model_copy(
        update={
            name: Path(held[name]) for name in FILE_SETTINGS if held.get(name, "None") != "None"
        }
    )


def source_of(settings: Settings) -> dict[str, str]:
    """Return what makes two runs runs of the same data set."""
    if settings.profile is Profile.DEMO:
        names = ("simulator_seed", "simulator_tickers", "simulator_effect")
    elif settings.profile is Profile.FILES:
        names = FILE_SETTINGS
    else:
        return {"source": "yahoo"}
    values = {name: getattr(settings, name) for name in names}
    is_path = settings.profile is Profile.FILES
    return {n: str(v.absolute() if is_path and v is not None else v) for n, v in values.items()}


def _named(source: dict[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {source.get(name, 'unset')}" for name in names)
