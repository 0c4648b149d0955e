"""`finpulse as-if`: what was known of a ticker on a day, what was said, and what came."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from finpulse_assets.cli.console import Home, begin, print_json, results
from finpulse_assets.settings import Profile, load_settings

if TYPE_CHECKING:
    from finpulse_assets.orchestration.audit.as_if import AsIf

SHOWN_FEATURES, SHOWN_TEXTS, SHOWN_CHARACTERS = 10, 10, 60


def as_if(
    ticker: Annotated[str, typer.Argument(help="Exchange symbol, for example AAPL.")],
    day: Annotated[
        datetime, typer.Argument(formats=["%Y-%m-%d"], help="The session, such as 2015-06-30.")
    ],
    home: Home = None,
    profile: Annotated[
        Profile | None, typer.Option(help="demo, files or live; default: FINPULSE_PROFILE.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of it as JSON: each text, feature, version.")
    ] = False,
) -> None:
    """Show a day of a ticker: what was known at its decision, what was said, what came.

    Texts stand with the time at which they were known, features with their place among the tickers
    of the day. Examples: `finpulse as-if IMBK 2026-11-25` · `finpulse as-if AAPL 2015-06-30 --json`
    """
    settings = load_settings(home=home, profile=profile)
    begin("looking back in", settings.root)
    from finpulse_assets.gateways.lake.lake import Lake
    from finpulse_assets.gateways.warehouse.reader import Warehouse
    from finpulse_assets.orchestration.audit.as_if import as_if as look_back

    symbol = ticker.strip().upper().replace(".", "-")
    found = look_back(Warehouse(settings.warehouse), Lake(settings.lake), symbol, day.date())
    if as_json:
        tables = {
            name: getattr(found, name).to_dicts() for name in ("texts", "features", "signals")
        }
        print_json({**vars(found), **tables})
        return
    results.print(
        f"{found.ticker} on {found.session_date}, decided at {found.decision_at:%H:%M} UTC, one of "
        f"{found.tickers} tickers",
        highlight=False,
    )
    _print_texts(found)
    _print_features(found)
    _print_signals(found)
    _print_outcome(found)


def _print_texts(found: AsIf) -> None:
    counted = (found.texts["weight"] > 0).sum()
    results.print(
        f"\nKnown: {found.texts.height} texts, {counted} of them counted", highlight=False
    )
    if found.texts.is_empty():
        return
    table = Table("known at", "kind", "score", "weight", "text", box=None, pad_edge=False)
    for row in found.texts.tail(SHOWN_TEXTS).iter_rows(named=True):
        score = "–" if row["score"] is None else f"{row['score']:+.2f}"
        words = " ".join(row["text"].split())[:SHOWN_CHARACTERS]
        # A text is hostile input: its brackets are no markup.
        table.add_row(
            f"{row['knowledge_time']:%m-%d %H:%M}", row["kind"], score, f"{row['weight']:.2f}",
            Text(words),
        )  # fmt: skip
    results.print(table)
    _say_rest(found.texts.height - SHOWN_TEXTS, "earlier texts")


def _print_features(found: AsIf) -> None:
    results.print(
        f"\nKnown: {found.features['value'].count()} of {found.features.height} features; farthest "
        "from the middle of the day",
        highlight=False,
    )
    table = Table("feature", "value", "place", box=None, pad_edge=False)
    for row in found.features.head(SHOWN_FEATURES).iter_rows(named=True):
        value = "–" if row["value"] is None else f"{row['value']:.4g}"
        place = "–" if row["place"] is None else f"{row['place']:.0%}"
        table.add_row(row["feature"], value, place)
    results.print(table)
    _say_rest(found.features.height - SHOWN_FEATURES, "features")


def _say_rest(count: int, what: str) -> None:
    if count > 0:
        results.print(f"and {count} {what}: --json shows all", highlight=False)


def _print_signals(found: AsIf) -> None:
    if found.signals.is_empty():
        results.print("\nSaid: nothing, there is no signal of that session", highlight=False)
        return
    count = found.signals.height
    results.print(f"\nSaid: {count} version{'s' * (count > 1)}", highlight=False)
    table = Table(
        "predicted at", "origin", "P(up)", "return", "rank", "proven", "abstain", "model",
        box=None, pad_edge=False,
    )  # fmt: skip
    for row in found.signals.iter_rows(named=True):
        table.add_row(
            f"{row['predicted_at']:%m-%d %H:%M}" + (" *" if row["is_current"] else ""),
            row["origin"], f"{row['probability_up']:.3f}", f"{row['expected_return']:+.2%}",
            f"{row['rank']}", row["skills"] or "none", row["abstain_reason"] or "–",
            row["model_version"],
        )  # fmt: skip
    results.print(table)
    for row in found.signals.filter("is_current").iter_rows(named=True):
        results.print(f"* counts; {row['reasons']}", highlight=False, soft_wrap=True)


def _print_outcome(found: AsIf) -> None:
    if found.outcome is None:
        came = "nothing yet, or no trade in the next session"
    else:
        came = (
            f"{found.outcome['return_next_session']:+.2%} from open to close, above "
            f"{found.outcome['place']:.0%} of the tickers, known at "
            f"{found.outcome['exit_at']:%Y-%m-%d %H:%M} UTC"
        )
    results.print(f"\nCame: {came}", highlight=False, soft_wrap=True)
