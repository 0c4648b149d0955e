"""The plan of a rehearsal: its sessions, its market, and which fault strikes on which session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, MarketScript, Regime
from finpulse_assets.domain.simulator.companies import company
from finpulse_assets.domain.simulator.script import Correction, LateTexts, Outage, Split
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.sources.simulated.scripted_source import EXCHANGE, WIRE
from finpulse_assets.settings import Settings

# From here 12 sessions cross a month edge and the DST night of 2 November; 65 cross three edges,
# the half-days of 28 November and 24 December, and the long weekend of 19 January.
FIRST_SESSION = date(2025, 10, 23)
QUARTER = 65
MARKET_BEGINS = date(2017, 12, 29)  # the session before the simulator's epoch
LEAST_TICKERS, MOST_TICKERS = 4, 9  # from 10 on, companies of the simulator come and go by itself
EFFECT_AFTER = -1.0  # times the planted effect, from the change of regime on
VOLATILITY_AFTER = 3.0
CORRECTION_FACTOR, SPLIT_RATIO = 1.02, 2

# The ordinal of the session on which each fault begins, and of the one on which it has ended. A
# rehearsal that is too short to see the end leaves the fault out.
FAULTS: dict[str, tuple[int, int]] = {
    "source down": (2, 5),
    "run killed": (6, 7),
    "late delivery": (8, 10),
    "change of regime": (12, 50),
    "correction": (14, 16),
    "split": (18, 18),
    "ticker added": (20, 20),
    "ticker delisted": (26, 27),
    "prices down": (34, 35),
    "ops away": (40, 47),
    "sentiment model replaced": (55, 55),
}


@dataclass(frozen=True, kw_only=True)
class RehearsalPlan:
    """What is rehearsed.

    Attributes:
        days: the rehearsed sessions.
        eve: the session before the first one, on which the home is made.
        sessions: `schemas.SESSIONS` from the simulator's epoch to the last day.
        market: the simulated market.
        script: what happens to it.
        faults: name -> the session on which it begins, and the one on which it has ended.
    """

    days: tuple[date, ...]
    eve: date
    sessions: pl.DataFrame
    market: MarketPlan
    script: MarketScript
    faults: dict[str, tuple[date, date]]

    def begins(self, fault: str) -> date | None:
        """Return the session on which a fault begins, None where it is left out."""
        return self.faults[fault][0] if fault in self.faults else None

    def decision_at(self, day: date) -> datetime:
        """Return when a session is decided (UTC)."""
        return self.sessions.row(by_predicate=pl.col("session_date") == day, named=True)[
            "decision_at"
        ]

    @property
    def end(self) -> datetime:
        """The decision of the last session (UTC)."""
        return self.decision_at(self.days[-1])


def plan_rehearsal(settings: Settings, *, sessions: int = QUARTER) -> RehearsalPlan:
    """Return the plan of a rehearsal of so many sessions.

    Args:
        settings: size, history, seed and planted effect of the market.
        sessions: how many are rehearsed, beside the history before them.

    Raises:
        SettingError: the market has too few tickers for the faults, or too many; no sessions.
    """
    if not 1 <= sessions <= 250:
        raise SettingError(f"{sessions} sessions were asked for, a rehearsal has 1 to 250")
    if not LEAST_TICKERS <= settings.simulator_tickers <= MOST_TICKERS:
        raise SettingError(
            f"the market has {settings.simulator_tickers} tickers, a rehearsal takes "
            f"{LEAST_TICKERS} to {MOST_TICKERS}",
            hint="set FINPULSE_SIMULATOR_TICKERS",
        )
    delay = timedelta(minutes=settings.decision_delay_minutes)
    last_day = FIRST_SESSION + timedelta(days=2 * sessions + 14)
    calendar = build_sessions(MARKET_BEGINS, last_day, decision_delay=delay)
    known = calendar["session_date"].to_list()
    first = known.index(FIRST_SESSION)
    days = tuple(known[first : first + sessions])
    if datetime.combine(days[-1], datetime.min.time(), tzinfo=UTC) > system_now():
        raise SettingError(
            f"{sessions} sessions from {FIRST_SESSION} on reach {days[-1]}, which lies ahead",
            hint="ask for fewer sessions",
        )
    faults = {
        name: (days[begins], days[ends])
        for name, (begins, ends) in FAULTS.items()
        if ends < len(days)
    }
    return RehearsalPlan(
        days=days,
        eve=known[first - 1],
        sessions=calendar.filter(pl.col("session_date") <= days[-1]),
        market=MarketPlan(
            ticker_count=settings.simulator_tickers,
            session_count=settings.simulator_sessions + sessions,
            seed=settings.simulator_seed,
            effect=settings.simulator_effect,
            market_effect=settings.simulator_market_effect,
        ),
        script=_script(settings, days, faults),
        faults=faults,
    )


def _script(
    settings: Settings, days: tuple[date, ...], faults: dict[str, tuple[date, date]]
) -> MarketScript:
    count, seed = settings.simulator_tickers, settings.simulator_seed
    tickers = [company(seed, ordinal).ticker for ordinal in range(count)]

    def struck(name: str, make: object) -> tuple:
        return (make(*faults[name]),) if name in faults else ()

    def down(source: str) -> object:
        return lambda first, ended: Outage(source, first, days[days.index(ended) - 1])

    regime = struck(
        "change of regime",
        lambda first, _: Regime(
            first=first,
            effect=EFFECT_AFTER * settings.simulator_effect,
            volatility=VOLATILITY_AFTER,
        ),
    )
    return MarketScript(
        regime=next(iter(regime), None),
        splits=struck("split", lambda on, _: Split(tickers[0], on, SPLIT_RATIO)),
        corrections=struck(
            "correction", lambda on, shown: Correction(tickers[1], on, shown, CORRECTION_FACTOR)
        ),
        added=struck("ticker added", lambda on, _: (tickers[-1], on)),
        delisted=struck("ticker delisted", lambda last, _: (tickers[-2], last)),
        late=struck("late delivery", LateTexts),
        outages=(
            *struck("source down", down(WIRE)),
            *struck("prices down", down(EXCHANGE)),
            *struck("ops away", down(WIRE)),
        ),
    )
