"""A day of a ticker as it was: what was known at the decision, what was said, what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches

import polars as pl

from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.predictions.signals import current_signals
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, TRAINING_SET
from finpulse_assets.schemas import DAILY_SIGNALS

# A text is news once: its first version counts. One without a score or weight was left out.
TEXTS = """
select kind, source, texts.event_time, knowledge_time, texts.author, texts.text, scored.score,
       coalesce(scored.weight, 0) as weight
from (
    select 'tweet' as kind, * from stg_tweets union all by name
    select 'headline' as kind, * from stg_headlines
) as texts
inner join int_texts_first_known as known
    using (kind, source, text_id, ticker, knowledge_time, session_date)
left join int_texts_scored as scored
    using (kind, source, text_id, ticker, knowledge_time, session_date)
where ticker = ? and session_date = ?
order by knowledge_time, kind, source, texts.text_id
"""
DAY = f"select * from {DAILY_FEATURES} where session_date = ? order by ticker"  # noqa: S608
CAME = f"""
select ticker, exit_at, return_next_session, is_up from {TRAINING_SET}
where session_date = ? order by ticker
"""  # noqa: S608


@dataclass(frozen=True)
class AsIf:
    """What there was of a ticker at a session's decision, and after it.

    Attributes:
        ticker: exchange symbol.
        session_date: the session.
        decision_at: when its signal was decided (UTC).
        tickers: how many had features that day.
        texts: kind, source, event_time, knowledge_time, author, text, score (null where it was
            left out) and weight, of the texts that are this session's, by knowledge_time.
        features: feature, value (null where unknown) and place among the tickers of the day (0 to
            1; null where unknown), those farthest from the middle first.
        signals: schemas.DAILY_SIGNALS of the ticker and session, all versions by time, with
            is_current: whether it is the one that counts.
        outcome: exit_at, return_next_session, is_up, and place of the return among the tickers of
            the day (0 to 1); None where nothing has come yet, or the ticker did not trade.
    """

    ticker: str
    session_date: date
    decision_at: datetime
    tickers: int
    texts: pl.DataFrame
    features: pl.DataFrame
    signals: pl.DataFrame
    outcome: dict[str, object] | None


def as_if(warehouse: Warehouse, lake: Lake, ticker: str, day: date) -> AsIf:
    """Return the day of a ticker.

    The features are those of the marts, which hold for each session what was known at its
    decision; `finpulse audit` proves it.

    Raises:
        SettingError: the ticker has no features on that day.
        WarehouseError: the marts were not built yet.
    """
    rows = warehouse.query(DAY, [day])
    own = rows.filter(pl.col("ticker") == ticker)
    if own.is_empty():
        raise _absence(warehouse, ticker, day, rows["ticker"].to_list())
    history = lake.read_or_empty(DAILY_SIGNALS).filter(session_date=day).collect()
    current = current_signals(history).select("ticker", "predicted_at", is_current=pl.lit(True))
    signals = (
        history.filter(pl.col("ticker") == ticker)
        .join(current, on=["ticker", "predicted_at"], how="left")
        .with_columns(pl.col("is_current").fill_null(False))
        .sort("predicted_at")
    )
    return AsIf(
        ticker=ticker,
        session_date=day,
        decision_at=own["decision_at"][0],
        tickers=rows.height,
        texts=warehouse.query(TEXTS, [ticker, day]),
        features=_features(rows, ticker),
        signals=signals,
        outcome=_outcome(warehouse.query(CAME, [day]), ticker),
    )


def _features(rows: pl.DataFrame, ticker: str) -> pl.DataFrame:
    names = [it.name for it in FEATURES if it.name in rows.columns]
    is_own = rows["ticker"] == ticker
    value = rows.select(pl.col(names).cast(pl.Float64)).filter(is_own).row(0)
    place = places(rows, names).filter(is_own).select(names).row(0)
    found = pl.DataFrame(
        {"feature": names, "value": value, "place": place},
        schema={"feature": pl.String, "value": pl.Float64, "place": pl.Float64},
    ).with_columns(pl.col("value").fill_nan(None))
    place_of = pl.when(pl.col("value").is_not_null()).then(pl.col("place") + 0.5)
    return found.sort(pl.col("place").abs(), descending=True, maintain_order=True).with_columns(
        place=place_of
    )


def _outcome(came: pl.DataFrame, ticker: str) -> dict[str, object] | None:
    place = (pl.col("return_next_session").rank("average") - 0.5) / pl.len()
    own = came.with_columns(place=place).filter(pl.col("ticker") == ticker).drop("ticker")
    return own.row(0, named=True) if own.height else None


def _absence(warehouse: Warehouse, ticker: str, day: date, present: list[str]) -> SettingError:
    """Return the error that says what is missing, and what there is."""
    if present:
        near = get_close_matches(ticker, present, n=3, cutoff=0.3) or present[:3]
        return SettingError(
            f"{ticker} has no features on {day}, {len(present)} tickers have",
            hint=f"the nearest are {', '.join(near)}",
        )
    first, last = warehouse.query(
        f"select min(session_date), max(session_date) from {DAILY_FEATURES}"  # noqa: S608
    ).row(0)
    return SettingError(
        f"no ticker has features on {day}", hint=f"sessions go from {first} to {last}"
    )
