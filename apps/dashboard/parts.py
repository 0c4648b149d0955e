"""What every page is made of: its head, charts with the table behind them, choices, plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from apps.dashboard.snapshot import Ask, ask, root, snapshot
from finpulse_assets.errors import FinPulseError

PLOT = {"displayModeBar": False, "scrollZoom": False}
FACT = 168  # pixels; two stand side by side on a phone
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")


def begin(title: str, lead: str) -> Ask:
    """Write the head of a page and return what asks the snapshot; without one, say so and stop."""
    st.title(title)
    st.caption(lead)
    try:
        [as_of] = ask("select max(as_of) as as_of from snapshot")["as_of"]
    except FinPulseError as error:
        _nothing_yet(error)
    if as_of is None:
        _nothing_yet(None)
    st.session_state["as_of"] = as_of
    return ask


def _nothing_yet(error: FinPulseError | None) -> None:
    if snapshot().exists() and error is not None:
        st.error(plain(str(error)))
    else:
        st.info(f"Nothing is published in `{root()}` yet. Run this, then load the page again:")
        st.code("finpulse demo     # the simulated market: no network, no key\n"
                "finpulse run      # the sources of your settings", language="bash")  # fmt: skip
    st.stop()


def chart(figure: go.Figure, table: pl.DataFrame, name: str) -> None:
    """Show a figure below its title, which wraps on a phone, and the table behind it.

    Args:
        figure: its title says what is to be seen.
        table: the rows that the figure draws.
        name: of the file that the table is downloaded as, and of the elements.
    """
    title = figure.layout.title.text
    st.markdown(f"**{plain(title)}**")
    shown = go.Figure(figure).update_layout(title_text="")
    st.plotly_chart(shown, config=PLOT, key=f"plot {name}", alt=title)
    behind(table, name)


def behind(table: pl.DataFrame, name: str, label: str = "Table") -> None:
    """Offer the table behind a figure, to read and to download."""
    with st.expander(f"{label}, {table.height:,} row{'' if table.height == 1 else 's'}"):
        rows(table)
        st.download_button(
            "Download CSV", table.write_csv(), f"{name}.csv", "text/csv", key=f"csv {name}",
            on_click="ignore",
        )  # fmt: skip


def rows(table: pl.DataFrame, **columns: object) -> None:
    """Show rows as they are named in the data dictionary, times in UTC."""
    formats: dict[str, object] = {}
    for name, dtype in table.schema.items():
        if dtype == pl.Date:
            formats[name] = st.column_config.DateColumn(format="YYYY-MM-DD")
        elif dtype.is_temporal():
            formats[name] = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm",
                                                            timezone="UTC")  # fmt: skip
    st.dataframe(table, hide_index=True, column_config=formats | columns)


def facts(told: Sequence[tuple[str, str, str]]) -> None:
    """Show a few facts side by side: what it is, the value, a note below it or none."""
    with st.container(horizontal=True):
        for label, value, note in told:
            with st.container(border=True, width=FACT, height="stretch", gap="xxsmall"):
                st.caption(label)
                st.markdown(f"##### {plain(value)}")
                if note:
                    st.caption(plain(note))


def none_yet(what: str, do: str) -> None:
    """Say that there is nothing to show, and what brings it."""
    st.info(f"{what} {do}")


def ticker_choice(ask: Ask, label: str = "Ticker") -> str:
    """Let the reader choose a ticker, by typing or by arrows; it stays across pages."""
    known = ask("""
        select ticker, arg_max(company, valid_from) as company, max(valid_to) as valid_to
        from tickers group by ticker union all
        select distinct ticker, null, null from adjusted_prices anti join tickers using (ticker)
        order by ticker
    """)
    if known.is_empty():
        none_yet("The snapshot has no ticker.", "`finpulse run` brings the prices.")
        st.stop()
    companies = dict(known.select("ticker", "company").iter_rows())
    tickers = known["ticker"].to_list()
    held = st.session_state.get("ticker")
    chosen = st.selectbox(
        label, tickers, index=tickers.index(held) if held in companies else 0,
        format_func=lambda it: f"{it}  {companies[it] or ''}".strip(),
    )  # fmt: skip
    st.session_state["ticker"] = chosen
    return chosen


def plain(text: str) -> str:
    r"""Return a text as Markdown that shows exactly it: nobody's tweet formats a page.

    >>> plain("*up* [x](y) $5")
    '\\*up\\* \\[x\\]\\(y\\) \\$5'
    """
    return _MARKS.sub(r"\\\1", text).replace("\n", " ")
