"""From files that people really download to features: what does not fit reaches no return."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.technical import build_technical_features
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.files.files import FilePriceSource
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.schemas import CORPORATE_ACTIONS, PRICES
from tests.fakes.ingestion import ingest

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 6, 28))
DAYS = SESSIONS["session_date"].to_list()
APRIL, MAY = "2024-04-01", "2024-05-01"
FIRST_OF_MAY = date(2024, 5, 1)
LATER = datetime(2024, 5, 3, 22, tzinfo=UTC)


def bars(prices: dict[str, list[float]], until: date, **columns: object) -> pl.DataFrame:
    """Return flat bars of each ticker, the last one on `until`."""
    parts = []
    for ticker, series in prices.items():
        last = DAYS.index(until)
        days = DAYS[last + 1 - len(series) : last + 1]
        close = pl.Series(series, dtype=pl.Float64)
        frame = pl.DataFrame({"ticker": ticker, "session_date": days, "close": close})
        flat = {name: pl.col("close") for name in ("open", "high", "low")}
        parts.append(frame.with_columns(**flat, volume_shares=pl.lit(1_000)))
    return pl.concat(parts).with_columns(**{n: pl.lit(value) for n, value in columns.items()})


def loaded(
    home: Path,
    prices: pl.DataFrame,
    *,
    as_of: datetime = LATER,
    actions: pl.DataFrame | None = None,
) -> Lake:
    """Run the ingesting assets on the same two paths, as a user does who downloads again."""
    prices.write_csv(home / "prices.csv")
    kinds, path = ("prices",), None
    if actions is not None:
        kinds, path = ("prices", "corporate_actions"), home / "actions.csv"
        actions.write_csv(path)
    files = FilePriceSource(prices=home / "prices.csv", corporate_actions=path, now=lambda: as_of)
    source = Source("files", kinds, prices=files)
    result, lake = ingest(home, source, as_of=as_of, months=[APRIL, MAY])
    assert result.success
    return lake


def features(lake: Lake, day: date) -> dict[str, dict[str, float]]:
    """Return the features of a session, by ticker."""
    found = build_technical_features(
        lake.scan(PRICES), lake.read_or_empty(CORPORATE_ACTIONS), SESSIONS, as_of=LATER
    )
    return {row["ticker"]: row for row in found.filter(session_date=day).iter_rows(named=True)}


def test_a_download_after_a_split_goes_on_where_the_first_one_ended(tmp_path):
    growth = [100 * 1.011**at for at in range(25)]
    first = bars({"A": growth[:22]}, date(2024, 4, 30), price_basis="split_adjusted")
    loaded(tmp_path, first, as_of=datetime(2024, 4, 30, 22, tzinfo=UTC))
    quarter = [round(price / 4, 4) for price in growth]
    again = bars({"A": quarter}, date(2024, 5, 3), price_basis="split_adjusted")
    lake = loaded(tmp_path, again.with_columns(volume_shares=pl.lit(4_000)))
    for day in (FIRST_OF_MAY, date(2024, 5, 2), date(2024, 5, 3)):
        assert features(lake, day)["A"]["return_1d"] == pytest.approx(0.011, abs=1e-5)


@pytest.mark.parametrize("price", [10_000.0, 50.0, 1.0], ids=["digits", "split", "pence"])
def test_a_bar_off_by_a_factor_moves_neither_its_ticker_nor_the_market(tmp_path, price):
    series = {"A": [100.0] * 4 + [price], "B": [100.0] * 4 + [101.0], "C": [100.0] * 4 + [101.0]}
    lake = loaded(tmp_path, pl.concat([bars(series, FIRST_OF_MAY), bars(QUIET, FIRST_OF_MAY)]))
    found = features(lake, FIRST_OF_MAY)
    assert "A" not in found
    assert found["B"]["market_return_1d"] == pytest.approx(2 * 0.01 / 102, abs=1e-9)


# Many other tickers: one refused row is no reason to refuse the whole delivery.
QUIET = {f"Q{at:03d}": [50.0] * 5 for at in range(100)}


def test_all_dividends_of_a_day_are_in_the_return(tmp_path):
    prices = bars({"A": [100.0] * 4 + [89.5]}, FIRST_OF_MAY)
    paid = pl.DataFrame(
        {"ticker": "A", "ex_date": [FIRST_OF_MAY] * 2, "kind": "dividend", "value": [0.5, 10.0]}
    )
    lake = loaded(tmp_path, prices, actions=paid)
    assert features(lake, FIRST_OF_MAY)["A"]["return_1d"] == pytest.approx(0.0, abs=1e-9)


def test_a_dividend_beside_adjusted_prices_is_per_share_of_its_day(tmp_path):
    prices = bars({"A": [84.6, 84.6, 84.6, 84.13, 84.13, 84.13]}, date(2024, 5, 3),
                  price_basis="split_adjusted")  # fmt: skip
    happened = pl.DataFrame(
        {"ticker": "A", "ex_date": [FIRST_OF_MAY, date(2024, 5, 3)], "kind": ["dividend", "split"],
         "value": [3.29, 7.0]}
    )  # fmt: skip
    lake = loaded(tmp_path, prices, actions=happened)
    assert features(lake, FIRST_OF_MAY)["A"]["return_1d"] == pytest.approx(0.0, abs=1e-9)
