"""Listings, holdings and option chains: what makes a row good, and what changed in a directory.

A directory is a whole: it says as much by the tickers that it no longer has. Kept are its changes
alone. A ticker that ends is kept for good, with the day on which we knew; one that is renamed is an
end and a beginning under one company number, and no history is moved from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain

import polars as pl

from finpulse_assets.domain.ingestion.rule import NO_SYMBOL, UNREADABLE, Rule, missing
from finpulse_assets.schemas import LISTINGS, UTC, Kind

ATTRIBUTES = ("company", "exchange", "sector", "cik")
# More ends at once than this are a directory that lies: a few dozen tickers end in a busy week.
MOST_ENDS, MOST_END_SHARE = 20, 0.02
SIDES = ("call", "put")


def company_rules(kind: Kind) -> list[Rule]:
    """Return the rules of listings, holdings or option chains."""
    needed = {
        "listings": (),
        "holdings": ("manager", "filing_id", "report_date", "is_addition", "shares", "value_usd"),
        "options": ("contract", "expiry_date", "strike", "underlying_price"),
    }[kind]
    return [
        UNREADABLE,
        *missing("ticker", "knowledge_time", *needed),
        NO_SYMBOL,
        *{"listings": [], "holdings": _HOLDING_RULES, "options": _OPTION_RULES}[kind],
    ]


def _not_below_zero(name: str) -> Rule:
    broken = (pl.col(name) < 0).fill_null(False)
    return Rule(broken, pl.format(name + " is {}, the limit is 0", pl.col(name)))


def _above_zero(name: str) -> Rule:
    good = pl.col(name).is_finite() & (pl.col(name) > 0)
    return Rule(~good, pl.format(name + " is {}, a price is above 0", pl.col(name)))


_HOLDING_RULES = [
    _not_below_zero("shares"),
    _not_below_zero("value_usd"),
    Rule(
        pl.col("report_date") > pl.col("knowledge_time").dt.date(),
        pl.format("report_date {} is later than the filing", pl.col("report_date")),
    ),
]
_OPTION_RULES = [
    _above_zero("strike"),
    _above_zero("underlying_price"),
    _not_below_zero("volume_contracts"),
    _not_below_zero("open_interest_contracts"),
    Rule(
        ~pl.col("side").fill_null("").is_in(SIDES),
        pl.format("side '{}' is neither call nor put", pl.col("side").fill_null("")),
    ),
]


def directory_changes(
    listed: pl.DataFrame, held: pl.DataFrame, as_of: datetime
) -> tuple[pl.DataFrame, str | None]:
    """Return what a directory says anew of its tickers, known now, and what of it was not believed.

    A value that the directory no longer gives changes nothing; a ticker that it no longer has is no
    longer listed. Where too many end at once none of them does: that is half a directory.

    Args:
        listed: the whole directory as delivered now; `source` names the file of each row. A file
            of which nothing came says nothing of its tickers.
        held: the source's listings so far, all versions, with `origin`, the file.
        as_of: the time of this run (UTC).
    """
    newest = held.sort("knowledge_time").unique("ticker", keep="last")
    before = newest.select(
        "ticker", "is_listed", *(pl.col(it).alias(f"_{it}") for it in ATTRIBUTES)
    )
    rows = listed.unique("ticker", keep="last", maintain_order=True)
    rows = rows.join(before, on="ticker", how="left", maintain_order="left").with_columns(
        pl.coalesce(name, f"_{name}").alias(name) for name in ATTRIBUTES
    )
    is_changed = pl.any_horizontal(
        ~pl.col("is_listed").fill_null(False),
        *(pl.col(name).ne_missing(pl.col(f"_{name}")) for name in ATTRIBUTES),
    )
    columns = ["ticker", "source", *ATTRIBUTES]
    changed = rows.filter(is_changed).select(*columns, is_listed=pl.lit(True))
    there = pl.col("is_listed") & pl.col("origin").is_in(rows["source"].unique().implode())
    present = newest.filter(there)
    ended = present.join(rows, on="ticker", how="anti").select(
        *(name if name != "source" else pl.col("origin").alias("source") for name in columns),
        is_listed=pl.lit(False),
    )
    problem = None
    if ended.height > max(MOST_ENDS, MOST_END_SHARE * present.height):
        problem = (
            f"{ended.height:,} of {present.height:,} tickers are missing at once, such as "
            f"{', '.join(ended['ticker'].sort().head(5))}; none of them is taken for ended"
        )
        ended = ended.clear()
    rows = pl.concat([changed, ended]).sort("ticker")
    return rows.with_columns(knowledge_time=pl.lit(as_of).cast(UTC)), problem


def directory(listings: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return what several directories say of each ticker, the first that says anything of it first.

    Args:
        listings: the listings of each source, in the declared order, all versions.

    Returns:
        One row a ticker: ticker, company, exchange, sector, cik, is_listed, and known_at, when what
        decides `is_listed` was known.
    """
    newest = [
        rows.sort("knowledge_time")
        .unique("ticker", keep="last")
        .select("ticker", *ATTRIBUTES, "is_listed", known_at="knowledge_time", rank=pl.lit(rank))
        for rank, rows in enumerate(listings)
    ]
    none = LISTINGS.empty().select(
        "ticker", *ATTRIBUTES, "is_listed", known_at="knowledge_time", rank=pl.lit(0)
    )
    first_known = (pl.col(name).drop_nulls().first() for name in ATTRIBUTES)
    return (
        pl.concat([none, *newest])
        .sort("ticker", "rank")
        .group_by("ticker", maintain_order=True)
        .agg(*first_known, pl.col("is_listed", "known_at").first())
    )


# Fama and French's twelve industries: the first and the last SIC code of each stretch.
_SECTORS: dict[str, tuple[tuple[int, int], ...]] = {
    "Consumer nondurables": ((100, 999), (2000, 2399), (2700, 2749), (2770, 2799), (3100, 3199),
                             (3940, 3989)),
    "Consumer durables": ((2500, 2519), (2590, 2599), (3630, 3659), (3710, 3711), (3714, 3714),
                          (3716, 3716), (3750, 3751), (3792, 3792), (3900, 3939), (3990, 3999)),
    "Manufacturing": ((2520, 2589), (2600, 2699), (2750, 2769), (3000, 3099), (3200, 3569),
                      (3580, 3629), (3700, 3709), (3712, 3713), (3715, 3715), (3717, 3749),
                      (3752, 3791), (3793, 3799), (3830, 3839), (3860, 3899)),
    "Energy": ((1200, 1399), (2900, 2999)),
    "Chemicals": ((2800, 2829), (2840, 2899)),
    "Business equipment": ((3570, 3579), (3660, 3692), (3694, 3699), (3810, 3829), (7370, 7379)),
    "Telecommunication": ((4800, 4899),),
    "Utilities": ((4900, 4949),),
    "Shops": ((5000, 5999), (7200, 7299), (7600, 7699)),
    "Health": ((2830, 2839), (3693, 3693), (3840, 3859), (8000, 8099)),
    "Money": ((6000, 6999),),
}  # fmt: skip
_STRETCHES = sorted(
    chain.from_iterable(
        ((first, last, sector) for first, last in stretches)
        for sector, stretches in _SECTORS.items()
    )
)


def sector_of(sic: int) -> str:
    """Return which of Fama and French's twelve industries a SIC code belongs to.

    https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/data_library.html

    >>> sector_of(3571), sector_of(2834), sector_of(8711)
    ('Business equipment', 'Health', 'Other')
    """
    return next((name for first, last, name in _STRETCHES if first <= sic <= last), "Other")
