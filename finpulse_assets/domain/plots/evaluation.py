"""Pictures of an evaluation, as PNG bytes: each title states what the picture shows.

Drawing frames and evaluations that others computed.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.domain.evaluation.score_table import ALL, RECENT
from finpulse_assets.domain.evaluation.session_sums import session_sums
from finpulse_assets.domain.models.calibration import calibrate
from finpulse_assets.domain.models.registry import WITHOUT_TEXT, label_of
from finpulse_assets.domain.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    as_png,
    canvas,
    concise_dates,
    legend,
)


def ranking_plot(evaluation: Evaluation) -> bytes:
    """Return a PNG of every predictor's rank IC with its interval; the title names the skills."""
    ic = evaluation.estimate("rank_ic")
    shown = f"rank IC {ic.value:+.3f}" if ic.is_known else "it ranks nothing"
    verdict = evaluation.verdict
    title = f"{verdict[0].upper()}{verdict[1:]}; {shown}"
    return _predictors(
        evaluation, "rank_ic", title, "rank IC out of sample (whiskers: day-block interval)",
        at=0.0, scale=1.0, digits=3,
    )  # fmt: skip


def accuracy_plot(evaluation: Evaluation) -> bytes:
    """Return a PNG of every predictor's accuracy with its interval, the best baseline marked."""
    best = evaluation.best_baseline
    own, baseline = (evaluation.estimate("accuracy", it).value for it in (None, best))
    title = f"{own:.1%} right directions, the best baseline {baseline:.1%}"
    return _predictors(
        evaluation, "accuracy", title,
        "right directions out of sample, % (whiskers: day-block bootstrap interval)",
        at=100 * baseline, scale=100.0, digits=1,
    )  # fmt: skip


def _predictors(
    evaluation: Evaluation,
    metric: str,
    title: str,
    label: str,
    *,
    at: float,
    scale: float,
    digits: int,
) -> bytes:
    """Draw one metric of all predictors that have it, the candidate on top, a line at `at`."""
    found = {it: evaluation.estimate(metric, it) for it in evaluation.predictors}
    own = evaluation.candidate
    names = sorted(
        (name for name, it in found.items() if it.is_known),
        key=lambda name: (name == own, found[name].value),
    )
    best = max((name for name in names if name != own), key=names.index, default=own)
    figure, axes = canvas(title, height=1.2 + 0.36 * max(len(names), 3))
    axes.axvline(at, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    for row, name in enumerate(names):
        it = found[name]
        value, low, high = (scale * end for end in (it.value, it.lower, it.upper))
        colour = BLUE if name == own else INK if name == best else GREY
        axes.plot([low, high], [row, row], color=colour, linewidth=2.2, solid_capstyle="round")
        axes.plot(value, row, "o", color=colour, markersize=8)
        axes.annotate(
            f"{value:.{digits}f}", (value, row), (0, 7), textcoords="offset points", ha="center",
            color=colour, fontsize=9,
        )  # fmt: skip
    labels = [label_of(name) + (" (best baseline)" if name == best else "") for name in names]
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(-0.6, len(names) - 0.3)
    axes.set_xlabel(label)
    return as_png(figure)


def fold_accuracy_plot(evaluation: Evaluation) -> bytes:
    """Return a PNG of the candidate's accuracy in each fold beside the best baseline's."""
    folds = evaluation.table.filter(~pl.col("fold").is_in([ALL, RECENT]))["fold"].unique().to_list()
    folds.sort(key=int)
    best = evaluation.best_baseline
    own = [100 * evaluation.estimate("accuracy", fold=fold).value for fold in folds]
    other = [100 * evaluation.estimate("accuracy", best, fold).value for fold in folds]
    won = sum(mine > theirs for mine, theirs in zip(own, other, strict=True))
    figure, axes = canvas(
        f"Candidate ahead of {label_of(best)} in {won} of {len(folds)} folds", height=3.4, grid="y"
    )
    at = np.arange(len(folds))
    axes.vlines(at, other, own, color=PALE, linewidth=5)
    axes.plot(at, other, "D", color=INK, markersize=7, label=f"{label_of(best)} (best baseline)")
    axes.plot(at, own, "o", color=BLUE, markersize=9, label=label_of(evaluation.candidate))
    axes.set_xticks(at, folds)
    axes.set_xlim(-0.5, len(folds) - 0.5)
    axes.set_xlabel("walk-forward fold, in order of time")
    axes.set_ylabel("right directions, %")
    legend(axes)
    return as_png(figure)


def calibration_plot(predictions: pl.DataFrame) -> bytes:
    """Return a PNG of the observed up-rate against the predicted probability, with row counts.

    Args:
        predictions: schemas.OUT_OF_SAMPLE of one candidate.
    """
    calibration = calibrate(predictions)
    bins = calibration.bins
    said = np.array([100 * bin_.mean_probability for bin_ in bins])
    came = np.array([100 * bin_.up_rate for bin_ in bins])
    reach = np.array([[100 * (b.up_rate - b.lower), 100 * (b.upper - b.up_rate)] for b in bins]).T
    miss = np.average(np.abs(said - came), weights=[bin_.row_count for bin_ in bins])
    title = f"Probabilities miss the observed up-rate by {miss:.1f} points on average"
    figure, (axes, below) = canvas(title, height=5.0, grid="both", ratios=(4, 1))
    ends = np.array(
        [min(said.min(), (came - reach[0]).min()), max(said.max(), (came + reach[1]).max())]
    )
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="perfect")
    axes.errorbar(
        said, came, reach, fmt="o", color=BLUE, markersize=7, elinewidth=2,
        label=f"bins of predictions, {calibration.level:.0%} interval",
    )  # fmt: skip
    axes.set_ylabel("sessions that closed up, %")
    legend(axes)
    probability = 100 * predictions["probability_up"].to_numpy()
    below.hist(probability, bins=40, color=PALE)
    below.sharex(axes)
    axes.tick_params(labelbottom=False)
    below.set_ylabel("rows")
    below.set_xlabel("predicted probability of an up move, %")
    return as_png(figure)


