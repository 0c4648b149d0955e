"""Checks and profile of the features: each once passing, once failing."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg
import numpy as np
import polars as pl
import pytest

from finpulse_assets.defs.features import checks
from finpulse_assets.defs.features.assets import ProfileConfig, feature_profile
from finpulse_assets.domain.audit.leaks import Finding
from finpulse_assets.domain.audit.placebo import Placebo
from finpulse_assets.domain.audit.quality import FEATURE_PROFILE
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.lake.lake import Lake

ROWS = 400
RSI = pl.col("rsi_14")


def features(seed: int = 0, **columns: object) -> pl.DataFrame:
    """Return independent noise for every feature, past every warm-up."""
    random = np.random.default_rng(seed)
    days = pl.date_range(pl.date(2022, 1, 1), pl.date(2022, 1, 1) + pl.duration(days=ROWS - 1))
    frame = pl.DataFrame({it.name: random.standard_normal(ROWS) for it in FEATURES})
    keys = pl.select(ticker=pl.lit("T"), session_date=days, bars_seen=pl.lit(1000))
    return pl.concat([keys, frame], how="horizontal").with_columns(**columns)


@dataclass
class Mart:
    """A warehouse that knows the feature mart alone."""

    frame: pl.DataFrame

    def query(self, sql: str) -> pl.DataFrame:
        assert "from fct_daily_features" in sql
        return self.frame


def results(frame: pl.DataFrame, lake: Lake) -> dict[str, dg.AssetCheckResult]:
    made = checks.feature_quality.op.compute_fn.decorated_fn(Mart(frame), lake)
    return {result.check_name: result for result in made}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def test_sound_features_pass_every_check(lake):
    found = results(features(), lake)
    assert set(found) == set(checks.QUALITY)
    assert all(result.passed for result in found.values())
    assert found["outliers_are_few"].metadata["outliers"].value == 0


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("features_are_present", {"rsi_14": pl.when(RSI < 1).then(RSI)}),
        ("outliers_are_few", {"rsi_14": pl.when(RSI > 0.5).then(99).otherwise(RSI)}),
        ("features_vary_and_differ", {"rsi_14": pl.lit(50.0)}),
        ("features_vary_and_differ", {"rsi_14": pl.col("roc_12") * 2}),
    ],
    ids=["missing", "outliers", "constant", "duplicate"],
)  # fmt: skip
def test_trouble_is_a_warning_that_names_the_feature_and_its_rows(lake, name, columns):
    found = results(features(**columns), lake)[name]
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert "rsi_14" in found.description
    assert found.metadata["troubled"].value == 1
    assert "2022-" in found.metadata["offending_rows"].value


def profile_of(frame: pl.DataFrame, lake: Lake, *, accept: bool = False) -> dg.MaterializeResult:
    body = feature_profile.op.compute_fn.decorated_fn
    return body(ProfileConfig(accept=accept), Mart(frame), lake)


def test_a_build_that_has_moved_replaces_the_accepted_one_only_when_accepted(lake):
    first = profile_of(features(), lake)
    assert first.metadata["accepted"]
    lake.replace(FEATURE_PROFILE, first.value, ["all"])
    shifted = features(seed=1, rsi_14=pl.col("rsi_14") + 3)
    assert results(features(seed=1), lake)["spread_is_as_accepted"].passed
    assert not results(shifted, lake)["spread_is_as_accepted"].passed
    kept = profile_of(shifted, lake)
    assert not kept.metadata["accepted"]
    assert kept.value.equals(first.value)
    assert not profile_of(shifted, lake, accept=True).value.equals(first.value)


def test_a_leak_fails_the_check_and_is_named(monkeypatch):
    body = checks.no_feature_looks_ahead.op.compute_fn.decorated_fn
    finding = Finding("cut", "rsi_14", 7, "AAPL on 2024-01-02: 1 against 2")
    monkeypatch.setattr(checks.FeatureReplay, "of", lambda settings: None)
    clock = type("Clock", (), {"as_of": None})
    for findings in ([], [finding]):
        monkeypatch.setattr(checks, "audit_features", lambda *_, found=findings, **__: found)
        result = body(None, None, clock)
        assert result.passed == (not findings)
        assert result.severity == dg.AssetCheckSeverity.ERROR
    assert "rsi_14: cut check, 7 rows" in result.metadata["guilty"].value


def test_too_little_to_look_at_is_a_warning(monkeypatch):
    def too_little(*_: object, **__: object) -> None:
        raise EvaluationError("an audit needs more than 6 sessions with prices, there are 3")

    monkeypatch.setattr(checks.FeatureReplay, "of", lambda settings: None)
    monkeypatch.setattr(checks, "read_recipe", lambda *_: None)
    monkeypatch.setattr(checks, "audit_features", too_little)
    monkeypatch.setattr(checks, "audit_labels", too_little)
    audited = checks.no_feature_looks_ahead.op.compute_fn.decorated_fn
    shuffled = checks.shuffled_labels_give_no_skill.op.compute_fn.decorated_fn
    clock = type("Clock", (), {"as_of": None})
    for result in (audited(None, None, clock), shuffled(None, None)):
        assert not result.passed
        assert result.severity == dg.AssetCheckSeverity.WARN
        assert "not audited: an audit needs more than 6 sessions" in result.description


def test_skill_on_placebo_labels_fails_the_check(monkeypatch):
    body = checks.shuffled_labels_give_no_skill.op.compute_fn.decorated_fn
    monkeypatch.setattr(checks, "read_recipe", lambda *_: None)
    for z, passes in ((1.0, True), (4.0, False)):
        found = Placebo(auc=0.55, z=z, rows=100)
        monkeypatch.setattr(checks, "audit_labels", lambda _, found=found: found)
        assert body(None, None).passed == passes
