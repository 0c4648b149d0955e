"""Settings of sources: paths of files, the simulated market, and how vendors are reached."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from finpulse_assets.setting_values import NamedList, NameList, TickerList, ZoneName


class SourceSettings(BaseSettings):
    """What each source needs; a source without its key is not configured, and doctor says so."""

    tweets_path: Path | None = Field(
        None, description="files: tweets; a file, folder or glob of Parquet, CSV or NDJSON"
    )
    headlines_path: Path | None = Field(None, description="files: headlines, as tweets_path")
    prices_path: Path | None = Field(None, description="files: daily bars, as tweets_path")
    corporate_actions_path: Path | None = Field(
        None, description="files: splits and dividends, as tweets_path"
    )
    bars_1m_path: Path | None = Field(
        None, description="files: one-minute bars, as tweets_path; unset: there are none"
    )
    bars_timezone: ZoneName | None = Field(
        None, description="files: IANA zone of the one-minute bars whose times name none; unset: "
        "UTC, where that fits the hours of the exchange"
    )  # fmt: skip
    day_order: str | None = Field(
        None, pattern="^(mdy|dmy)$", description="files: mdy or dmy, the order in days such as "
        "05/02/2024; unset: such days are refused"
    )  # fmt: skip
    tickers_path: Path | None = Field(
        None, description="files: company and sector of each symbol; unset: taken from the prices"
    )
    tickers: TickerList = Field(
        "AAPL,AMZN,GOOGL,META,MSFT,NVDA,TSLA", description="live: symbols to fetch, by comma"
    )

    simulator_tickers: int = Field(16, ge=1, le=500, description="demo: number of tickers")
    simulator_sessions: int = Field(420, ge=1, le=2000, description="demo: number of sessions")
    simulator_effect: float = Field(
        0.6, ge=0, le=5, description="demo: planted effect, sigmas of return a sigma of opinion"
    )
    simulator_market_effect: float = Field(
        0.0, ge=0, le=5, description="demo: planted effect of the mood of all tickers on all, "
        "sigmas of the market's return a sigma of mood"
    )  # fmt: skip
    simulator_seed: int = Field(7, ge=0, description="demo: seed of the market")
    simulator_minute_sessions: int = Field(
        5, ge=0, le=2000, description="demo: last sessions that have one-minute bars, 0 for none"
    )

    company_names: NamedList = Field(
        "AAPL=Apple,AMZN=Amazon,GOOGL=Alphabet,GOOGL=Google,META=Meta Platforms,META=Facebook,"
        "MSFT=Microsoft,NVDA=Nvidia,NVDA=NVIDIA,TSLA=Tesla",
        description="live: what companies are called in texts, TICKER=name by comma; a ticker may "
        "have several",
    )
    contact: str | None = Field(
        None, description="live: your name and mail address, which EDGAR wants in every request"
    )
    alphavantage_key: SecretStr | None = Field(None, description="secret: key of Alpha Vantage")
    alphavantage_url: str = Field(
        "https://www.alphavantage.co", description="where Alpha Vantage answers"
    )
    alphavantage_gives: str = Field(
        "headlines,prices", pattern="^(headlines|prices|headlines,prices)$",
        description="what is asked of Alpha Vantage: headlines, prices or headlines,prices",
    )  # fmt: skip
    alphavantage_requests_a_day: int = Field(
        25, ge=1, description="requests that the plan of Alpha Vantage allows in 24 hours"
    )
    binance_url: str = Field("https://api.binance.com", description="where Binance answers")
    binance_symbols: NameList = Field(
        "BTCUSDT,ETHUSDT", description="pairs of which minute bars are fetched, by comma"
    )
    binance_days: int = Field(7, ge=1, description="days of minute bars to go back at Binance")
    edgar_url: str = Field("https://data.sec.gov", description="where EDGAR's data answer")
    edgar_files_url: str = Field(
        "https://www.sec.gov", description="where EDGAR's list of companies lies"
    )
    edgar13f_url: str = Field(
        "https://data.sec.gov", description="where EDGAR's lists of filings answer, for edgar13f"
    )
    edgar13f_files_url: str = Field(
        "https://www.sec.gov", description="where the texts of filings lie, for edgar13f"
    )
    managers: NameList = Field(
        "1067983,1350694,1037389,1423053,1336528", description="edgar13f: numbers (CIK) of the "
        "institutional managers whose holdings are read, by comma"
    )  # fmt: skip
    cusips: NamedList = Field(
        "AAPL=037833100,AMZN=023135106,GOOGL=02079K305,META=30303M102,MSFT=594918104,"
        "NVDA=67066G104,TSLA=88160R101",
        description="edgar13f: the CUSIP of each share, TICKER=CUSIP by comma; a ticker may have "
        "several",
    )
    edgar_zone: ZoneName = Field(
        "America/New_York", description="IANA zone of EDGAR's acceptance times; New York's is "
        "never too early"
    )  # fmt: skip
    finnhub_key: SecretStr | None = Field(None, description="secret: key of Finnhub")
    finnhub_url: str = Field("https://finnhub.io", description="where Finnhub answers")
    finnhub_days: int = Field(365, ge=1, description="days that the plan of Finnhub goes back")
    finnhub_most: int = Field(
        240, ge=2, description="headlines of one answer from which on it counts as cut"
    )
    gdelt_url: str = Field(
        "http://data.gdeltproject.org", description="where the bulk files of GDELT lie"
    )
    gdelt_hours: int = Field(
        24, ge=1, le=720, description="hours of GDELT's files to go back; a day is half a gigabyte"
    )
    nasdaqtrader_url: str = Field(
        "https://www.nasdaqtrader.com", description="where Nasdaq Trader's directories lie"
    )
    newsapi_key: SecretStr | None = Field(None, description="secret: key of NewsAPI.org")
    newsapi_url: str = Field("https://newsapi.org", description="where NewsAPI.org answers")
    newsapi_requests_a_day: int = Field(
        100, ge=1, description="requests that the plan of NewsAPI.org allows in 24 hours"
    )
    oanda_token: SecretStr | None = Field(None, description="secret: token of OANDA v20")
    oanda_url: str = Field(
        "https://api-fxpractice.oanda.com", description="where OANDA answers: practice or live"
    )
    oanda_instruments: NameList = Field(
        "EUR_USD,USD_JPY", description="instruments of which minute candles are fetched, by comma"
    )
    oanda_days: int = Field(30, ge=1, description="days of minute candles to go back at OANDA")
    reddit_client_id: str | None = Field(None, description="id of your application at Reddit")
    reddit_client_secret: SecretStr | None = Field(
        None, description="secret: of your application at Reddit"
    )
    reddit_user_agent: str | None = Field(
        None, description="name of your application, such as linux:finpulse:1.0 (by /u/you)"
    )
    reddit_url: str = Field("https://oauth.reddit.com", description="where Reddit's data answer")
    reddit_token_url: str = Field(
        "https://www.reddit.com/api/v1/access_token", description="where Reddit gives tokens"
    )
    subreddits: NameList = Field(
        "stocks,wallstreetbets", description="subreddits to read, by comma"
    )
    rss_feeds: NamedList | None = Field(
        None, description="feeds to read, name=address by comma; a name that is a ticker says what "
        "its feed is about, of others the cashtags and company names count"
    )  # fmt: skip
    stooq_key: SecretStr | None = Field(None, description="secret: key of Stooq")
    stooq_url: str = Field("https://stooq.com", description="where Stooq answers")
    x_token: SecretStr | None = Field(None, description="secret: bearer token of X")
    x_url: str = Field("https://api.x.com", description="where X answers")
    x_query: str = Field(
        "${ticker} lang:en -is:retweet", pattern=r"\{ticker\}",
        description="the search of a ticker at X, with {ticker} where the symbol goes",
    )  # fmt: skip
    x_archive: bool = Field(False, description="search X's full archive; else the last seven days")
    x_posts_a_month: int = Field(
        10_000, ge=1, description="posts that may be read, and are billed, in 30 days"
    )
    yahoo_options_url: str = Field(
        "https://query2.finance.yahoo.com", description="where Yahoo's option chains answer"
    )
    yahoo_options_cookie_url: str = Field(
        "https://fc.yahoo.com", description="where Yahoo gives the cookie that option chains need"
    )
    yahoo_options_expiries: int = Field(
        4, ge=1, le=50, description="expiries of each option chain, the next ones, a request each"
    )

    @property
    def ticker_list(self) -> list[str]:
        return self.tickers.split(",")

    @property
    def names_by_ticker(self) -> Mapping[str, list[str]]:
        """What each company of `tickers` is called; none where no name is given."""
        pairs = [pair.split("=", 1) for pair in self.company_names.split(",")]
        return {t: [name for ticker, name in pairs if ticker == t] for t in self.ticker_list}

    @property
    def ticker_by_cusip(self) -> Mapping[str, str]:
        """CUSIP -> its ticker, of the tickers of `tickers`."""
        pairs = [pair.upper().split("=", 1) for pair in self.cusips.split(",")]
        return {cusip: ticker for ticker, cusip in pairs if ticker in self.ticker_list}

    @property
    def feeds(self) -> Mapping[str, str]:
        """Name -> address of each feed."""
        return dict(pair.split("=", 1) for pair in (self.rss_feeds or "").split(",") if pair)
