"""One ticker's signal: for the next session, or for a past one with what came."""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st

from apps.dashboard.figures.signals import forecast_figure
from apps.dashboard.parts import begin, chart, facts, none_yet, plain, ticker_choice
from apps.dashboard.snapshot import Ask
from apps.dashboard.tables import signals

NEXT, PAST = "Next session", "Past session"


def show(title: str, lead: str, mode: str) -> None:
    """Show the page in one of its two modes, between which the reader can change."""
    ask = begin(title, lead)
    ticker = ticker_choice(ask)
    chosen = st.segmented_control("Mode", [NEXT, PAST], default=mode, required=True)
    if chosen == NEXT:
        session = signals.last_session(ask)
        if session is None:
            none_yet("There is no signal yet.", "`finpulse run` makes those of the next session.")
            return
    else:
        days = signals.past_sessions(ask, ticker)
        if not days:
            none_yet(f"Nothing was predicted and came for {ticker} yet.",
                     "`finpulse run` tests the model on past sessions.")  # fmt: skip
            return
        session = st.selectbox(
            "As of the close of", days, format_func=lambda day: f"{day:%a %Y-%m-%d}"
        )
    _signal(ask, ticker, session, is_past=chosen == PAST)


def _signal(ask: Ask, ticker: str, session: date, *, is_past: bool) -> None:
    closes = signals.closes(ask, ticker, session)
    said = signals.said(ask, ticker, session)
    if closes.is_empty():
        none_yet(f"{ticker} has no bar up to {session}.", "`finpulse run` brings the prices.")
        return
    came = signals.came(ask, ticker, session) if is_past else None
    band = signals.band(ask, ticker, session, said)
    drawn = closes.with_columns(what=pl.lit("known"))
    if said and said["expected_return"] is not None:
        drawn = pl.concat([drawn, _expected(closes, said, band, came)], how="vertical_relaxed")
    chart(forecast_figure(ticker, closes, said, band, came), drawn, f"forecast_{ticker}")
    if said is None:
        none_yet(f"Nothing was said about {ticker} after {session}.", "Choose another ticker.")
        return
    _caption(said, band)
    _numbers(said, closes["close"][-1], came)
    _reasons(ask, said)
    if is_past:
        _known(ask, ticker, session)
        _errors(ask, ticker)


def _expected(closes: pl.DataFrame, said: dict, band: dict, came: dict | None) -> pl.DataFrame:
    last, at = closes["close"][-1], said["expected_return"]
    rows = {"expected": last * (1 + at)}
    if band["lower"] is not None:
        rows |= {f"band, {end} end": last * (1 + at + band[end]) for end in ("lower", "upper")}
    if came:
        rows["came"] = came["close"]
    days = [said["target_session_date"]] * len(rows)
    return pl.DataFrame({"session_date": days, "close": list(rows.values()), "what": list(rows)})


def _caption(said: dict, band: dict) -> None:
    how = ("said live" if said["how"] == "live" else
           "said out of sample, by a model that had not seen the session")  # fmt: skip
    width = "No band: nothing was tested before. "
    if band["scope"] == signals.SIGNAL:
        width = "The band is the signal's own conformal one of 90 %. "
    elif band["lower"] is not None:
        width = f"The band holds 90 % of {band['row_count']:,} earlier errors of {band['scope']}. "
    st.caption(
        f"This was {how}, by model {said['model_version']}. The return is from the open to the "
        f"close; the figure takes the last close for the open. {width}Not investment advice."
    )


def _numbers(said: dict, last: float, came: dict | None) -> None:
    expected = last * (1 + said["expected_return"])
    shown = [
        ("P(up)", f"{said['probability_up']:.1%}", "that it closes above its open"),
        ("Expected return", f"{said['expected_return']:+.2%}", "open to close"),
        (
            "Signal",
            "abstain" if said["abstains"] else "up" if said["probability_up"] >= 0.5 else "down",
            (said["abstain_reason"] or "").replace("_", " ") or "not investment advice",
        ),
    ]
    facts(shown)
    if came:
        facts([
            ("Return that came", f"{came['return_next_session']:+.2%}", "open to close"),
            ("Error", f"{abs(expected - came['close']):.2f} USD", "of the expected close"),
            ("Error of no change", f"{abs(last - came['close']):.2f} USD", "of yesterday's close"),
        ])  # fmt: skip


def _reasons(ask: Ask, said: dict) -> None:
    reasons = signals.reasons_in_words(ask, said["reasons"])
    if reasons.is_empty():
        return
    st.header("Why", anchor=False)
    for it in reasons.iter_rows(named=True):
        note = f" ({it['note']})" if it["note"] else ""
        meaning = it["meaning"] or "the catalogue does not say what it is"
        by = plain(f"{it['log_odds']:+.2g}")
        st.markdown(f"- **{it['direction']}**, {by} log-odds: "
                    f"`{it['feature']}`{plain(note)}, {plain(meaning)}")  # fmt: skip


def _known(ask: Ask, ticker: str, session: date) -> None:
    st.header("What the texts said then", anchor=False)
    known = signals.known_then(ask, ticker, session)
    if known.is_empty() or not known["text_count"][0]:
        st.write("No text counted for this session.")
        return
    it = known.row(0, named=True)
    mean = "unknown" if it["sentiment_mean"] is None else f"{it['sentiment_mean']:+.2f}"
    st.write(f"{it['tweet_count']} tweets and {it['headline_count']} headlines, "
             f"mean score {mean} (-1 to 1).")  # fmt: skip


def _errors(ask: Ask, ticker: str) -> None:
    found = signals.errors(ask, ticker).row(0, named=True)
    if not found["row_count"]:
        return
    st.header(f"All {found['row_count']:,} tested sessions of {ticker}", anchor=False)
    st.write(
        f"Mean absolute error of the return: {found['model_error']:.3%}; of saying no change: "
        f"{found['no_change_error']:.3%}. The direction was right in {found['hit_rate']:.1%}."
    )