def rank_ic_plot(predictions: pl.DataFrame, candidate: str) -> bytes:
    """Return a PNG of the rank IC summed over the sessions, with and without text.

    A line that climbs steadily is a signal; one that climbs in a single month is an event.

    Args:
        predictions: schemas.OUT_OF_SAMPLE.
        candidate: whose line is shown beside the one without text.
    """
    shown = predictions.filter(pl.col("candidate").is_in([candidate, candidate + WITHOUT_TEXT]))
    sums = session_sums(shown).with_columns(
        pl.col("rank_ic").cum_sum().over("candidate", order_by="session_date").alias("total")
    )
    own = sums.filter((pl.col("candidate") == candidate) & (pl.col("rank_ic_sessions") > 0))
    mean = own["rank_ic"].mean() or 0.0
    share = (own["rank_ic"] > 0).mean() or 0.0
    title = f"Mean rank IC {mean:+.3f}, above zero in {share:.0%} of {own.height} sessions"
    figure, axes = canvas(title, height=3.6, grid="both")
    axes.axhline(0, color=GREY, linewidth=1)
    for name, colour in ((candidate + WITHOUT_TEXT, GREY), (candidate, BLUE)):
        line = sums.filter(pl.col("candidate") == name)
        axes.plot(
            line["session_date"].to_numpy(), line["total"].to_numpy(), color=colour, linewidth=1.8,
            label=label_of(name),
        )  # fmt: skip
    axes.set_xlabel("session")
    axes.set_ylabel("sum of rank ICs since the first test session")
    concise_dates(axes)
    legend(axes)
    return as_png(figure)


def importance_plot(importance: pl.DataFrame, *, top: int = 20) -> bytes:
    """Return a PNG of the strongest features by gain, text features in their own colour.

    Args:
        importance: from the model's `importance`.
        top: features shown.
    """
    text = importance.filter("is_text")["gain_share"].sum()
    shown = importance.head(top).reverse()
    figure, axes = canvas(
        f"Text features carry {text:.0%} of the model's gain", height=1.4 + 0.24 * shown.height
    )
    at = np.arange(shown.height)
    share = 100 * shown["gain_share"].to_numpy()
    is_text = shown["is_text"].to_numpy()
    for chosen, colour, label in ((is_text, ORANGE, "text"), (~is_text, BLUE, "prices and volume")):
        axes.barh(at[chosen], share[chosen], color=colour, height=0.7, label=label)
    axes.set_yticks(at, shown["feature"].to_list())
    axes.set_ylim(-0.6, shown.height - 0.4)
    axes.set_xlabel("share of the total gain, %")
    legend(axes, place="lower right")
    return as_png(figure)


def drift_plot(report: pl.DataFrame, *, top: int = 15) -> bytes:
    """Return a PNG of the features that moved most, each against its own limit.

    Args:
        report: rows of `schemas.FEATURE_DRIFT` of one session.
        top: features shown.
    """
    judged = report.filter((pl.col("kind") != "all") & pl.col("value").is_not_null())
    ratio = (pl.col("value") / pl.col("limit")).alias("ratio")
    shown = judged.with_columns(ratio).sort("ratio", "feature").tail(top)
    figure, axes = canvas(
        f"{judged['is_drifted'].sum()} of {judged.height} features have drifted by "
        f"{report['session_date'][0]}",
        height=1.4 + 0.24 * shown.height,
    )
    at = np.arange(shown.height)
    colours = [ORANGE if drifted else BLUE for drifted in shown["is_drifted"]]
    axes.barh(at, shown["ratio"].to_numpy(), color=colours, height=0.7)
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_yticks(at, shown["feature"].to_list())
    axes.set_ylim(-0.6, shown.height - 0.4)
    axes.set_xlabel("PSI of the last sessions, as a multiple of the feature's own limit")
    return as_png(figure)
