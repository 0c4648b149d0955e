"""What a run printed: the evaluation beside its baselines, the strongest signals, what is next."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

import polars as pl
from rich.table import Table

from finpulse_assets.cli.console import interval, results
from finpulse_assets.cli.graph_run import GraphRun
from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.evaluation.report import Evaluation, evaluations
from finpulse_assets.domain.evaluation.score_table import ALL, IC_GAIN
from finpulse_assets.domain.models.registry import label_of
from finpulse_assets.domain.predictions.signals import current_signals, direction
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.run.sources import planted_sentence
from finpulse_assets.schemas import DAILY_SIGNALS, EVALUATION
from finpulse_assets.settings import Settings

STRONGEST = 5
SHOWN_REASONS = 2
PLACE = re.compile(r" \(place \d+ %\)")  # stands in the table of signals


@dataclass(frozen=True)
class Outcome:
    """What a run ended with; `planted` says what was put into a simulated market."""

    run: GraphRun
    evaluation: Evaluation
    market: Evaluation
    promotion: Promotion
    signals: pl.DataFrame
    planted: str | None

    def as_json(self) -> dict[str, object]:
        """Return the outcome as JSON-able values."""
        scores = self.evaluation.table.filter(pl.col("fold") == ALL)
        return {
            "run": asdict(self.run),
            "planted": self.planted,
            "verdict": self.evaluation.verdict,
            "reason": self.evaluation.reason,
            "market": self.market.reason,
            "champion": asdict(self.promotion.champion),
            "scores": scores.drop("fold", "candidate", "candidate_id").to_dicts(),
            "signals": self.signals.to_dicts(),
        }


def outcome_of(settings: Settings, run: GraphRun) -> Outcome:
    """Read back what the last run wrote.

    Raises:
        ModelError, LakeError: the graph has not run to its end yet.
    """
    lake, models = Lake(settings.lake), ModelStore(settings.models / "price")
    promotion = models.promotion()
    if promotion is None:
        raise ModelError("no model was promoted yet", hint="run `finpulse run`")
    signals = current_signals(lake.scan(DAILY_SIGNALS).collect())
    last = signals.filter(pl.col("session_date") == signals["session_date"].max())
    judged = evaluations(lake.scan(EVALUATION).collect())
    return Outcome(
        run, judged[0], judged[-1], promotion, last.sort("rank"), planted_sentence(settings)
    )


def print_outcome(outcome: Outcome) -> None:
    """Print the evaluation, the verdict, the strongest signals and the next steps."""
    results.print()
    results.print(_evaluation_table(outcome.evaluation))
    results.print()
    _print_verdict(outcome)
    results.print()
    results.print(_signal_table(outcome.signals))
    results.print()
    results.print("Next: [bold]make dev[/bold] opens the graph in the Dagster UI; "
                  "[bold]finpulse status[/bold] says what is fresh; "
                  "docs/data.md shows how to bring your own tweets and prices.")  # fmt: skip


def _evaluation_table(evaluation: Evaluation) -> Table:
    size = evaluation.table.filter(pl.col("fold") == ALL).row(0, named=True)
    table = Table(
        "predictor",
        "rank IC",
        "lead over it",
        "MCC of median",
        "accuracy",
        title=f"Out of sample: {size['row_count']:,} predictions in {size['session_count']} "
        "sessions, 95 % day-block intervals",
        title_justify="left",
        box=None,
    )
    own = evaluation.candidate
    order = sorted(
        evaluation.predictors,
        key=lambda name: (name != own, -_ic(evaluation, name)),
    )
    for name in order:
        lead = "" if name == own else _estimate(evaluation.estimate(IC_GAIN, name), signed=True)
        table.add_row(
            label_of(name),
            _estimate(evaluation.estimate("rank_ic", name)),
            lead,
            *(_point(evaluation.estimate(it, name)) for it in ("mcc_of_median", "accuracy")),
            style="bold" if name == own else None,
        )
    return table


def _ic(evaluation: Evaluation, name: str) -> float:
    """Return the rank IC to sort by; a guess that does not rank comes last."""
    estimate = evaluation.estimate("rank_ic", name)
    return estimate.value if estimate.is_known else -1.0


def _estimate(estimate: Estimate, *, signed: bool = False) -> str:
    if not estimate.is_known:
        return "–"
    text = interval(estimate.value, estimate.lower, estimate.upper)
    return f"+{text}" if signed and estimate.value >= 0 else text


def _point(estimate: Estimate) -> str:
    # A constant predictor has no correlation with anything.
    return f"{estimate.value:.3f}" if estimate.is_known else "–"


def _print_verdict(outcome: Outcome) -> None:
    evaluation = outcome.evaluation
    colour = "green" if evaluation.has_skill else "yellow"
    results.print(f"Verdict: [bold {colour}]{evaluation.verdict}[/bold {colour}].")
    for skill in (*evaluation.skills, *outcome.market.skills):
        results.print(f"  {skill.reason}", markup=False, highlight=False, soft_wrap=True)
    champion = outcome.promotion.champion
    proven = f"proven: {', '.join(champion.skills)}"
    standing = proven if champion.is_proven else "unproven: its signals are marked so"
    results.print(f"Champion: {champion.candidate_id} ({standing}).", highlight=False)
    if outcome.planted:
        results.print(outcome.planted, highlight=False, soft_wrap=True)


def _signal_table(signals: pl.DataFrame) -> Table:
    session, target = signals["session_date"][0], signals["target_session_date"][0]
    table = Table(
        "ticker",
        "signal",
        "P(up)",
        "seen 90 %",
        "return",
        "reasons",
        title=f"Strongest signals for {target}, decided after the close of {session}",
        title_justify="left",
        box=None,
    )
    strength = (pl.col("probability_up") - 0.5).abs()
    strongest = signals.sort(strength, descending=True).head(STRONGEST)
    for row in strongest.iter_rows(named=True):
        lower, upper = row["probability_lower"], row["probability_upper"]
        table.add_row(
            row["ticker"],
            direction(row["probability_up"]),
            f"{row['probability_up']:.3f}",
            "–" if lower is None else f"{lower:.2f}-{upper:.2f}",
            f"{row['expected_return']:+.2%}",
            ", ".join(PLACE.sub("", row["reasons"]).split(", ")[:SHOWN_REASONS]),
        )
    return table
