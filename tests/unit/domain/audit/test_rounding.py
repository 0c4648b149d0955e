"""Rounding is no leak: a market that hardly moves gives columns that are nothing but rounding."""

from __future__ import annotations

import polars as pl

from finpulse_assets.domain.audit.leaks import audit
from finpulse_assets.domain.audit.tables import choose_moments
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES
from tests.unit.domain.audit.moving_market import SESSIONS

COUNT = 300
WARM_UP = {feature.name: feature.warm_up for feature in TECHNICAL}


def constant_growth() -> dict[str, pl.DataFrame]:
    """Return two tickers, one that stands still and one that grows by the same share a session."""
    days = SESSIONS.tail(COUNT).select("session_date", "close_at", "decision_at")
    parts = []
    for ticker, growth in (("A", 1.0), ("B", 1.001)):
        close = pl.Series("close", [37 * growth**at for at in range(COUNT)])
        parts.append(
            days.with_columns(
                close, open=close, high=close, low=close, ticker=pl.lit(ticker),
                volume_shares=pl.lit(1_000), price_basis=pl.lit("unadjusted"),
                source=pl.lit("test"), event_time="close_at", knowledge_time="close_at",
            )
        )  # fmt: skip
    prices = PRICES.enforce(pl.concat(parts).select(PRICES.column_names))
    return {
        "raw/sessions": SESSIONS,
        "raw/prices": prices,
        "raw/corporate_actions": CORPORATE_ACTIONS.empty(),
    }


def build(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    rows = build_technical_features(
        tables["raw/prices"].lazy(), tables["raw/corporate_actions"].lazy(), SESSIONS,
        as_of=SESSIONS["decision_at"].max(),
    )  # fmt: skip
    return rows.join(SESSIONS.select("session_date", "decision_at"), on="session_date")


def test_two_tickers_of_constant_growth_raise_no_alarm():
    tables = constant_growth()
    decided = SESSIONS.tail(COUNT)["decision_at"]
    findings = audit(
        build, tables, moments=choose_moments(tables, decided, count=3), warm_up=WARM_UP,
        first_session=SESSIONS.tail(COUNT)["session_date"][COUNT // 4],
    )  # fmt: skip
    assert findings == []
