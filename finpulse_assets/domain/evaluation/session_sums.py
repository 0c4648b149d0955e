"""What is summed for each session, of which every metric is a formula (`metrics`)."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

# A probability of exactly 0 or 1 that proves wrong would cost infinitely much.
SMALLEST_PROBABILITY = 1e-15
# An expected return of the market that differs by less is the rounding of a constant.
NO_VIEW = 1e-12
LEAST_RANKED = 3  # tickers of a session whose order says anything


def session_sums(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return the sums that the metrics need, one row per candidate and session.

    Args:
        predictions: one row per candidate, ticker and session, in the columns of
            schemas.OUT_OF_SAMPLE.

    Returns:
        candidate, session_date, fold and the sums (Float64), sorted by candidate and session.
        A session in which a metric is undefined (all scores equal, fewer than three tickers) counts
        0 in that metric's `..._sessions`.
    """
    group = ["candidate", "session_date"]
    ranked = predictions.with_columns(
        _rank("score").over(group).alias("score_rank"),
        _rank("return_next_session").over(group).alias("return_rank"),
        _rank("expected_return").over(group).alias("expected_rank"),
        pl.len().over(group).alias("size"),
    )
    sums = ranked.group_by(*group, "fold", maintain_order=True).agg(
        *_directions(), *_probabilities(), *_ranking(), *_expected(), pl.lit(1).alias("sessions")
    )
    sums = _market(sums)
    per_session = ("rank_ic", "ic", "expected_return_rank_ic", "long_short_return")
    counted = sums.with_columns(pl.col(name).fill_nan(None) for name in per_session).with_columns(
        pl.col(name).is_not_null().alias(f"{name}_sessions") for name in per_session
    )
    squares = (pl.col(name) ** 2 for name in ("rank_ic", "long_short_return"))
    return counted.with_columns(it.name.suffix("_squares") for it in squares).with_columns(
        pl.all().exclude(*group, "fold").cast(pl.Float64).fill_null(0.0)
    ).sort(*group)  # fmt: skip


def _directions() -> Iterator[pl.Expr]:
    """Yield the counts of right and wrong: by direction, and by the session's median.

    A row in the very middle of a session, by score or by return, is on neither side of the median.
    """
    middle = (pl.col("size") + 1) / 2
    says, came = pl.col("score_rank") - middle, pl.col("return_rank") - middle
    sides = {
        "": (pl.col("predicts_up"), pl.col("is_up")),
        "_of_median": (says > 0, came > 0),
    }
    decided = (says != 0) & (came != 0)
    for suffix, (up, is_up) in sides.items():
        counted = decided if suffix else pl.lit(True)
        yield (up & is_up & counted).sum().alias(f"true_up{suffix}")
        yield (up & ~is_up & counted).sum().alias(f"false_up{suffix}")
        yield (~up & is_up & counted).sum().alias(f"false_down{suffix}")
        yield (~up & ~is_up & counted).sum().alias(f"true_down{suffix}")


def _probabilities() -> Iterator[pl.Expr]:
    probability = pl.col("probability_up").clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    is_up = pl.col("is_up")
    yield pl.col("probability_up").count().alias("probability_rows")
    yield (
        (-pl.when(is_up).then(probability).otherwise(1 - probability).log())
        .sum()
        .alias("log_loss_sum")
    )
    stated, came = pl.col("probability_up"), is_up.cast(pl.Float64)
    yield ((stated - came) ** 2).sum().alias("brier_sum")
    yield stated.sum().alias("stated_sum")
    yield (stated**2).sum().alias("stated_squares")
    yield (stated * came).sum().alias("stated_product")
    yield came.filter(stated.is_not_null()).sum().alias("came_sum")


def _ranking() -> Iterator[pl.Expr]:
    place = (pl.col("score_rank") - 0.5) / pl.col("size")
    returns = pl.col("return_next_session")
    pairs = {
        "rank_ic": ("score_rank", "return_rank"),
        "ic": ("score", "return_next_session"),
        "expected_return_rank_ic": ("expected_rank", "return_rank"),
    }
    for name, pair in pairs.items():
        # Of two tickers the one with the larger score did better or worse: 1 or -1, and no rank.
        yield pl.when(pl.len() >= LEAST_RANKED).then(pl.corr(*pair)).alias(name)
    top, bottom = returns.filter(place > 2 / 3), returns.filter(place < 1 / 3)
    yield (top.mean() - bottom.mean()).alias("long_short_return")


def _expected() -> Iterator[pl.Expr]:
    """Yield the errors of the expected return, and of expecting none: the last price stays."""
    returns = pl.col("return_next_session")
    stated = pl.col("expected_return").is_not_null()
    error = pl.col("expected_return") - returns
    yield stated.sum().alias("expected_rows")
    yield error.abs().sum().alias("error_sum")
    yield (error**2).sum().alias("squared_error_sum")
    yield (error.abs() / (1 + returns)).sum().alias("relative_error_sum")
    right = (pl.col("expected_return") >= 0) == pl.col("is_up")
    yield right.sum().alias("right_side_sum")
    relative = returns.filter(stated).abs() / (1 + returns.filter(stated))
    yield relative.sum().alias("relative_error_of_no_change_sum")
    yield returns.filter(stated).abs().sum().alias("error_of_no_change_sum")
    yield (returns.filter(stated) ** 2).sum().alias("squared_error_of_no_change_sum")
    yield pl.col("expected_return").mean().alias("market_expected")
    yield returns.mean().alias("market_return")


def _market(sums: pl.DataFrame) -> pl.DataFrame:
    """Replace a session's mean expected and actual return by their products.

    Both are taken against the mean of their fold: a model that is fitted anew expects another mean,
    which is no view of the days between.
    """
    fold = ["candidate", "fold"]
    says = pl.col("market_expected") - pl.col("market_expected").mean().over(fold)
    came = pl.col("market_return") - pl.col("market_return").mean().over(fold)
    says = pl.when(says.abs() > NO_VIEW).then(says).otherwise(0.0)
    return sums.with_columns(
        market_product=says * came, market_says_squares=says**2, market_came_squares=came**2
    ).drop("market_expected", "market_return")


def _rank(column: str) -> pl.Expr:
    return pl.col(column).rank("average")
