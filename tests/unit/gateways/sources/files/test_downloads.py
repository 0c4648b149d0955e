"""Files that people download: each vendor's shape, with its day order, price basis and ticker."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.files import FilePriceSource
from finpulse_assets.gateways.sources.files.times import Notation

ALL = (datetime(2000, 1, 3, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
MAY_2 = date(2024, 5, 2)


def prices(
    folder: Path, name: str, content: str, notation: Notation | None = None
) -> list[dict[str, object]]:
    (folder / name).write_text(content)
    return FilePriceSource(prices=folder / name, notation=notation).prices(*ALL).to_dicts()


DOWNLOADS = {
    "yahoo": (
        "AAPL.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume\n"
        "2024-05-01,40,80,20,40,10,700\n2024-05-02,44,88,22,44,11,1100\n",
        [11.0, 22.0, 5.5, 11.0, 1100, "AAPL", MAY_2, "total_return"],
    ),
    "yfinance": (
        "msft_1d.csv",
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2024-05-01 00:00:00-04:00,40.0,80.0,20.0,40.0,700,0.0,0.0\n"
        "2024-05-02 00:00:00-04:00,44.0,88.0,22.0,44.0,1100,0.5,0.0\n",
        [44.0, 88.0, 22.0, 44.0, 1100, "MSFT", MAY_2, "total_return"],
    ),
    "stooq": (
        "aapl_us_d.csv",
        "Date,Open,High,Low,Close,Volume\n2024-05-01,40,80,20,40,700\n2024-05-02,44,88,22,44,1100\n",
        [44.0, 88.0, 22.0, 44.0, 1100, "AAPL", MAY_2, "total_return"],
    ),
    "stooq bulk": (
        "aapl.us.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,D,20240501,000000,40,80,20,40,700,0\n"
        "AAPL.US,D,20240502,000000,44,88,22,44,1100,0\n",
        [44.0, 88.0, 22.0, 44.0, 1100, "AAPL", MAY_2, "total_return"],
    ),
    "kaggle": (
        "all_stocks_5yr.csv",
        "date,open,high,low,close,volume,Name\n"
        "2024-05-01,40,80,20,40,700,BRK.B\n2024-05-02,44,88,22,44,1100,BRK.B\n",
        [44.0, 88.0, 22.0, 44.0, 1100, "BRK-B", MAY_2, "split_adjusted"],
    ),
    "nasdaq, newest first": (
        "AAPL_2020.csv",
        "Date,Close/Last,Volume,Open,High,Low\n"
        '05/02/2024,$44.00,"1,100",$44.00,"$1,088.50",$22.00\n'
        "05/01/2024,$40.00,700,$40.00,$80.00,$20.00\n",
        [44.0, 1088.5, 22.0, 44.0, 1100, "AAPL", MAY_2, "split_adjusted"],
    ),
    "alpha vantage": (
        "daily_AAPL.csv",
        "timestamp,open,high,low,close,volume\n"
        "2024-05-02,44.0,88.0,22.0,44.0,1100\n2024-05-01,40.0,80.0,20.0,40.0,700\n",
        [44.0, 88.0, 22.0, 44.0, 1100, "AAPL", MAY_2, "unadjusted"],
    ),
    "alpha vantage, adjusted": (
        "daily_adjusted_AAPL.csv",
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient\n"
        "2024-05-02,44,88,22,44,11,1100,0.0,1.0\n2024-05-01,40,80,20,40,10,700,0.0,1.0\n",
        [11.0, 22.0, 5.5, 11.0, 1100, "AAPL", MAY_2, "total_return"],
    ),
    "polygon, one ticker": (  # midnights of New York
        "AAPL.ndjson",
        '{"v":700,"vw":40,"o":40,"c":40,"h":80,"l":20,"t":1714536000000,"n":5}\n'
        '{"v":1100,"vw":44,"o":44,"c":44,"h":88,"l":22,"t":1714622400000,"n":5}\n',
        [44.0, 88.0, 22.0, 44.0, 1100, "AAPL", MAY_2, "split_adjusted"],
    ),
    "polygon, grouped": (  # the close
        "grouped.ndjson",
        '{"T":"MSFT","v":700,"o":40,"c":40,"h":80,"l":20,"t":1714593600000}\n'
        '{"T":"MSFT","v":1100,"o":44,"c":44,"h":88,"l":22,"t":1714680000000}\n',
        [44.0, 88.0, 22.0, 44.0, 1100, "MSFT", MAY_2, "split_adjusted"],
    ),
}


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_download_is_read_as_its_vendor_means_it(tmp_path: Path, name: str) -> None:
    file, content, expected = DOWNLOADS[name]
    rows = prices(tmp_path, file, content)
    assert [row["problem"] for row in rows] == [None, None]
    row = max(rows, key=lambda one: one["session_date"])
    assert [row["open"], row["high"], row["low"], row["close"], row["volume_shares"],
            row["ticker"], row["session_date"], row["price_basis"]] == expected  # fmt: skip


def test_a_file_named_after_no_ticker_is_refused(tmp_path: Path) -> None:
    _, content, _ = DOWNLOADS["nasdaq, newest first"]
    with pytest.raises(
        SourceError,
        match=r"has no column of tickers, and its name "
        r"'HistoricalData_1714680000000.csv' names none. Hint: name the file after",
    ):
        prices(tmp_path, "HistoricalData_1714680000000.csv", content)


def test_bars_of_another_period_are_refused(tmp_path: Path) -> None:
    _, content, _ = DOWNLOADS["stooq bulk"]
    rows = prices(tmp_path, "aapl.us.txt", content.replace(",D,", ",60,"))
    assert {row["problem"] for row in rows} == {"per '60' is no daily bar, that is D"}


SLASHES = "date,symbol,open,high,low,close,volume\n05/02/2024,T,44,88,22,44,7\n"


@pytest.mark.parametrize(("order", "day"), [("mdy", MAY_2), ("dmy", date(2024, 2, 5))])
def test_days_with_slashes_need_a_stated_order(tmp_path: Path, order: str, day: date) -> None:
    [row] = prices(tmp_path, "p.csv", SLASHES, Notation(day_order=order))
    assert (row["session_date"], row["problem"]) == (day, None)


def test_days_with_slashes_and_no_order_are_refused(tmp_path: Path) -> None:
    [row] = prices(tmp_path, "p.csv", SLASHES)
    sentence = "session_date '05/02/2024' has no stated order, set FINPULSE_DAY_ORDER to mdy or dmy"
    assert row["problem"] == sentence
    with pytest.raises(SourceError, match=r"none of the 1 prices in .*p.csv has a usable time, the "
                       "first one: session_date '05/02/2024' has no stated order"):  # fmt: skip
        FilePriceSource(prices=tmp_path / "p.csv").extent()


def test_a_column_of_lower_case_of_nobody_is_refused(tmp_path: Path) -> None:
    # Stooq's columns with another spelling: whose they are and what is adjusted, nobody says.
    with pytest.raises(SourceError, match="no shape of prices has them"):
        prices(tmp_path, "AAPL.csv", "date,open,high,low,close,volume\n2024-05-02,4,8,2,4,7\n")


@pytest.mark.parametrize(
    ("header", "separator", "close"), [("Close", ";", None), ("Close", "\t", 1100.0)]
)
def test_other_separators_are_read(
    tmp_path: Path, header: str, separator: str, close: float | None
) -> None:
    fields = ["Date", "Open", "High", "Low", header, "Adj Close", "Volume"]
    row = ["2024-05-02", "4", "8", "2", "1,100", "1", "7"]
    content = separator.join(fields) + "\n" + separator.join(row) + "\n"
    [row] = prices(tmp_path, "AAPL.csv", content)
    # With semicolons a comma is the decimal one, where people write both: 1,100 may be 1.1.
    assert (row["problem"] is None) == (close is not None)


def test_a_folder_of_text_files_is_read_and_a_note_beside_data_is_not(tmp_path: Path) -> None:
    _, content, _ = DOWNLOADS["stooq bulk"]
    (tmp_path / "aapl.us.txt").write_text(content)
    assert FilePriceSource(prices=tmp_path).prices(*ALL).height == 2
    (tmp_path / "more.csv").write_text(content.replace("AAPL", "MSFT"))
    assert FilePriceSource(prices=tmp_path).prices(*ALL)["ticker"].to_list() == ["MSFT", "MSFT"]


def test_a_real_history_of_yfinance_is_read(shared_data: Path, tmp_path: Path) -> None:
    content = (shared_data / "fixtures" / "yfinance_history_1d.csv").read_text()
    rows = prices(tmp_path, "CALM.csv", content)
    assert len(rows) == 60
    assert {row["problem"] for row in rows} == {None}
    assert rows[0]["session_date"] == date(2022, 1, 3)
    assert rows[0]["close"] == pytest.approx(32.6307373046875)


def test_the_kaggle_form_of_the_real_set_is_the_same(shared_data: Path, tmp_path: Path) -> None:
    ours = pl.read_parquet(shared_data / "prices_daily_sp500.parquet").filter(
        pl.col("symbol").is_in(["AAPL", "BRK.B"])
    )
    ours.rename({"symbol": "Name"}).write_csv(tmp_path / "all_stocks_5yr.csv")
    ours.write_parquet(tmp_path / "ours.parquet")
    frames = [
        FilePriceSource(prices=tmp_path / name).prices(*ALL)
        for name in ("all_stocks_5yr.csv", "ours.parquet")
    ]
    assert frames[0].height == ours.height
    assert frames[0].equals(frames[1])
