"""The model card: who predicts, how it was made, what is proven of it, and what it cannot do.

Markdown, made of the model's files, its evaluation and the decision in force alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from finpulse_assets.domain.evaluation.holdout import reads_sentence
from finpulse_assets.domain.evaluation.importance import TOP, rank_correlation, share_among_top
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.domain.models.band import QUANTILES
from finpulse_assets.domain.models.registry import Model, label_of
from finpulse_assets.domain.serving.staleness import MODEL_LIFE_SESSIONS

SCORES = (
    "rank_ic", "mcc_of_median", "accuracy", "log_loss", "mae_skill", "net_sharpe",
    "deflated_sharpe",
)  # fmt: skip
MOST_IMPORTANT = 10
LIMITS = (
    "It predicts one session, from its open to its close, of tickers that trade in it.",
    "It knows what the sources of this home delivered; what they left out, it does not know. A "
    "list of tickers that was made later is one of survivors.",
    "A proof is about the sessions it was measured on. It ends when matured predictions contradict "
    "it, or when nothing supports it for half a year.",
    "Scores are before costs, but for the skill after_costs; fills are taken to be at the open and "
    "at the close.",
    f"It expires {MODEL_LIFE_SESSIONS} sessions after the last one that taught it.",
)


def model_card(
    model: Model,
    decision: Promotion,
    evaluation: Evaluation | None,
    *,
    planted: str | None = None,
    by_fold: pl.DataFrame | None = None,
    holdout_reads: int = 0,
) -> str:
    """Return the card of the champion.

    Args:
        model: the champion.
        decision: the decision in force.
        evaluation: of this model; None where a later one has replaced it.
        planted: what was planted in a simulated market.
        by_fold: schemas.FOLD_IMPORTANCE of this model; None or empty where later ones have
            replaced it.
        holdout_reads: how often the final holdout was read, for whatever candidate.
    """
    champion = decision.champion
    proven = ", ".join(champion.skills) or "none"
    parts = [
        f"# Model card: {model.candidate_id}",
        f"The champion as of {decision.decided_at:%Y-%m-%d %H:%M} UTC. Proven skills: **{proven}**."
        + (f" {planted}" if planted else ""),
        "## How it was made",
        _table(
            ("what", "value"),
            [
                ("family", type(model).__name__),
                ("trained on", f"{model.trained_from} to {model.trained_to}, {model.row_count:,} "
                               f"rows, {model.up_rate:.1%} of them up"),
                ("inputs", f"{len(model.features)} features"),
                ("sentiment model of its texts", model.sentiment_fingerprint or "none"),
                ("sha256 of its files", model.fingerprint),
                *((f"plan: {name}", value) for name, value in model.plan.items()),
            ],
        ),
        *_skills(decision, evaluation),
        f"Of all candidates together, {reads_sentence(holdout_reads)}; each read makes a proof on "
        "the same sessions harder.",
        *_scores(evaluation),
        "## How far off it is",
        *_errors(model),
        "## What moves it",
        *_importance(model, by_fold),
        "## Limits",
        "\n".join(f"- {it}" for it in LIMITS),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _importance(model: Model, by_fold: pl.DataFrame | None) -> list[str]:
    strongest = model.importance().select("feature", "gain_share").head(MOST_IMPORTANT)
    if by_fold is None or by_fold.is_empty():
        rows = ((feature, f"{share:.1%}") for feature, share in strongest.iter_rows())
        return [_table(("feature", "share of the gain"), rows)]
    tops = dict(share_among_top(by_fold).select("feature", "top_share").iter_rows())
    rows = [
        (feature, f"{share:.1%}", f"{tops.get(feature, 0):.0%}")
        for feature, share in strongest.iter_rows()
    ]
    count = by_fold["fold"].n_unique()
    return [
        _table(("feature", "share of the gain", f"folds with it among the top {TOP}"), rows),
        f"The rank correlation of the importances of two of the {count} folds is "
        f"{rank_correlation(by_fold):.2f} on average: 1 is the same order, 0 is noise.",
    ]


def _skills(decision: Promotion, evaluation: Evaluation | None) -> list[str]:
    parts = ["## What is proven"]
    if evaluation is None:
        measured = decision.champion.measured.items()
        rows = [(it, f"{value:.4f}", it in decision.champion.skills) for it, value in measured]
        return [
            *parts,
            "Its evaluation was replaced by that of a later candidate; what it was measured at:",
            _table(("skill", "measured", "proven"), rows),
        ]
    held = decision.champion.skills
    rows = [(it.name, it.name in held, it.estimate, it.reason) for it in evaluation.skills]
    return [*parts, _table(("skill", "proven now", "out of sample, 95 %", "why"), rows)]


def _scores(evaluation: Evaluation | None) -> list[str]:
    if evaluation is None:
        return []
    rows = [
        (label_of(name), *(_known(evaluation, metric, name) for metric in SCORES))
        for name in evaluation.predictors
    ]
    return ["## Beside the baselines", _table(("predictor", *SCORES), rows)]


def _known(evaluation: Evaluation, metric: str, predictor: str) -> str:
    estimate = evaluation.estimate(metric, predictor)
    if not estimate.is_known:
        return "–"
    return f"{estimate}" if estimate.has_interval else f"{estimate.value:.3f}"


def _errors(model: Model) -> Iterable[str]:
    band, known = model.band, model.training_range
    if band is None:
        yield "It has no band around the expected return: its errors out of sample were too few."
    else:
        yield (
            f"The {band.level:.0%} band of the return goes from {band.lower:+.2%} to "
            f"{band.upper:+.2%} around the expected one. It was measured to hold "
            f"{band.coverage:.1%} ({band.row_count:,} predictions)."
        )
    if band is not None and band.quantiles:
        ends = ", ".join(
            f"{level:.0%} at {end:+.2%} ({share:.1%} came below)"
            for level, end, share in zip(QUANTILES, band.quantiles, band.shares, strict=True)
        )
        yield f"Quantiles around the expected return: {ends}."
    if model.sentiment_head is not None:
        yield f"The {model.sentiment_head.reason}."
    if known is not None:
        yield (
            f"A row is unlike its training rows, and abstained from, where more than "
            f"{known.limit:.1%} of the known inputs lie outside their middle 99 %."
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(it) for it in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("|", "\\|")
