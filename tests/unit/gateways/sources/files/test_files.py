"""Data files: shapes, formats, real data sets, and the sentences for unusable files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
from finpulse_assets.gateways.sources.protocols import DELIVERED_TEXTS, Extent

ALL = (datetime(2000, 1, 3, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
BAR = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0}
HEADER = "text_id,ticker,event_time,text\n"
GOOD_ROW = "1,AAPL,2024-01-02T10:00:00Z,up\n"
MOMENT = datetime(2014, 1, 2, 3, 4, 5, tzinfo=UTC)


def _tweets(path: Path) -> pl.DataFrame:
    return FileTextSource(tweets=path).texts("tweets", *ALL)


def _csv(folder: Path, content: str | bytes, name: str = "texts.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@settings(max_examples=15, deadline=None)
@given(price=st.floats(1e-4, 1e9), volume=st.integers(0, 2**62), number=st.integers(0, 2**63 - 1))
def test_every_format_keeps_every_digit(
    tmp_path_factory: pytest.TempPathFactory, price: float, volume: int, number: int
) -> None:
    folder = tmp_path_factory.mktemp("digits")
    quote = {**dict.fromkeys(BAR, price), "volume_shares": volume}
    bars = pl.DataFrame({"ticker": "T", "session_date": date(2024, 1, 2), **quote})
    texts = pl.DataFrame({"text_id": number, "ticker": "T", "event_time": MOMENT, "text": "x"})
    for ending in ("parquet", "csv", "ndjson"):
        getattr(bars, f"write_{ending}")(folder / f"bars.{ending}")
        getattr(texts, f"write_{ending}")(folder / f"texts.{ending}")
        told = FilePriceSource(prices=folder / f"bars.{ending}").prices(*ALL)
        assert told.select("volume_shares", "problem").row(0) == (volume, None)
        # JSON numbers pass through a parser that may round the last bit.
        assert told["close"].item() == pytest.approx(price, rel=2.5e-16 * (ending == "ndjson"))
        assert _tweets(folder / f"texts.{ending}")["text_id"].item() == str(number)


def test_a_csv_of_another_hand_is_read(tmp_path: Path) -> None:
    content = (
        b"\xef\xbb\xbftext_id,ticker,event_time,text,likes\r\n"
        b'1,aapl,2024-01-02T10:00:00Z,"he said ""up"",\r\ntwice",3\r\n'
        b"2,BRK.B,yesterday,fl\x00at,\r\n"
        b"3,AAPL,2024-01-02T10:00:00Z,a,b,c\r\n"
        b"4,AAPL,2024-01-02T10:00:00Z\r\n"
        b"5,AAPL,2024-01-02T10:00:00Z,na\xefve,1\r\n"
    )
    frame = _tweets(_csv(tmp_path, content))
    assert frame["text"].to_list() == ['he said "up",\r\ntwice', "flat", "a", None, "na\ufffdve"]
    assert frame["ticker"].to_list() == ["AAPL", "BRK-B", "AAPL", "AAPL", "AAPL"]
    assert frame["problem"].to_list() == [
        None,
        "event_time 'yesterday' is not a time",
        "the row has more fields than the header, 5",
        None,
        "text has bytes that are not UTF-8",
    ]


def test_a_bad_line_of_ndjson_costs_a_line(tmp_path: Path) -> None:
    good = {"text_id": 2**60 + 1, "ticker": "T", "event_time": "2024-01-02T10:00:00Z",
            "text": 'é "q"\n', "is_retweet": True, "like_count": 3, "more": {"a": [1]}}  # fmt: skip
    lines = [json.dumps(good), "", "broken {", "[1, 2]", json.dumps(good | {"like_count": "many"})]
    frame = _tweets(_csv(tmp_path, "\ufeff" + "\r\n".join(lines), "texts.jsonl"))
    assert frame["text_id"].to_list() == [str(2**60 + 1), None, None, str(2**60 + 1)]
    assert frame.row(0, named=True)["text"] == 'é "q"\n'
    assert frame.row(0, named=True)["like_count"] == 3
    assert frame["problem"].to_list() == [
        None,
        "the line is not a JSON object",
        "the line is not a JSON object",
        "like_count 'many' is not a whole number",
    ]


def test_rows_without_a_usable_time_are_in_every_window(tmp_path: Path) -> None:
    path = _csv(tmp_path, HEADER + GOOD_ROW + "2,AAPL,,no time\n3,AAPL,soon,bad time\n")
    other_day = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC))
    frame = FileTextSource(tweets=path).texts("tweets", *other_day)
    assert frame["text_id"].to_list() == ["2", "3"]


def test_several_problems_stand_in_one_sentence(tmp_path: Path) -> None:
    path = _csv(tmp_path, "ticker,session_date,open,high,low,close,volume_shares\n"
                "T,2024-01-02,abc,4,1,3,many\n", "bars.csv")  # fmt: skip
    row = FilePriceSource(prices=path).prices(*ALL).row(0, named=True)
    assert row["problem"] == (
        "open 'abc' is not a number; volume_shares 'many' is not a whole number"
    )
    assert (row["open"], row["high"], row["price_basis"]) == (None, 4.0, "unadjusted")


def test_stocknet_prices_become_total_return_once(tmp_path: Path) -> None:
    bars = pl.DataFrame({"date": [date(2024, 1, 2)] * 2, "symbol": ["T", "U"], **BAR,
                         "adj_close": [1.5, None], "volume": 100})  # fmt: skip
    bars.write_parquet(tmp_path / "bars.parquet")
    first, second = FilePriceSource(prices=tmp_path / "bars.parquet").prices(*ALL).to_dicts()
    assert [first[name] for name in BAR] == [1.0, 2.0, 0.5, 1.5]
    assert (first["price_basis"], first["volume_shares"], first["source"]) == (
        "total_return", 100, "stocknet")  # fmt: skip
    assert second["problem"] == "adj_close is missing, the bar cannot be adjusted"


def test_prices_without_adj_close_are_split_adjusted(tmp_path: Path) -> None:
    bars = pl.DataFrame({"date": ["2024-01-02"], "symbol": ["bf.b"], **BAR, "volume": 100.0})
    bars.write_csv(tmp_path / "bars.csv")
    row = FilePriceSource(prices=tmp_path / "bars.csv").prices(*ALL).row(0, named=True)
    assert (row["ticker"], row["close"], row["price_basis"]) == ("BF-B", 3.0, "split_adjusted")
    assert row["volume_shares"] == 100


@pytest.fixture
def kaggle_pair(tmp_path: Path) -> Path:
    folder = tmp_path / "kaggle"
    folder.mkdir()
    _csv(folder, "tweet_id,writer,post_date,body,comment_num,retweet_num,like_num\n"
         '550441509175443456,VisualStockRSRC,1420070457,"lx21 made $10,008  on $AAPL",0,1,2\n'
         "550441672312512512,KeralaGuy77,1420070496,RT @x: Insanity,0,0,0\n"
         "550441732014223360,DozenStocks,1420070510,nobody's,0,0,0\n", "Tweet.csv")  # fmt: skip
    _csv(folder, "tweet_id,ticker_symbol\n550441509175443456,AAPL\n550441509175443456,TSLA\n"
         "550441672312512512,AAPL\n", "Company_Tweet.csv")  # fmt: skip
    return folder


def test_the_kaggle_pair_is_joined(kaggle_pair: Path) -> None:
    rows = _tweets(kaggle_pair).to_dicts()
    assert [(row["text_id"][-3:], row["ticker"]) for row in rows] == [
        ("456", "AAPL"), ("456", "TSLA"), ("512", "AAPL"), ("360", None)]  # fmt: skip
    assert rows[0]["event_time"] == datetime(2015, 1, 1, 0, 0, 57, tzinfo=UTC)
    assert (rows[0]["retweet_count"], rows[0]["like_count"], rows[0]["source"]) == (1, 2, "kaggle")
    assert [row["is_retweet"] for row in rows] == [False, False, True, False]
    assert {row["problem"] for row in rows} == {None}


def test_a_kaggle_pair_without_its_key_is_refused(kaggle_pair: Path) -> None:
    _csv(kaggle_pair, "id,ticker_symbol\n1,AAPL\n", "Company_Tweet.csv")
    with pytest.raises(SourceError, match=r"Company_Tweet.csv lacks tweet_id, it has id, ticker_s"):
        _tweets(kaggle_pair)


def test_a_folder_and_a_glob_are_all_their_files_in_order(tmp_path: Path) -> None:
    _csv(tmp_path, HEADER + GOOD_ROW.replace("1,", "b,", 1), "b.csv")
    pl.read_csv(_csv(tmp_path, HEADER + GOOD_ROW.replace("1,", "a,", 1), "a.csv")).write_parquet(
        tmp_path / "a.parquet"
    )
    (tmp_path / "notes.md").write_text("not data")
    assert _tweets(tmp_path)["text_id"].to_list() == ["a", "a", "b"]
    assert _tweets(tmp_path / "*.csv")["text_id"].to_list() == ["a", "b"]
    (tmp_path / "more").mkdir()
    _csv(tmp_path / "more", HEADER + GOOD_ROW.replace("1,", "c,", 1), "b.csv")
    assert _tweets(tmp_path / "*" / "[b].csv")["text_id"].to_list() == ["c"]
    assert _tweets(tmp_path / "**" / "b.csv")["text_id"].to_list() == ["b", "c"]
    odd = _csv(tmp_path, HEADER + GOOD_ROW, "odd[1]*.csv")
    assert _tweets(odd)["text_id"].to_list() == ["1"]


def test_a_file_with_a_header_alone_delivers_nothing(tmp_path: Path) -> None:
    source = FileTextSource(tweets=_csv(tmp_path, HEADER))
    assert source.texts("tweets", *ALL).schema == pl.Schema(DELIVERED_TEXTS)
    assert source.extent() is None
    assert source.texts("headlines", *ALL).is_empty()


def test_no_files_are_no_extent_and_no_actions(tmp_path: Path) -> None:
    assert FileTextSource().extent() is None
    header = "ticker,session_date,open,high,low,close,volume_shares\n"
    prices = FilePriceSource(prices=_csv(tmp_path, header, "bars.csv"))
    assert prices.extent() is None
    assert prices.corporate_actions(*ALL).is_empty()
    assert prices.tickers().is_empty()


@pytest.mark.parametrize(
    ("now", "last"),
    [("2024-05-02 18:00", "2024-05-01"), ("2024-05-02 21:00", "2024-05-02")],
    ids=["before the close of the last bar", "after it"],
)
def test_the_data_ends_with_the_last_finished_session_that_has_prices(
    tmp_path: Path, now: str, last: str
) -> None:
    rows = [f"A,2024-{day},10,11,9,10,100" for day in ("04-30", "05-01", "05-02")]
    text = "ticker,session_date,open,high,low,close,volume_shares\n" + "\n".join(rows)
    path = _csv(tmp_path, text + "\nA,2024-05-03,,,,,\n", "bars.csv")
    moment = datetime.fromisoformat(f"{now}+00:00")
    extent = FilePriceSource(prices=path, now=lambda: moment).extent()
    assert extent == Extent(
        datetime(2024, 4, 30, 13, 30, tzinfo=UTC), datetime.fromisoformat(f"{last} 20:00+00:00")
    )


def _truncated(folder: Path) -> Path:
    path = folder / "cut.parquet"
    pl.DataFrame({"a": range(1_000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    return path


def _corrupt(folder: Path) -> Path:
    path = folder / "corrupt.parquet"
    numbers = [f"{i * i}" for i in range(5_000)]
    texts = {"text_id": numbers, "ticker": "T", "event_time": MOMENT, "text": numbers}
    pl.DataFrame(texts).write_parquet(path)
    content = bytearray(path.read_bytes())
    content[100:4_000:7] = bytes(byte ^ 0x5A for byte in content[100:4_000:7])
    path.write_bytes(content)
    return path


UNUSABLE = [
    (lambda folder: folder / "none.csv", "none.csv does not exist. Hint: name a file, a folder"),
    (lambda folder: folder / "*.csv", r"\*.csv does not exist"),
    (lambda folder: folder, "holds no Parquet, CSV or NDJSON file, it holds nothing"),
    (lambda folder: _csv(folder, "").parent / "texts.csv", "texts.csv is empty, 0 bytes"),
    (lambda folder: _csv(folder, "", "x.parquet"), "x.parquet is empty, 0 bytes"),
    (lambda folder: _csv(folder, "[]", "texts.json"), r"ends in '.json', files end in .parquet,"),
    (_truncated, "cut.parquet cannot be read: .*Hint: it is truncated, corrupt"),
    (_corrupt, "corrupt.parquet cannot be read: "),
    (lambda folder: _csv(folder, "a,b\n1,2\n", "x.parquet"), "x.parquet cannot be read: "),
    (lambda folder: _csv(folder, HEADER + '1,T,"2024-01-02,x\n'), "texts.csv cannot be read: "),
    (lambda folder: _csv(folder, HEADER.encode("utf-16")), "is UTF-16, only UTF-8 is read"),
    (
        lambda folder: _csv(folder, "id,ticker,text,event_time\n"),
        "columns id, ticker, text, event_time, no shape of tweets has them; nearest is documented "
        "texts, it lacks text_id. Hint: rename columns to one of: documented texts .text_id, tick",
    ),
    (lambda folder: _csv(folder, "\n\n{", "x.ndjson"), r"has the columns \(none\), no shape"),
]


@pytest.mark.parametrize(("make", "sentence"), UNUSABLE)
def test_an_unusable_path_is_one_sentence(tmp_path: Path, make: object, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        _tweets(make(tmp_path))


def test_tickers_have_their_span_and_their_company(tmp_path: Path) -> None:
    days = {
        "OLD": (date(2024, 1, 2), date(2024, 3, 1)),
        "LIVE": (date(2024, 2, 1), date(2024, 4, 1)),
    }
    bars = [
        {"ticker": ticker, "session_date": day, **BAR, "volume_shares": 1}
        for ticker, ends in days.items()
        for day in ends
    ]
    # A day mistyped into the future ends nobody's listing.
    bars.append(bars[-1] | {"session_date": date(2204, 4, 1)})
    pl.DataFrame(bars).write_parquet(tmp_path / "bars.parquet")
    symbols = _csv(tmp_path, "sector,symbol,company\nTech,live,Live Inc\nTech,GONE,x\n", "s.csv")
    source = FilePriceSource(prices=tmp_path / "bars.parquet", tickers=symbols)
    assert source.tickers().rows() == [
        ("LIVE", "Live Inc", "Tech", None, date(2024, 2, 1), None),
        ("OLD", None, None, None, date(2024, 1, 2), date(2024, 3, 1)),
    ]
    assert source.extent().last == datetime(2024, 4, 1, 20, tzinfo=UTC)


def test_stocknet_is_read_whole(shared_data: Path) -> None:
    tweets = _tweets(shared_data / "stocknet_tweets.parquet")
    source = FilePriceSource(
        prices=shared_data / "stocknet_prices.parquet",
        tickers=shared_data / "stocknet_symbols.csv",
    )
    prices, tickers = source.prices(*ALL), source.tickers()
    assert tweets.height == 92_232
    assert tweets["text_id"].n_unique() == 74_840
    assert tweets["event_time"].max() == datetime(2015, 9, 30, 21, 42, 26, tzinfo=UTC)
    assert (prices.height, prices["ticker"].n_unique(), tickers.height) == (66_100, 87, 87)
    assert tweets["problem"].null_count() + prices["problem"].null_count() == 92_232 + 66_100
    # The total return of AAPL across its 7:1 split of 2014-06-09 is an ordinary day.
    apple = prices.filter(pl.col("ticker") == "AAPL", pl.col("session_date") >= date(2014, 6, 6))
    assert apple.sort("session_date")["close"].pct_change()[1] == pytest.approx(0.0160, abs=2e-4)
    assert tickers.filter(pl.col("ticker") == "BABA")["valid_from"].item() == date(2014, 9, 19)
    assert tickers["company"].null_count() == 0


def test_sp500_and_the_kaggle_sample_are_read_whole(shared_data: Path) -> None:
    prices = FilePriceSource(prices=shared_data / "prices_daily_sp500.parquet").prices(*ALL)
    assert prices.height == 488_537
    assert {"BRK-B", "BF-B"} <= set(prices["ticker"].unique())
    assert prices.select("open", "high", "low").null_count().row(0) == (10, 7, 7)
    sample = _tweets(shared_data / "kaggle_tweets_2018_sample.parquet")
    assert sample.height == 10_000
    assert sample["text_id"].n_unique() == 7_990
    assert sample["event_time"].min() == datetime(2018, 1, 1, 0, 0, 1, tzinfo=UTC)
