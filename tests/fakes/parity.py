"""An answer of the service in the columns of predictions/daily_signals."""

from __future__ import annotations

from typing import Any

from finpulse_assets.domain.serving.answer import Answer

MODELS_OWN = ("model_expired", "no_proven_skill", "dissimilar", "contradiction")
AS_SIGNAL = (
    "ticker", "decision_at", "target_session_date", "probability_up", "probability_lower",
    "probability_upper", "expected_return", "return_lower", "return_upper", "reasons", "is_proven",
    "skills", "abstain_reason", "model_version",
)  # fmt: skip


def as_signal(answer: Answer, *, close: float | None) -> dict[str, Any]:
    """Return what a signal of the same model and session must say.

    The band of the close is held to that of the return: they are one.

    Args:
        answer: for a symbol.
        close: its last close, where it is known.
    """
    band, interval = answer.expected_return_interval, answer.interval
    if band is not None and close is not None:
        ends = (close * (1 + band.lower), close * (1 + band.upper))
        shown = answer.expected_close_interval
        assert (shown.lower, shown.upper) == ends
    return {
        "ticker": answer.symbol,
        "decision_at": answer.as_of,
        "target_session_date": answer.target_session_date,
        "probability_up": answer.probability,
        "probability_lower": interval and interval.lower,
        "probability_upper": interval and interval.upper,
        "expected_return": answer.expected_return,
        "return_lower": band and band.lower,
        "return_upper": band and band.upper,
        "reasons": ", ".join(answer.reasons) or "none",
        "is_proven": bool(answer.skills),
        "skills": ", ".join(answer.skills),
        "abstain_reason": next((it for it in answer.abstain_reasons if it in MODELS_OWN), None),
        "model_version": answer.model_version,
    }
