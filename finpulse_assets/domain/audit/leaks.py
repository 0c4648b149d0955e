"""The leak auditor: does a feature know what its decision could not know?

The checks, on any build of features.

- *cut*: take away all that was known after a decision and build again. Rows decided by then must be
  the same to the last bit; a column that differs has seen the future.
- *warm-up*: begin later and build again. Past its declared warm-up a column must agree; one that
  does not depends on where the history happens to begin.
- *canary*: plant a copy of the next session's return beside the features. The cut must find it, or
  the auditor itself is blind.
- *oracle*: a column that all but equals the outcome is the outcome, whatever its rows say of when
  it was known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import polars as pl

from finpulse_assets.domain.audit.tables import Tables, cut, start_at

Build = Callable[[Tables], pl.DataFrame]
Check = Literal["cut", "warm-up", "canary", "oracle"]

KEY = ("ticker", "session_date")
PLANTED = "planted_future"
# A recursive average never quite forgets its start: what moves a column by less than a thousandth
# of its spread counts as forgotten.
WARM_TOLERANCE = 1e-3
# A column that hardly varies differs by the rounding of its sums: no dependence on a start.
ROUNDING = 1e-9
# The first bar sets the scale of adjusted prices, and on another scale rounding decides otherwise
# which of two equal moves is the larger. An indicator that compares them (Wilder's directions) then
# differs for some bars: a few rows in a hundred are no dependence on the start.
WARM_SHARE = 0.03
ORACLE_CORRELATION = 0.95
ORACLE_ROWS = 100


@dataclass(frozen=True)
class Finding:
    """A guilty column: `example` shows one row, as built whole and as built from less."""

    check: Check
    column: str
    rows: int
    example: str

    def __str__(self) -> str:
        rows = f"{self.rows:,} row" + ("s" if self.rows != 1 else "")
        return f"{self.column}: {self.check} check, {rows}, for example {self.example}"


def audit(
    build: Build,
    tables: Tables,
    *,
    moments: Sequence[datetime],
    warm_up: Mapping[str, int],
    first_session: object | None = None,
) -> list[Finding]:
    """Return what is wrong with a build of features, the guiltiest column of each check first.

    Args:
        build: from raw tables to ticker, session_date, decision_at, bars_seen and feature columns.
        tables: raw tables by name; each row says when it was known. `raw/prices` is one of them.
        moments: decision times, UTC, at which the input is cut.
        warm_up: column -> bars of a run after which its start must not matter; columns that are
            not in it are spared the warm-up check.
        first_session: where the warm-up check begins; None leaves it out.
    """
    whole = build(tables)
    findings: list[Finding] = []
    is_blind = bool(moments)
    for moment in moments:
        known = cut(tables, moment)
        findings += compare(whole, build(known), "cut", until=moment)
        planted = compare(_planted(tables), _planted(known), "cut", until=moment)
        is_blind &= not any(finding.column == PLANTED for finding in planted)
    if is_blind:
        findings.append(Finding("canary", PLANTED, 0, "a copy of the future was not found"))
    if first_session is not None:
        late = build(start_at(tables, first_session))
        findings += compare_warm(whole, late, warm_up)
    findings += find_oracles(whole, _planted(tables))
    return _worst(findings)


def compare(
    whole: pl.DataFrame, part: pl.DataFrame, check: Check, *, until: datetime
) -> list[Finding]:
    """Return the columns of rows decided by `until` that are not the same, bit for bit.

    Args:
        whole: features of all that is known.
        part: features of what was known at `until`, in the same columns.
        check: how a finding is called.
        until: UTC time.
    """  # fmt: skip
    decided = pl.col("decision_at") <= until
    one, other = (frame.filter(decided).sort(KEY) for frame in (whole, part))
    if not one.select(KEY).equals(other.select(KEY)):
        extra = pl.concat([one.join(other, on=KEY, how="anti").select(KEY),
                           other.join(one, on=KEY, how="anti").select(KEY)])  # fmt: skip
        example = f"{extra.row(0)} is there in one and not in the other" if extra.height else ""
        return [Finding(check, "(rows)", extra.height, example)]
    return [
        finding
        for name in one.columns
        if name not in (*KEY, "decision_at")
        and (finding := _difference(one, other[name], check, ~one[name].eq_missing(other[name])))
    ]


def compare_warm(
    whole: pl.DataFrame, late: pl.DataFrame, warm_up: Mapping[str, int]
) -> list[Finding]:
    """Return the columns that disagree after their warm-up in a build that begins later.

    A statistic across tickers is compared in sessions where every ticker is as warm as it was.
    """
    seen = late.select(*KEY, late_seen="bars_seen")
    both = whole.join(seen, on=KEY, how="inner").sort(KEY)
    late = late.join(both.select(KEY), on=KEY, how="semi").sort(KEY)
    findings = []
    for name, bars in warm_up.items():
        one, other = both[name].cast(pl.Float64), late[name].cast(pl.Float64)
        spread = _spread(one)
        rounding = ROUNDING * pl.max_horizontal(pl.lit(1.0), one.abs())
        moved = (one - other).abs() > pl.select(WARM_TOLERANCE * spread + rounding).to_series()
        differs = moved.fill_null(False) | (one.is_null() != other.is_null())
        settled = (pl.col("late_seen") >= bars) | (pl.col("bars_seen") < bars)
        ready = both.select((settled.all().over("session_date")) & (pl.col("late_seen") >= bars))
        compared = ready.to_series()
        finding = _difference(both, other, "warm-up", differs & compared)
        if finding and finding.rows > WARM_SHARE * compared.sum():
            findings.append(finding)
    return findings


def find_oracles(features: pl.DataFrame, outcome: pl.DataFrame) -> list[Finding]:
    """Return the columns whose correlation with the next session's return is all but perfect."""
    both = features.join(outcome.select(*KEY, PLANTED), on=KEY, how="inner")
    findings = []
    for name, dtype in features.schema.items():
        if name in KEY or not dtype.is_numeric():
            continue
        pair = both.select(pl.col(name, PLANTED).cast(pl.Float64)).drop_nulls()
        if pair.height < ORACLE_ROWS or pair[name].std() == 0:
            continue
        found = abs(pair.select(pl.corr(name, PLANTED, method="spearman")).item())
        if np.isfinite(found) and found > ORACLE_CORRELATION:
            example = f"its rank correlation with the next session's return is {found:.3f}"
            findings.append(Finding("oracle", name, pair.height, example))
    return findings


