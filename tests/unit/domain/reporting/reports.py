"""Facts of two reports: one with a proven signal up, one with an unproven signal down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from finpulse_assets.domain.reporting.facts import Fact, Facts, Unit

AT = datetime(2026, 11, 27, 18, 15, tzinfo=UTC)
SEEN = datetime(2026, 11, 27, 14, 5, tzinfo=UTC)


def fact(name: str, value: object, unit: Unit) -> Fact:
    return Fact(name, name.replace("_", " "), value, unit, "predictions/daily_signals", {"x": 1})


PROVEN_UP = Facts(
    ticker="IMBK",
    company="Imber Bank",
    as_of=AT,
    direction="up",
    skills=("ranking", "text", "after_costs"),
    abstains="",
    is_test=False,
    others={"NORN": "Norn Shipping", "IMBK": "Imber Bank"},
    facts=(
        fact("session_date", date(2026, 11, 27), Unit.DATE),
        fact("target_session_date", date(2026, 11, 30), Unit.DATE),
        fact("predicted_at", AT, Unit.TIME),
        fact("probability_up", 0.6218, Unit.SHARE),
        fact("probability_lower", 0.5437, Unit.SHARE),
        fact("probability_upper", 0.6149, Unit.SHARE),
        fact("interval_level", 0.9, Unit.SHARE),
        fact("expected_return", 0.00502, Unit.RETURN),
        fact("return_lower", -0.0284, Unit.RETURN),
        fact("return_upper", 0.0317, Unit.RETURN),
        fact("band_level", 0.9, Unit.SHARE),
        fact("rank", 3, Unit.COUNT),
        fact("ranked_tickers", 16, Unit.COUNT),
        fact("reason_1", "sentiment_decayed_1d", Unit.NAME),
        fact("reason_1_effect", 0.15, Unit.NUMBER),
        fact("reason_2", "idiosyncratic_return_1d", Unit.NAME),
        fact("reason_2_effect", -0.22, Unit.NUMBER),
        fact("texts_tweets_simulator", 12, Unit.COUNT),
        fact("sentiment_tweets_simulator", 0.2144, Unit.NUMBER),
        fact("quote_1", "Imber Bank raised its guidance to 8 % over the weekend, very bullish",
             Unit.TEXT),
        fact("quote_1_at", SEEN, Unit.TIME),
        fact("quote_1_source", "simulator", Unit.NAME),
        fact("quote_1_score", 0.8431, Unit.NUMBER),
        fact("close", 1052.59, Unit.PRICE),
        fact("close_date", date(2026, 11, 27), Unit.DATE),
        fact("evaluated_sessions", 4298, Unit.COUNT),
        fact("evaluation_level", 0.95, Unit.SHARE),
        fact("skill_ranking", 0.2043, Unit.NUMBER),
        fact("skill_ranking_lower", 0.1829, Unit.NUMBER),
        fact("skill_ranking_upper", 0.2251, Unit.NUMBER),
        fact("skill_market", 0.0408, Unit.NUMBER),
        fact("skill_market_lower", -0.0579, Unit.NUMBER),
        fact("skill_market_upper", 0.1371, Unit.NUMBER),
        fact("skill_after_costs", 0.0038, Unit.RETURN),
        fact("skill_after_costs_lower", -0.000004, Unit.RETURN),
        fact("skill_after_costs_upper", 0.0048, Unit.RETURN),
    ),
)  # fmt: skip
UNPROVEN_DOWN = replace(
    PROVEN_UP,
    direction="down",
    skills=(),
    is_test=True,
    abstains="no skill of the model is proven",
    facts=(
        *(it for it in PROVEN_UP.facts if it.name not in ("probability_up", "expected_return")),
        fact("probability_up", 0.3374, Unit.SHARE),
        fact("expected_return", -0.0068, Unit.RETURN),
        fact("abstain_reason", "no_proven_skill", Unit.NAME),
        fact("came", -0.01873, Unit.RETURN),
    ),
)
