"""The dbt project on a small lake: marts against values computed another way, and replays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from finpulse_assets import schemas
from finpulse_assets.domain.features import registry
from finpulse_assets.gateways.warehouse.replay import MartReplay
from tests.integration.planted_burst import BURSTS, HONEST, most_moved, tables_with
from tests.integration.small_lake import HALT, KEY, expected_labels, technical, write_lake
from tests.integration.text_oracle import TextOracle

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = Path(__file__).parents[2] / "dbt_project"
MARTS = ["fct_daily_sentiment", "fct_daily_features", "fct_labels", "fct_training_set"]
STAGED = {
    f"stg_{table.name.split('/')[1]}": table
    for table in (
        schemas.TWEETS, schemas.HEADLINES, schemas.PRICES, schemas.CORPORATE_ACTIONS,
        schemas.SOURCES, schemas.SESSIONS, schemas.TICKERS, schemas.TEXT_SENTIMENT,
        schemas.TEXT_TRAITS, schemas.LISTINGS, schemas.HOLDINGS, schemas.OPTIONS,
    )
}  # fmt: skip
AS_OF = datetime(2026, 2, 16, 22, tzinfo=UTC)  # after the decision of the 31st of 40 sessions
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


def run_dbt(
    *arguments: str, lake: Path, warehouse: Path, manifest: Manifest | None = None
) -> SimpleNamespace:
    """Run dbt in this process; return its results and the marts, with the file closed again.

    A manifest, which `dbt parse` returns, spares the parsing; the path of its lake is in it.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folders = {
        "project-dir": PROJECT,
        "profiles-dir": PROJECT,
        "target-path": lake.parent / "target",
        "log-path": lake.parent / "logs",
    }
    options = [f"--{name}={folder}" for name, folder in folders.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINPULSE_LAKE", str(lake))
        patch.setenv("FINPULSE_WAREHOUSE", str(warehouse))
        # The Dagster resource leaves this behind in a shared process; here unit tests must run.
        patch.delenv("DBT_EXCLUDE_RESOURCE_TYPES", raising=False)
        runner = dbtRunner(manifest=manifest)
        outcome = runner.invoke([*arguments, *options, "--quiet", "--no-use-colors"])
    DuckDBConnectionManager.close_all_connections()
    if not outcome.success:
        failures = [r.message for r in outcome.result or [] if r.status in ("error", "fail")]
        raise AssertionError(failures or outcome.exception)
    if arguments[0] == "parse":
        return outcome.result
    with duckdb.connect(str(warehouse), read_only=True) as reader:
        reader.execute("set TimeZone = 'UTC'")
        marts = {mart: reader.table(mart).pl() for mart in MARTS}
    return SimpleNamespace(results=outcome.result.results, **marts)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The four builds: whole, again into the same file, as of February 16, without any text.

    The project is parsed once; the path of the lake and the name of the warehouse are in that.
    """
    root = tmp_path_factory.mktemp("it's {dbt}")  # the path of a home may hold such marks
    lake, whole_file = root / "lake", root / "whole" / "finpulse.duckdb"
    tables = write_lake(lake, with_texts=True, newcomers=True)
    manifest = run_dbt("parse", lake=lake, warehouse=whole_file)

    def run(*arguments: str, into: str) -> SimpleNamespace:
        warehouse = root / into / "finpulse.duckdb"
        warehouse.parent.mkdir(exist_ok=True)
        return run_dbt(*arguments, lake=lake, warehouse=warehouse, manifest=manifest)

    whole, again = run("build", into="whole"), run("run", into="whole")
    replay = run("run", "--vars", f"{{as_of: '{AS_OF.isoformat()}'}}", into="replay")
    lake.rename(root / "lake with texts")
    write_lake(lake, with_texts=False, newcomers=True)
    empty = run("build", "--exclude", "test_type:unit", into="silent")
    return SimpleNamespace(
        root=root, lake=tables, whole=whole, again=again, replay=replay, silent=empty,
        marts=MartReplay.of(root / "target" / "manifest.json"),
    )  # fmt: skip


def test_holdings_count_from_their_acceptance_and_chains_for_their_own_session(built) -> None:
    """Before a replay's moment the very same values; a later report is not seen."""
    columns = [*KEY, *(it.name for it in registry.COMPANY)]
    whole, replay = (it.fct_daily_features.select(columns) for it in (built.whole, built.replay))
    for build in (whole, replay):
        changed = build.drop_nulls("institution_shares_change")["session_date"]
        assert changed.min() == date(2026, 2, 16)  # accepted after the decision of the 13th
        chained = build.drop_nulls("put_call_volume")["session_date"].unique().sort()
        assert 1 / 4 < len(chained) / build["session_date"].n_unique() < 1 / 2
        assert set(build["implied_volatility"].drop_nulls().round(9)) == {0.205}
    assert_frame_equal(replay, whole.join(replay, on=KEY, how="semi"), check_row_order=False)


def contract(model: str) -> dict[str, str]:
    """Column names of a model's yml in order, with their descriptions."""
    path = next(PROJECT.glob(f"models/*/{model}.yml"))
    columns = yaml.safe_load(path.read_text())["models"][0]["columns"]
    return {column["name"]: column["description"] for column in columns}


@pytest.mark.parametrize("moment", ["whole", "replay"])
def test_marts_equal_values_computed_another_way(built: SimpleNamespace, moment: str) -> None:
    as_of = {"whole": FOREVER, "replay": AS_OF}[moment]
    marts = getattr(built, moment)
    oracle = TextOracle(built.lake, as_of)
    daily = oracle.daily_sentiment()
    assert_frame_equal(
        marts.fct_daily_sentiment, daily, check_column_order=False, check_dtypes=False
    )
    names = [*KEY, *(feature.name for feature in registry.TEXT)]
    expected = oracle.features(marts.fct_daily_features).select(names)
    assert_frame_equal(marts.fct_daily_features.select(names), expected, check_dtypes=False)
    assert_frame_equal(marts.fct_labels, expected_labels(built.lake, as_of))
    predicted = marts.fct_labels.filter(horizon="open_to_close")
    assert marts.fct_training_set.select(KEY).equals(
        predicted.join(marts.fct_daily_features, on=KEY, how="semi").select(KEY)
    )


def test_technical_features_pass_through_unchanged(built: SimpleNamespace) -> None:
    names = [*KEY, *(feature.name for feature in registry.TECHNICAL)]
    expected = technical(built.lake.prices).select(names)
    assert_frame_equal(built.whole.fct_daily_features.select(names), expected)


def test_rows_are_sorted_and_a_rerun_changes_nothing(built: SimpleNamespace) -> None:
    for mart in MARTS:
        first = getattr(built.whole, mart)
        assert first.height > 0
        key = [*KEY, "horizon"] if mart == "fct_labels" else KEY
        assert first.equals(first.sort(key)), f"{mart} is not sorted"
        assert first.equals(getattr(built.again, mart)), f"{mart} differs after a second run"


def test_a_halt_and_a_session_without_trades_have_no_label(built: SimpleNamespace) -> None:
    days = built.lake.sessions["session_date"]
    labelled = built.whole.fct_labels.filter(pl.col("ticker").is_in(["HOLE", "STIL"]))
    rows = set(labelled.filter(horizon="open_to_close").select(KEY).rows())
    assert ("HOLE", days[HALT - 1]) not in rows  # no bar in the next session
    assert ("HOLE", days[HALT]) not in rows  # no bar to decide on
    assert ("HOLE", days[HALT + 1]) in rows
    assert ("STIL", days[HALT - 1]) not in rows  # the next session has a bar without trades
    assert ("STIL", days[HALT]) in rows
    over_the_halt = pl.col("session_date").is_in(days[HALT - 5 : HALT + 1].implode())
    assert labelled.filter(over_the_halt, ticker="HOLE", horizon="sessions_5").is_empty()
    assert labelled.filter(ticker="HOLE", horizon="sessions_5").height == 40 - 5 - 6


def test_an_earlier_state_comes_back_without_later_knowledge(built: SimpleNamespace) -> None:
    day = built.lake.sessions["session_date"][19]
    label = {"ticker": "AAPL", "session_date": day, "horizon": "open_to_close"}
    corrected = built.whole.fct_labels.filter(**label)["return"].item()
    original = built.replay.fct_labels.filter(**label)["return"].item()
    assert corrected == pytest.approx(70 / 40 - 1)
    assert abs(original) < 0.2
    assert built.replay.fct_labels["exit_at"].max() <= AS_OF
    assert built.replay.fct_daily_features["decision_at"].max() <= AS_OF
    before = pl.col("decision_at") <= AS_OF
    assert built.replay.fct_daily_features.equals(built.whole.fct_daily_features.filter(before))


@pytest.mark.parametrize("position", [0, 4, HALT, 21, 33])
def test_no_row_changes_by_a_bit_when_all_that_follows_is_cut_off(
    built: SimpleNamespace, position: int
) -> None:
    day, moment = built.lake.sessions.select("session_date", "decision_at").row(position)
    cut = dict(built.lake.by_name)
    for column, last in {"knowledge_time": moment, "session_date": day}.items():
        for name, frame in cut.items():
            cut[name] = frame.filter(pl.col(column) <= last) if column in frame.columns else frame
    rebuilt = built.marts.build(cut, "fct_daily_features", as_of=FOREVER)
    assert rebuilt.height > 0
    assert rebuilt.equals(built.whole.fct_daily_features.filter(pl.col("session_date") <= day))


def test_a_text_feature_depends_on_no_session_before_its_lookback(built: SimpleNamespace) -> None:
    days = built.lake.sessions["session_date"]
    start, late = 8, dict(built.lake.by_name)
    for name in ("raw/tweets", "raw/headlines"):
        # All versions of a text go with its first: an edit must not become news by that.
        first = pl.col("session_date").min().over("text_id", "ticker")
        late[name] = late[name].filter(first >= days[start])
    bars = late["features/technical"]
    late["features/technical"] = bars.filter(pl.col("session_date") >= days[start])
    rebuilt = built.marts.build(late, "fct_daily_features", as_of=FOREVER)
    tested = [f for f in registry.TEXT if start + f.lookback < len(days)]
    assert {f.name for f in registry.TEXT} - {f.name for f in tested} == {
        "sentiment_decayed_10d", "sessions_since_text", "sessions_since_headline",
    }  # fmt: skip
    for feature in tested:
        warm = pl.col("session_date") >= days[start + feature.lookback - 1]
        one, other = (
            frame.filter(warm).select(*KEY, feature.name)
            for frame in (built.whole.fct_daily_features, rebuilt)
        )
        assert one.equals(other), feature.name


@pytest.mark.parametrize("planted", BURSTS)
def test_a_planted_burst_moves_the_weighted_score_no_more_than_its_voices(
    built: SimpleNamespace, planted: str
) -> None:
    def scores(texts: list[str], authors: list[str | None]) -> dict[str, object]:
        tables = tables_with(texts, authors, built.lake.by_name, "AAPL")
        daily = built.marts.build(tables, "fct_daily_sentiment", as_of=FOREVER)
        return daily.row(0, named=True)

    voices, plant = BURSTS[planted]
    before, after = scores([], []), scores(*plant())
    assert before["sentiment_weighted"] == pytest.approx(-0.1)
    assert abs(after["sentiment_weighted"] - before["sentiment_weighted"]) <= most_moved(voices)
    assert after["sentiment_raw"] - before["sentiment_raw"] > 0.9
    assert after["text_count"] >= len(HONEST)


def test_without_texts_there_are_features_with_counts_of_zero(built: SimpleNamespace) -> None:
    assert built.silent.fct_daily_sentiment.height == 0
    features = built.silent.fct_daily_features
    assert features.height == built.whole.fct_daily_features.height
    absent = [f.name for f in registry.TEXT if f.undefined]
    assert set(features.select(pl.col(absent).null_count()).row(0)) == {features.height}
    present = features.select(f.name for f in registry.TEXT if not f.undefined)
    assert {name: present[name].unique().to_list() for name in present.columns} == {
        name: [60 if name.startswith("sessions_since") else 0] for name in present.columns
    }


def test_every_data_and_unit_test_of_the_project_ran(built: SimpleNamespace) -> None:
    declared = {
        test["name"]
        for path in PROJECT.glob("models/**/*.yml")
        for test in yaml.safe_load(path.read_text()).get("unit_tests", [])
    }
    passed = {r.node.name for r in built.whole.results if r.status == "pass"}
    assert len(declared) == 29
    assert declared <= passed
    assert {
        "every_text_has_its_traits",
        "texts_are_known_before_their_decision",
        "fct_labels_is_sound",
    } <= passed


@pytest.mark.parametrize("mart", MARTS)
def test_tables_have_the_columns_of_their_contract(built: SimpleNamespace, mart: str) -> None:
    assert getattr(built.whole, mart).columns == list(contract(mart))


@pytest.mark.parametrize("mart", ["fct_daily_features", "fct_training_set"])
def test_contracts_list_the_registry_in_its_order_and_words(mart: str) -> None:
    columns = contract(mart)
    expected = {f.name: f"{f.meaning} [{f.unit}]" for f in registry.FEATURES}
    described = {name: text for name, text in columns.items() if name in expected}
    assert list(columns)[: 3 + len(expected)] == [*KEY, "decision_at", *expected]
    assert described == expected


@pytest.mark.parametrize("model", list(STAGED))
def test_staging_repeats_the_lake_contract(model: str) -> None:
    expected = {
        c.name: c.meaning + (f" [{c.unit}]" if c.unit else "") for c in STAGED[model].columns
    }
    assert contract(model) == expected
    assert list(contract(model)) == list(expected)


def test_a_wrong_as_of_names_the_value_and_the_form(built: SimpleNamespace) -> None:
    with pytest.raises(AssertionError, match=r"as_of is 'yesterday', it should be a UTC time"):
        run_dbt(
            "parse", "--vars", "{as_of: yesterday}",
            lake=built.root / "lake", warehouse=built.root / "finpulse.duckdb",
        )  # fmt: skip