def _planted(tables: Tables) -> pl.DataFrame:
    """Return the next bar's return of every bar that was known: what nobody can know."""
    bars = tables["raw/prices"].sort(*KEY, "knowledge_time").unique(KEY, keep="first").sort(KEY)
    change = (pl.col("close") / pl.col("open") - 1).shift(-1).over("ticker")
    return bars.select(*KEY, decision_at="knowledge_time").with_columns(
        bars.select(**{PLANTED: change})
    )


def _spread(values: pl.Series) -> float:
    """Return a robust deviation: the middle half's width over that of a normal one."""
    width = (values.quantile(0.75) or 0.0) - (values.quantile(0.25) or 0.0)
    return width / 1.349 or values.std() or 0.0


def _difference(
    rows: pl.DataFrame, other: pl.Series, check: Check, differs: pl.Series
) -> Finding | None:
    count = int(differs.sum())
    if not count:
        return None
    at = differs.arg_max()
    ticker, day = rows.select(KEY).row(at)
    example = f"{ticker} on {day}: {rows[other.name][at]} against {other[at]}"
    return Finding(check, other.name, count, example)


def _worst(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding a check and column, that with the most rows, most rows first."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.check, finding.column)
        if key not in kept or finding.rows > kept[key].rows:
            kept[key] = finding
    return sorted(kept.values(), key=lambda it: (it.check, -it.rows, it.column))
