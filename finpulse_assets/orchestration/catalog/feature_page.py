"""The feature page: every feature with its definition, and a small plot of each family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from finpulse_assets.domain.features.feature import MINUTE, Feature
from finpulse_assets.domain.features.registry import (
    ALL,
    COMPANY,
    FEATURES,
    TECHNICAL,
    TEXT,
    bar_features,
)
from finpulse_assets.domain.plots.features import SESSIONS, family_plot
from finpulse_assets.errors import EvaluationError

FAMILIES = {
    "momentum": "How far and how surely the price has gone lately.",
    "trend": "The price against its own averages, and how straight its way was.",
    "volatility": "How widely the price swings, by estimators of different efficiency; every sigma "
    "is per bar.",
    "volume": "How much is traded, against its own past and together with the price.",
    "liquidity": "What trading costs, guessed from bars or read off quotes.",
    "market": "A ticker among the tickers of the same moment.",
    "calendar": "Where the session stands among sessions, and what has just happened.",
    "text": "What people wrote about the ticker until the decision.",
    "holdings": "What institutional managers reported to hold, from the acceptance of each report "
    "on; null without the source `edgar13f`.",
    "options": "What the option chain said as it was taken before the decision; null without the "
    "source `yahoo_options`.",
}
PREFACE = """# Features

{count} inputs of the model on the clock of sessions: {technical} of bars, {text} of texts and
{company} of holdings and option chains; of those the ones that no row of the training set has are
left out of the fit, and named there. The {minute} of bars that have a meaning on one-minute bars
are computed there by the same functions; `_20d` (sessions) then reads `_20m` (minutes). This page
is made of the registry (`finpulse_assets/domain/features/`) by `make docs`, as are the column
schemas and dbt's contracts.

*look-back* is the bars that the definition reads, the present one included; *warm-up* the bars of
an unbroken run before which the value is null, more than the look-back where an average never quite
forgets its start. *free* features do not depend on the unit of price and volume. Every value is
made of what was known at the decision; `finpulse audit` tries to prove the contrary.
"""


def feature_page(images: Mapping[str, str], *, caption: str = "") -> str:
    """Return the page as Markdown.

    Args:
        images: family -> path of its plot, relative to the page; a family may be absent.
        caption: what the plots show.
    """
    parts = [
        PREFACE.format(
            count=len(FEATURES),
            technical=len(TECHNICAL),
            text=len(TEXT),
            company=len(COMPANY),
            minute=len(bar_features(MINUTE)),
        )
    ]
    for family, sentence in FAMILIES.items():
        listed = [feature for feature in ALL if feature.family == family]
        parts.append(f"## {family}\n\n{sentence} {len(listed)} features.\n")
        if family in images:
            parts.append(f"![{family}: {caption}]({images[family]})\n\n*{caption}*\n")
        parts.append(_table(listed))
    return "\n".join(parts)


def _table(listed: list[Feature]) -> str:
    lines = [
        "| feature | formula | unit | look-back | warm-up | free | null where | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for it in listed:
        is_of_bars = it not in TEXT + COMPANY
        only = f" ({it.clocks[0]} bars only)" if is_of_bars and len(it.clocks) == 1 else ""
        cells = (
            f"`{it.name}`", f"{it.formula}{only}", it.unit, it.lookback, it.warm_up,
            "yes" if it.scale_free else "no", it.undefined, it.source,
        )  # fmt: skip
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


@dataclass(frozen=True)
class FamilyPlots:
    """Family -> PNG, and what they show."""

    images: dict[str, bytes]
    caption: str


def family_plots(features: pl.DataFrame) -> FamilyPlots:
    """Draw each family for the ticker with most texts, its last 250 sessions.

    Args:
        features: fct_daily_features.

    Raises:
        EvaluationError: it has no rows.
    """
    if features.is_empty():
        raise EvaluationError("there are no features to draw, fct_daily_features has 0 rows")
    by_texts = features.group_by("ticker").agg(pl.col("text_count").sum(), pl.len())
    ticker = by_texts.sort("text_count", "len", "ticker", descending=True)["ticker"][0]
    days = features.filter(pl.col("ticker") == ticker)["session_date"].sort().tail(SESSIONS)
    images = {
        family: family_plot(features, [it for it in FEATURES if it.family == family], ticker)
        for family in FAMILIES
        if any(not features[it.name].is_null().all() for it in FEATURES if it.family == family)
    }
    return FamilyPlots(images, f"{ticker}, {days[0]} to {days[-1]}")
