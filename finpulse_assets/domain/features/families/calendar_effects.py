"""Calendar: where the session stands among sessions, and what has just happened to the ticker.

The features of the family and the table of sessions they are read off. The exchange publishes its
sessions years ahead, so that a holiday to come is known at every decision.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from finpulse_assets.domain.calendar import FIRST_DAY, build_sessions, scheduled_days
from finpulse_assets.domain.features.engine.bars import Bars
from finpulse_assets.domain.features.feature import Feature

EVENT_HORIZON = 120
FRIDAY = 5

_feature = partial(
    Feature, family="calendar", inputs=("raw/sessions",), unit="sessions", lookback=1,
)  # fmt: skip
_minute = partial(
    Feature, family="calendar", inputs=("bar_at", "raw/sessions"), unit="minutes", lookback=1,
    clocks=("minute",), undefined="the bar lies outside the session",
)  # fmt: skip


def _bars_since_event(bars: Bars) -> np.ndarray:
    """Capped, and the cap also where none was seen: a longer history then changes nothing."""
    return np.fmin(bars.bars_since("event"), EVENT_HORIZON)


FEATURES = (
    _feature(name="day_of_week", formula="1 Monday to 5 Friday", unit="day"),
    _feature(name="sessions_since_month_start", formula="sessions of the month before this one"),
    _feature(name="sessions_to_month_end", formula="sessions of the month after this one"),
    _feature(name="sessions_since_holiday", formula="sessions since the exchange was shut on a "
             "weekday, 0 on the first one after"),
    _feature(name="sessions_to_holiday", formula="sessions until the exchange is shut on a "
             "weekday, 0 on the last one before"),
    _feature(name="days_to_next_session", formula="calendar days until the next session",
             unit="days"),
    _feature(name="is_half_day", formula="1 where the session closes early, else 0", unit="0 or 1"),
    _feature(
        name="bars_since_event", formula=f"bars since the ticker's last split or dividend, at most "
        f"{EVENT_HORIZON}", inputs=("raw/corporate_actions",), unit="bars",
        lookback=EVENT_HORIZON + 1, compute=_bars_since_event,
    ),
    _minute(name="minutes_since_open", formula="minutes from the open to the end of the bar"),
    _minute(name="minutes_to_close", formula="minutes from the end of the bar to the close"),
)  # fmt: skip


def session_effects(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return session_date and the calendar features of each session, Float64, by session.

    A holiday is a weekday without a session. What lies ahead is counted as the exchange had
    published it: a session that was called off at short notice is counted until it was.

    Args:
        sessions: `schemas.SESSIONS`, any of them.

    >>> from datetime import date
    >>> from finpulse_assets.domain.calendar import build_sessions
    >>> session_effects(build_sessions(date(2024, 7, 2), date(2024, 7, 5))).select(
    ...     "sessions_to_holiday", "sessions_since_holiday", "is_half_day").rows()
    [(1.0, 8.0, 0.0), (0.0, 9.0, 1.0), (40.0, 0.0, 0.0)]
    """
    # The published calendar is the same at every decision, so its ends are never in sight.
    ahead = _positions(scheduled_days())
    behind = _positions(build_sessions(FIRST_DAY, ahead["day"][-2])["session_date"])
    wanted = sessions.select(day="session_date", half="is_half_day", next="next_session_date")
    both = wanted.join(ahead, on="day", how="left").join(
        behind, on="day", how="left", suffix="_behind"
    )
    day = pl.col("day")
    return both.select(
        session_date=day,
        day_of_week=day.dt.weekday(),
        sessions_since_month_start="since_month_start_behind",
        sessions_to_month_end="to_month_end",
        sessions_since_holiday="since_holiday_behind",
        sessions_to_holiday="to_holiday",
        days_to_next_session=(pl.col("next") - day).dt.total_days(),
        is_half_day="half",
    ).with_columns(pl.exclude("session_date").cast(pl.Float64)).sort("session_date")  # fmt: skip


def _positions(days: pl.Series) -> pl.DataFrame:
    """Return for each of `days`, ascending, where it stands in its month and between holidays."""
    at, day = pl.col("at").cast(pl.Int64), pl.col("day")
    month = day.dt.strftime("%Y-%m")
    step = (day.shift(-1) - day).dt.total_days()
    # After Monday to Thursday the next day follows, after Friday the third; all else is a holiday.
    is_eve = step != pl.when(day.dt.weekday() == FRIDAY).then(3).otherwise(1)
    eve = pl.when(is_eve).then(at)
    return days.alias("day").to_frame().with_row_index("at").select(
        "day",
        since_month_start=at - at.min().over(month),
        to_month_end=at.max().over(month) - at,
        since_holiday=at - eve.shift(1).forward_fill() - 1,
        to_holiday=eve.backward_fill() - at,
    )  # fmt: skip
