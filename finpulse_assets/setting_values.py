"""The values of settings that are more than a number or a path: how their text is read."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from finpulse_assets.domain.texts.language import ALL, LANGUAGES

# The candidates that may be promoted, `registry.CHALLENGERS`, and `registry.SHOWN`: a reader of
# settings loads no model.
CANDIDATES = ("ranking", "lightgbm", "logistic", "xgboost", "ensemble", "lstm")

LEAST_MEMBERS = 2  # of an ensemble


def _end_of_day(value: object) -> object:
    """Read a bare day as its last second: as of a day means with all of that day.

    Text is read here, for pydantic would take "2015" for seconds since 1970.
    """
    if isinstance(value, str):
        value = _iso_day_or_time(value.strip())
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return datetime.combine(value, time(23, 59, 59), UTC) if is_day else value


def _iso_day_or_time(text: str) -> date:
    for read in (date.fromisoformat, datetime.fromisoformat):
        with suppress(ValueError):
            return read(text)
    raise ValueError("it should be a day or a time such as 2015-09-30 or 2015-09-30T20:15+00:00")


def _as_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _ticker_list(value: str) -> str:
    tickers = dict.fromkeys(part.strip().upper() for part in value.split(",") if part.strip())
    if not tickers:
        raise ValueError("it should name at least one symbol")
    return ",".join(tickers)


def _source_list(value: str) -> str:
    names = dict.fromkeys(part.strip().lower() for part in value.split(",") if part.strip())
    if not names:
        raise ValueError("it should name at least one source")
    return ",".join(names)


def _name_list(value: str) -> str:
    names = dict.fromkeys(part.strip() for part in value.split(",") if part.strip())
    if not names:
        raise ValueError("it should name at least one")
    return ",".join(names)


def _named_list(value: str) -> str:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or any("=" not in part.strip("=") for part in parts):
        raise ValueError("it should be name=value, by comma")
    return ",".join(parts)


def _secret_named_list(value: SecretStr) -> SecretStr:
    return SecretStr(_named_list(value.get_secret_value()))


def _language_list(value: str) -> str:
    codes = dict.fromkeys(part.strip().lower() for part in value.split(",") if part.strip())
    unknown = [code for code in codes if code not in (*LANGUAGES, ALL)]
    if unknown or not codes:
        raise ValueError(f"it should be all, or some of {', '.join(LANGUAGES)}")
    return ",".join(codes)


def _candidate_list(value: str) -> str:
    names = dict.fromkeys(part.strip().lower() for part in value.split(",") if part.strip())
    unknown = [name for name in names if name not in CANDIDATES]
    if unknown or not names:
        raise ValueError(f"it should be some of {', '.join(CANDIDATES)}")
    promotable = [name for name in names if name != "lstm"]
    if not promotable:
        raise ValueError("it should name one that may be promoted beside lstm")
    if "ensemble" in names and len(promotable) <= LEAST_MEMBERS:
        raise ValueError(f"an ensemble needs at least {LEAST_MEMBERS} others that may be promoted")
    return ",".join(names)


def _zone(value: str) -> str:
    try:
        return str(ZoneInfo(value.strip()))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("it should be an IANA name such as America/New_York or UTC") from error


def _path_list(value: object) -> object:
    """Read text as paths by comma; one path is a list of one."""
    if isinstance(value, Path):
        return (value,)
    if isinstance(value, str):
        return tuple(Path(part.strip()) for part in value.split(",") if part.strip())
    return value


CandidateList = Annotated[str, NoDecode, AfterValidator(_candidate_list)]
UtcTime = Annotated[datetime, BeforeValidator(_end_of_day), AfterValidator(_as_utc)]
TickerList = Annotated[str, NoDecode, AfterValidator(_ticker_list)]
SourceList = Annotated[str, NoDecode, AfterValidator(_source_list)]
PathList = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_path_list), Field(min_length=1)]
LanguageList = Annotated[str, NoDecode, AfterValidator(_language_list)]
ZoneName = Annotated[str, AfterValidator(_zone)]
NameList = Annotated[str, NoDecode, AfterValidator(_name_list)]
NamedList = Annotated[str, NoDecode, AfterValidator(_named_list)]
SecretNamedList = Annotated[SecretStr, AfterValidator(_secret_named_list)]
