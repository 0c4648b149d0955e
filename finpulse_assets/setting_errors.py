"""What is wrong with settings, in a sentence: an unknown variable, a value that is no good."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from finpulse_assets.errors import SettingError

PREFIX = "FINPULSE_"
# Variables of the same prefix that others read: dbt its paths, the tests and benchmarks their data,
# a running service what `finpulse serve` tells it, the dashboard what `finpulse dashboard` does.
NO_SETTINGS = {
    "FINPULSE_LAKE",
    "FINPULSE_WAREHOUSE",
    "FINPULSE_SHARED_DATA",
    "FINPULSE_SERVICE_HOME",
    "FINPULSE_SERVED_HOME",
    "FINPULSE_FOLLOWED_BENTOS",
    "FINPULSE_STAND_IN",
    "FINPULSE_LEDGER_FOLDER",
    "FINPULSE_SERVICE_KEYS",
    "FINPULSE_SERVED_LAKE",
    "FINPULSE_SERVED_MARTS",
    "FINPULSE_SERVED_LANGUAGES",
    "FINPULSE_SENTIMENT_BUNDLE",
    "FINPULSE_DASHBOARD_ROOT",
    "FINPULSE_DASHBOARD_SERVICE",
    "FINPULSE_DASHBOARD_RUNBOOKS",
}


def refuse_unknown_names(fields: Mapping[str, FieldInfo]) -> None:
    """Refuse a FINPULSE_ variable that is no setting: a misspelt one would be ignored silently.

    Raises:
        SettingError: names the variable and the nearest setting.
    """
    known = {PREFIX + name.upper() for name in fields} | NO_SETTINGS
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
    for name in sorted(given - known):
        if name.startswith(PREFIX):
            near = get_close_matches(name, known, n=1)
            raise SettingError(
                f"{name} is no setting",
                hint=f"did you mean {near[0]}" if near else "see finpulse doctor",
            )


def setting_error(error: ValidationError, fields: Mapping[str, FieldInfo]) -> SettingError:
    """Return the first thing that pydantic found, in one sentence; a secret is not shown."""
    first = error.errors()[0]
    name = PREFIX + str(first["loc"][0]).upper()
    field = fields.get(str(first["loc"][0]))
    is_secret = field is not None and "secret" in (field.description or "")
    value = "set" if is_secret else repr(first["input"])
    return SettingError(
        f"{name} is {value}: {first['msg'].removeprefix('Value error, ')}",
        hint=f"{name} means: {field.description}" if field else "see finpulse doctor",
    )
