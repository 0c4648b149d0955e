"""Listings: what the sources say about companies, kept as versions with the day they hold from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.schemas import SYMBOL, TICKERS

_DATED = ("ticker", "valid_from", "valid_to")
# What makes a new version where it changes; dates of a listing are corrected in place.
ATTRIBUTES = tuple(name for name in TICKERS.column_names if name not in _DATED)


def unite_listings(listings: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return one listing; a ticker comes whole from the first source that lists it.

    What is no symbol is left out: its bars are refused by name where they are delivered.

    Args:
        listings: `schemas.TICKERS` of each source, in the declared order.
    """
    united = TICKERS.empty()
    for listing in listings:
        symbols = listing.filter(pl.col("ticker").str.contains(SYMBOL))
        united = pl.concat([united, symbols.join(united, on="ticker", how="anti")])
    return TICKERS.enforce(united)


def with_directory(listed: pl.DataFrame, directory: pl.DataFrame) -> pl.DataFrame:
    """Return a listing with what the directories add: what its source does not say, and an end.

    A ticker that no directory has stays as it is: an index, a currency, a company elsewhere.

    Args:
        listed: `schemas.TICKERS` as the sources of prices list it.
        directory: see `companies.directory`.
    """
    day = pl.col("known_at").dt.convert_time_zone(str(NEW_YORK)).dt.date()
    said = directory.select(
        "ticker",
        *(pl.col(name).alias(f"_{name}") for name in ATTRIBUTES),
        _ended=pl.when(~pl.col("is_listed")).then(day - timedelta(days=1)),
    )
    joined = listed.join(said, on="ticker", how="left", maintain_order="left")
    # A new listing of an old symbol begins after the end that a directory still remembers.
    ended = pl.when(pl.col("_ended") >= pl.col("valid_from")).then("_ended")
    return TICKERS.enforce(
        joined.with_columns(
            *(pl.coalesce(name, f"_{name}").alias(name) for name in ATTRIBUTES),
            valid_to=pl.coalesce("valid_to", ended),
        ).select(TICKERS.column_names)
    )


def next_versions(held: pl.DataFrame, listed: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return the held versions of each ticker with what is listed now.

    A ticker whose company or sector differs from its newest version gets a version more, valid from
    `today`: what was said about earlier sessions stands. A source that names several versions of a
    ticker itself is believed. A value that the source no longer names changes nothing.

    Args:
        held: `schemas.TICKERS` so far.
        listed: `schemas.TICKERS` as listed now.
        today: the last session of the run.
    """
    own = listed.filter(pl.len().over("ticker") > 1)
    single = listed.join(own, on="ticker", how="anti")
    newest = held.sort("valid_from").group_by("ticker", maintain_order=True).last()
    both = single.join(newest, on="ticker", how="inner", suffix="_held")
    changed = pl.any_horizontal(
        pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(f"{name}_held"))
        for name in ATTRIBUTES
    )
    later = both.filter(changed & (pl.col("valid_from_held") < today))
    replaced = later.select("ticker", valid_from="valid_from_held")
    kept = held.join(own, on="ticker", how="anti")
    superseded = kept.join(replaced, on=["ticker", "valid_from"], how="semi")
    current = kept.join(replaced, on=["ticker", "valid_from"], how="anti")
    fresh = later.with_columns(
        *(pl.coalesce(name, f"{name}_held").alias(name) for name in ATTRIBUTES),
        valid_from=pl.lit(today, pl.Date),
    ).select(TICKERS.column_names)
    ended = superseded.with_columns(valid_to=pl.lit(today - timedelta(days=1), pl.Date))
    added = single.join(held, on="ticker", how="anti")
    current = _redated(current, single, newest)
    return TICKERS.enforce(pl.concat([own, added, fresh, ended, current]))


def _redated(current: pl.DataFrame, single: pl.DataFrame, newest: pl.DataFrame) -> pl.DataFrame:
    """Return versions with the listing's dates: the end on the newest, the beginning on the first.

    Args:
        current: versions that stay.
        single: `schemas.TICKERS` as listed now, one row a ticker.
        newest: the newest version of each ticker.
    """
    listed = single.select("ticker", _listed_from="valid_from", _listed_to="valid_to")
    is_listed = pl.col("_listed_from").is_not_null()
    is_newest = pl.col("valid_from") == pl.col("_newest_from")
    is_first = pl.col("valid_from") == pl.col("valid_from").min().over("ticker")
    return (
        current.join(listed, on="ticker", how="left")
        .join(newest.select("ticker", _newest_from="valid_from"), on="ticker", how="left")
        .with_columns(
            valid_to=pl.when(is_newest & is_listed).then("_listed_to").otherwise("valid_to"),
            valid_from=pl.when(is_first)
            .then(pl.min_horizontal("valid_from", "_listed_from"))
            .otherwise("valid_from"),
        )
        .select(TICKERS.column_names)
    )
