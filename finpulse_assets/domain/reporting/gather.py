"""Gathering: the facts of a report out of rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.domain.predictions.abstention import WORDS
from finpulse_assets.domain.predictions.signals import LATE, direction
from finpulse_assets.domain.reporting.facts import OUTCOME, Fact, Facts, Unit
from finpulse_assets.schemas import (
    DAILY_SIGNALS,
    EVALUATION,
    OUT_OF_SAMPLE,
    OUTCOMES,
    PRICES,
    TEXT_SENTIMENT,
)

QUOTED = 4  # texts, those with the strongest opinion
REASON = re.compile(r"(\w+) ([+-]\d[\d.e-]*)(?: \(place (\d+) %\))?")
SIGNAL = (
    ("probability_up", "probability that the session closes above its open", Unit.SHARE),
    ("probability_lower", "lower end of the interval of that probability", Unit.SHARE),
    ("probability_upper", "upper end of the interval of that probability", Unit.SHARE),
    ("expected_return", "expected return of the session, open to close", Unit.RETURN),
    ("return_lower", "lower end of the band of that return", Unit.RETURN),
    ("return_upper", "upper end of the band of that return", Unit.RETURN),
    ("abstain_reason", "the code of why it should not be acted on", Unit.NAME),
    ("rank", "place among the tickers of the session, 1 is the strongest up signal", Unit.COUNT),
)


@dataclass(frozen=True)
class Known:
    """What is known of a ticker at `as_of` (UTC).

    Args:
        signal: the row that says where it goes.
        is_live: whether the row is one of predictions/daily_signals, else it is one of the
            walk-forward: said by a model that was fitted on earlier sessions alone.
        ranked: tickers that the signal is ranked among.
        texts: text, kind, source, author, knowledge_time, session_date, score; newest last.
        closes: session_date, close, ascending.
        skills: what was proven at that time.
        evaluation: of the champion, None where none was known at that time.
        outcome: what the session did, as schemas.OUT_OF_SAMPLE or OUTCOMES name it; None where it
            has not closed yet.
    """

    ticker: str
    companies: Mapping[str, str]
    as_of: datetime
    signal: Mapping[str, object]
    is_live: bool
    ranked: int
    texts: pl.DataFrame
    closes: pl.DataFrame
    skills: Sequence[str]
    evaluation: Evaluation | None
    outcome: Mapping[str, object] | None
    is_test: bool


def facts_of(known: Known) -> Facts:
    """Return the facts of a report."""
    signal = known.signal
    return Facts(
        ticker=known.ticker,
        company=known.companies.get(known.ticker, known.ticker),
        as_of=known.as_of,
        direction=direction(signal["probability_up"]),
        skills=tuple(known.skills),
        abstains="; ".join(_abstains(known)),
        is_test=known.is_test,
        facts=(
            *_signal(known), *_reasons(known), *_sentiment(known), *_quotes(known), *_price(known),
            *_evaluation(known), *_review(known),
        ),
        others=dict(known.companies),
    )  # fmt: skip


def _abstains(known: Known) -> Iterator[str]:
    if known.is_live and known.signal["origin"] == LATE:
        yield "it was predicted after the session had opened"
    if code := known.signal.get("abstain_reason"):
        yield WORDS[code]


def _signal(known: Known) -> Iterator[Fact]:
    signal, table = known.signal, _table(known)
    row = _row(known)
    yield Fact("session_date", "the last session that the signal stands on",
               signal["session_date"], Unit.DATE, table, row)  # fmt: skip
    if target := signal.get("target_session_date"):
        yield Fact("target_session_date", "the session that it is for", target, Unit.DATE, table,
                   row)  # fmt: skip
    if said_at := signal.get("predicted_at"):
        yield Fact("predicted_at", "when it was said", said_at, Unit.TIME, table, row)
    for name, meaning, unit in SIGNAL:
        if signal.get(name) is not None:
            yield Fact(name, meaning, signal[name], unit, table, row)
    if signal.get("probability_lower") is not None:
        yield Fact("interval_level", "how often the interval held what was seen", 0.9, Unit.SHARE,
                   table, row)  # fmt: skip
    if signal.get("return_lower") is not None:
        yield Fact("band_level", "how often the band holds the return", 0.9, Unit.SHARE, table,
                   row)  # fmt: skip
    if signal.get("rank") is not None:
        yield Fact("ranked_tickers", "tickers of the session", known.ranked, Unit.COUNT, table,
                   row)  # fmt: skip


def _table(known: Known) -> str:
    return DAILY_SIGNALS.name if known.is_live else OUT_OF_SAMPLE.name


def _row(known: Known) -> dict[str, object]:
    keys = ("session_date", "predicted_at") if known.is_live else ("session_date", "candidate")
    return {"ticker": known.ticker, **{key: known.signal[key] for key in keys}}


def _reasons(known: Known) -> Iterator[Fact]:
    table, row = _table(known), _row(known)
    for at, found in enumerate(REASON.finditer(str(known.signal.get("reasons") or "")), 1):
        feature, effect, place = found.groups()
        yield Fact(f"reason_{at}", "a feature that moved the signal", feature, Unit.NAME, table,
                   row)  # fmt: skip
        yield Fact(f"reason_{at}_effect", f"how far {feature} moved the log-odds", float(effect),
                   Unit.NUMBER, table, row)  # fmt: skip
        if place is not None:
            yield Fact(f"reason_{at}_place", f"place of {feature} among the training rows",
                       int(place) / 100, Unit.SHARE, table, row)  # fmt: skip


def _sentiment(known: Known) -> Iterator[Fact]:
    by = known.texts.group_by("kind", "source", maintain_order=True)
    found = by.agg(count=pl.len(), mean=pl.col("score").mean()).sort("kind", "source")
    for kind, source, count, mean in found.iter_rows():
        row = {"ticker": known.ticker, "source": source,
               "session_date": known.signal["session_date"]}  # fmt: skip
        yield Fact(f"texts_{kind}_{source}", f"{kind} of {source} that count for the session",
                   count, Unit.COUNT, f"raw/{kind}", row)  # fmt: skip
        if mean is not None:
            yield Fact(f"sentiment_{kind}_{source}", f"mean sentiment of {kind} of {source}, -1 to "
                       "1", mean, Unit.NUMBER, TEXT_SENTIMENT.name, row)  # fmt: skip


def _quotes(known: Known) -> Iterator[Fact]:
    strongest = known.texts.unique("text", keep="last", maintain_order=True).sort(
        pl.col("score").abs(), descending=True, nulls_last=True, maintain_order=True
    )
    for at, row in enumerate(strongest.head(QUOTED).iter_rows(named=True), 1):
        table = f"raw/{row['kind']}"
        key = {"ticker": known.ticker, "source": row["source"],
               "knowledge_time": row["knowledge_time"].isoformat()}  # fmt: skip
        name = f"quote_{at}"
        yield Fact(name, f"a text of {row['kind']}", row["text"], Unit.TEXT, table, key)
        yield Fact(f"{name}_at", "when it was known", row["knowledge_time"], Unit.TIME, table, key)
        yield Fact(f"{name}_source", "its source", row["source"], Unit.NAME, table, key)
        if row["score"] is not None:
            yield Fact(f"{name}_score", "its sentiment, -1 to 1", row["score"], Unit.NUMBER,
                       TEXT_SENTIMENT.name, key)  # fmt: skip


def _price(known: Known) -> Iterator[Fact]:
    if known.closes.is_empty():
        return
    last = known.closes.row(-1, named=True)
    row = {"ticker": known.ticker, "session_date": last["session_date"]}
    yield Fact("close", "last close", last["close"], Unit.PRICE, PRICES.name, row)
    yield Fact("close_date", "its session", last["session_date"], Unit.DATE, PRICES.name, row)


def _evaluation(known: Known) -> Iterator[Fact]:
    if known.evaluation is None:
        return
    size = known.evaluation.table.filter(pl.col("fold") == "all").row(0, named=True)
    row = {"candidate_id": known.evaluation.candidate_id, "fold": "all"}
    table = EVALUATION.name
    yield Fact("evaluated_sessions", "sessions that the evaluation scored", size["session_count"],
               Unit.COUNT, table, row)  # fmt: skip
    yield Fact("evaluation_level", "level of its intervals", 0.95, Unit.SHARE, table, row)
    for skill in known.evaluation.skills:
        if not skill.estimate.is_known:
            continue
        unit = Unit.RETURN if skill.name == "after_costs" else Unit.NUMBER
        held = skill.estimate
        for end, value in (("", held.value), ("_lower", held.lower), ("_upper", held.upper)):
            yield Fact(f"skill_{skill.name}{end}", f"{skill.name} out of sample{end}", value, unit,
                       table, row)  # fmt: skip


def _review(known: Known) -> Iterator[Fact]:
    if known.outcome is not None:
        table = OUTCOMES.name if known.is_live else OUT_OF_SAMPLE.name
        value = known.outcome["return_next_session"]
        meaning = "what the session did, open to close"
        yield Fact(OUTCOME, meaning, value, Unit.RETURN, table, _row(known))
