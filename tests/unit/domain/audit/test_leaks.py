"""The auditor finds every known leak by the name of its column, and none in a sound build."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finpulse_assets.domain.audit.leaks import PLANTED, audit, compare, find_oracles
from finpulse_assets.domain.audit.tables import choose_moments, cut, start_at
from finpulse_assets.domain.features.registry import FEATURES
from tests.unit.domain.audit.leaky_builds import (
    BASE,
    KEY,
    LEAKS,
    bars,
    decided_at_the_open,
    leaking,
    of_bars,
    sound,
    without_the_delisted,
)
from tests.unit.domain.audit.moving_market import SESSIONS, market

WARM_UP = {feature.name: feature.warm_up for feature in FEATURES if feature.name in BASE}


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return market()


@pytest.fixture(scope="module")
def moments(tables) -> list:
    days = tables["raw/prices"]["session_date"].unique().sort()
    decided = SESSIONS.filter(pl.col("session_date").is_in(days.implode()))["decision_at"]
    return choose_moments(tables, decided, count=20)


@pytest.fixture(scope="module")
def start(tables) -> date:
    return tables["raw/prices"]["session_date"].unique().sort()[30]


def guilty(findings, check: str) -> set[str]:
    return {finding.column for finding in findings if finding.check == check}


def test_a_sound_build_raises_no_alarm(tables, moments, start):
    assert audit(sound, tables, moments=moments, warm_up=WARM_UP, first_session=start) == []


@pytest.mark.parametrize("name", LEAKS)
def test_the_cut_finds_the_leak(name, tables, moments):
    findings = audit(leaking(LEAKS[name]), tables, moments=moments, warm_up={})
    assert guilty(findings, "cut") == {"leak"}, findings
    found = next(finding for finding in findings if finding.check == "cut")
    assert found.rows > 0
    assert " against " in str(found)


def test_at_least_twenty_leaks_are_planted():
    assert len(LEAKS) >= 20


def test_the_close_of_the_day_is_a_leak_where_the_open_decides(tables):
    opens = SESSIONS.filter(pl.col("session_date") > date(2024, 3, 1))["open_at"]
    findings = audit(
        decided_at_the_open, tables, moments=choose_moments(tables, opens, count=2), warm_up={}
    )
    assert "leak" in guilty(findings, "cut") or "(rows)" in guilty(findings, "cut")


def test_rows_that_a_later_delisting_removes_are_a_leak(tables, moments):
    assert tables["raw/tickers"]["valid_to"].null_count() < tables["raw/tickers"].height
    findings = audit(without_the_delisted, tables, moments=moments, warm_up={})
    assert "(rows)" in guilty(findings, "cut")


@pytest.mark.parametrize(
    "expression",
    [
        pl.col("close").cum_sum().over("ticker"),
        (pl.col("close") / pl.col("close").first()).over("ticker"),
        pl.col("close").ewm_mean(half_life=100).over("ticker"),
        pl.int_range(pl.len()).over("ticker"),
    ],
    ids=["running sum", "from the first bar", "slow average", "bar number"],
)
def test_the_warm_up_finds_what_depends_on_the_start(expression, tables, start):
    build = leaking(of_bars(expression))
    findings = audit(build, tables, moments=[], warm_up={"leak": 40}, first_session=start)
    assert guilty(findings, "warm-up") == {"leak"}


def test_a_declared_warm_up_that_is_too_short_is_found(tables, start):
    short = {**WARM_UP, "rsi_14": 15}
    build = leaking(of_bars(pl.col("close").ewm_mean(span=20).over("ticker")))
    findings = audit(build, tables, moments=[], warm_up=short | {"leak": 20}, first_session=start)
    assert guilty(findings, "warm-up") == {"leak", "rsi_14"}
    assert audit(build, tables, moments=[], warm_up={"leak": 140}, first_session=start) == []


def test_a_copy_of_the_outcome_is_found_whatever_it_says_of_when_it_was_known(tables):
    """A side table whose rows claim to be known early passes every cut."""
    rows = bars(tables)
    outcome = (pl.col("close") / pl.col("open") - 1).shift(-1).over("ticker")
    side = rows.select(*KEY, "knowledge_time", leak=outcome * 3 + 1)
    build = lambda given: sound(given).join(given["side"].drop("knowledge_time"), on=KEY)  # noqa: E731
    findings = audit(build, {**tables, "side": side}, moments=[], warm_up={})
    assert guilty(findings, "oracle") == {"leak"}
    assert "rank correlation" in findings[0].example


def test_an_auditor_that_cannot_see_says_so(tables):
    """Cut after the end of the data nothing is taken away: the planted copy is not found."""
    after = SESSIONS["decision_at"].max()
    findings = audit(sound, tables, moments=[after], warm_up={})
    assert guilty(findings, "canary") == {PLANTED}


def test_oracles_need_enough_rows(tables):
    features = sound(tables).head(20).with_columns(leak=pl.lit(1.0))
    outcome = features.select(*KEY, **{PLANTED: pl.col("return_1d")})
    assert find_oracles(features, outcome) == []


def test_a_cut_keeps_what_was_known(tables, moments):
    known = cut(tables, moments[0])
    assert known["raw/prices"]["knowledge_time"].max() <= moments[0]
    assert known["raw/sessions"].equals(tables["raw/sessions"])
    version = ["ticker", "valid_from"]
    later = tables["raw/tickers"].filter(pl.col("valid_from") > moments[0].date())
    assert later["ticker"].is_in(known["raw/tickers"]["ticker"].implode()).any()  # a new sector
    assert known["raw/tickers"].join(later, on=version, how="semi").is_empty()
    assert known["raw/tickers"]["valid_to"].drop_nulls().lt(moments[0].date()).all()


def test_a_late_start_drops_bars_and_texts_only(tables, start):
    late = start_at(tables, start)
    assert late["raw/prices"]["session_date"].min() == start
    assert late["raw/tweets"]["session_date"].min() >= start
    assert late["raw/corporate_actions"].equals(tables["raw/corporate_actions"])


def test_busy_moments_are_looked_from(tables, moments):
    """One of the moments lies between a late row's event and the time it was known."""
    late = tables["raw/prices"].filter(pl.col("knowledge_time") > pl.col("event_time"))
    assert any(
        ((late["event_time"] <= moment) & (late["knowledge_time"] > moment)).any()
        for moment in moments
    )


def test_a_new_sector_is_looked_at_from_the_decision_before_it(tables):
    """However late in the history it comes, and however few moments are asked for."""
    versions = tables["raw/tickers"].sort("valid_from")
    [day] = versions.filter(~pl.col("ticker").is_first_distinct())["valid_from"]
    decided = SESSIONS.filter(
        pl.col("session_date").is_between(date(2023, 10, 2), date(2024, 6, 3))
    )
    before = decided.filter(pl.col("session_date") < day)["decision_at"].max()
    only = {"raw/tickers": tables["raw/tickers"]}
    assert before in choose_moments(only, decided["decision_at"], count=2)


def test_null_against_a_value_is_a_difference(tables, moments):
    whole = sound(tables)
    gone = whole.with_columns(rsi_14=pl.when(pl.col("ticker") != whole["ticker"][0]).then("rsi_14"))
    found = compare(whole, gone, "cut", until=moments[-1])
    assert [finding.column for finding in found] == ["rsi_14"]
