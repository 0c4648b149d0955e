"""What has to be true at the end of a rehearsal, each as a statement with its figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import polars as pl

from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.domain.monitoring.alert import Kind, Phase
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.simulated.scripted_source import EXCHANGE, WIRE
from finpulse_assets.orchestration.rehearsal.alert_statements import alert_statements
from finpulse_assets.orchestration.rehearsal.comparison import differences
from finpulse_assets.orchestration.rehearsal.driver import Rehearsal
from finpulse_assets.orchestration.rehearsal.record import Statement, messages_of
from finpulse_assets.schemas import DAILY_SIGNALS, TEXT_SENTIMENT, requests_table

MOST_GROWTH = 1.3
EARLY = 10  # the session that the last one is compared with
LARGEST_RETURN = 0.35  # a split of 2 that is not adjusted shows as -0.5
SCHEDULE, ON_LOST_PROOF, BY_AGE = "after_the_close", "retrain_on_lost_proof", "retrain_when_stale"


def statements_of(
    rehearsal: Rehearsal, rehearsed: dict[str, pl.DataFrame], clean: dict[str, pl.DataFrame]
) -> list[Statement]:
    """Return every statement on a rehearsal.

    Args:
        rehearsal: it, at its end.
        rehearsed: the tables of its home.
        clean: those of a clean run of the same history.
    """
    return [
        _signals(rehearsal),
        _equal(rehearsed, clean),
        *_faults_in_data(rehearsal),
        *alert_statements(rehearsal.plan, messages_of(rehearsal.records)),
        *_models(rehearsal),
        *_costs(rehearsal),
    ]


def _signals(rehearsal: Rehearsal) -> Statement:
    plan = rehearsal.plan
    held = Lake(rehearsal.settings.lake).read_or_empty(DAILY_SIGNALS).select("session_date")
    days = set(held.unique().collect()["session_date"])
    lost = {plan.begins("prices down"), plan.begins("run killed")}
    missing = [str(day) for day in plan.days if day not in days and day not in lost]
    return Statement(
        "every session whose run was not struck has its signals",
        not missing,
        f"{len(days & set(plan.days))} of {len(plan.days)} sessions"
        + (f", not {', '.join(missing[:3])}" if missing else ""),
    )


def _equal(rehearsed: dict[str, pl.DataFrame], clean: dict[str, pl.DataFrame]) -> Statement:
    found = differences(rehearsed, clean)
    rows = sum(frame.height for frame in rehearsed.values())
    return Statement(
        "every table equals a clean run of the same history, by hash",
        not found,
        "; ".join(f"{name}: {how}" for name, how in found.items())
        or f"{len(rehearsed)} tables of {rows:,} rows",
    )


def _faults_in_data(rehearsal: Rehearsal) -> Iterator[Statement]:
    plan, lake = rehearsal.plan, Lake(rehearsal.settings.lake)
    features = lake.read_or_empty(TECHNICAL_FEATURES)
    for fault, source in (("late delivery", WIRE), ("correction", EXCHANGE)):
        if fault not in plan.faults:
            continue
        at = plan.decision_at(plan.faults[fault][1])
        requests = lake.read_or_empty(requests_table(source)).filter(requested_at=at).collect()
        rows = int(requests["late_rows"].sum())
        yield Statement(f"{fault}: its rows count as late", rows > 0, f"{rows} late rows at {at}")
    for split in plan.script.splits:
        row = features.filter(ticker=split.ticker, session_date=split.ex_date).collect()
        moved = float(row["return_1d"][0])
        yield Statement(
            "split: it moves no return", abs(moved) < LARGEST_RETURN, f"{moved:+.1%} on its ex-date"
        )
    for ticker, day in plan.script.added:
        first = features.filter(ticker=ticker).select(pl.min("session_date")).collect().item()
        yield Statement(
            "ticker added: its history comes with it",
            first is not None and first < plan.eve,
            f"listed on {day}, features from {first} on",
        )
    for ticker, last in plan.script.delisted:
        signals = lake.read_or_empty(DAILY_SIGNALS).filter(ticker=ticker)
        newest = signals.select(pl.max("session_date")).collect().item()
        yield Statement(
            "ticker delisted: no signal after its last session",
            newest == last,
            f"last session {last}, last signal {newest}",
        )
    if "sentiment model replaced" in plan.faults:
        count = lake.scan(TEXT_SENTIMENT).select(pl.n_unique("model_fingerprint")).collect().item()
        yield Statement(
            "sentiment model replaced: one model has scored every month",
            count == 1,
            f"{count} fingerprint(s) among the scores",
        )


def _models(rehearsal: Rehearsal) -> Iterator[Statement]:
    runs = [run for record in rehearsal.records for run in record.runs]
    by_age = [run for run in runs if run.cause == BY_AGE and run.outcome == "success"]
    if len(rehearsal.plan.days) > EARLY:
        yield Statement(
            "the model is retrained by its age",
            bool(by_age),
            f"{len(by_age)} runs, the first on {by_age[0].at:%Y-%m-%d}" if by_age else "no run",
        )
    regime = rehearsal.plan.begins("change of regime")
    if regime is None:
        return
    began = rehearsal.plan.decision_at(regime)
    lost = [
        m.at
        for m in messages_of(rehearsal.records)
        if m.alert.kind is Kind.PROOF_LOST and m.phase is Phase.BEGAN and m.at > began
    ]
    yield Statement(
        "change of regime: the champion lost its proof",
        bool(lost),
        f"changed on {regime}, lost on {lost[0]:%Y-%m-%d}" if lost else f"changed on {regime}",
    )
    after = [
        run.at
        for run in runs
        if run.cause == ON_LOST_PROOF and run.outcome == "success" and lost and run.at >= lost[0]
    ]
    yield Statement(
        "change of regime: a retraining followed",
        bool(after),
        f"on {after[0]:%Y-%m-%d}" if after else "none",
    )


def _costs(rehearsal: Rehearsal) -> Iterator[Statement]:
    records = rehearsal.records[1:]
    if len(records) < 2 * EARLY:  # nothing to compare
        return
    early, late = _daily_cpu(records, EARLY - 1), _daily_cpu(records, len(records) - 2)
    yield Statement(
        f"the last session costs at most {MOST_GROWTH} x session {EARLY}",
        late <= MOST_GROWTH * early,
        f"{late:.1f} s of CPU, {early:.1f} s then (daily run, median of three sessions)",
    )
    before, after = records[EARLY - 1].files, records[-1].files
    yield Statement(
        f"the home holds at most {MOST_GROWTH} x the files of session {EARLY}",
        after <= MOST_GROWTH * before,
        f"{after:,} files, {before:,} then",
    )


def _daily_cpu(records: list, middle: int) -> float:
    daily = [
        run.cpu_seconds
        for record in records[middle - 1 : middle + 2]
        for run in record.runs
        if run.cause == SCHEDULE and run.outcome == "success"
    ]
    return statistics.median(daily) if daily else float("inf")
