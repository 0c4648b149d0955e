"""The analytics snapshot: its content, as-of macros, the cookbook, `finpulse sql`, the assets."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from finpulse_assets.cli import app
from finpulse_assets.defs.serving.pages import data_dictionary_page, dbt_docs
from finpulse_assets.defs.serving.snapshot import analytics_snapshot
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.snapshot.reader import SnapshotReader
from finpulse_assets.gateways.snapshot.store import SnapshotStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.data_dictionary import data_dictionary
from finpulse_assets.orchestration.dbt.in_process import dbt_of
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.settings import Settings
from tests.integration.snapshot_home import AS_OF, SnapshotHome, build_home

COOKBOOK = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text()
RECIPE = re.compile(r"^## (\d+)\. (.*?)$.*?```sql\n(.*?)```\n\nColumns: (.*?)$", re.M | re.S)
RECIPES = RECIPE.findall(COOKBOOK)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SnapshotHome:
    home = build_home(tmp_path_factory.mktemp("home") / "demo")
    home.publish()
    return home


@pytest.fixture
def reader(home: SnapshotHome) -> SnapshotReader:
    return SnapshotReader(SnapshotStore(home.root).current)


def test_every_recipe_of_the_cookbook_is_found():
    assert [number for number, *_ in RECIPES] == [str(n + 1) for n in range(16)]
    assert COOKBOOK.count("```sql") == len(RECIPES)


@pytest.mark.parametrize(("title", "sql", "columns"), [r[1:] for r in RECIPES])
def test_a_recipe_returns_the_columns_that_it_names(reader, title, sql, columns):
    result = reader.query(sql)
    assert list(result.columns) == re.findall(r"`(\w+)`", columns), title
    assert result.rows, f"{title} returns no row of this lake"


def recipe(reader: SnapshotReader, number: int) -> list[dict[str, object]]:
    result = reader.query(RECIPES[number - 1][2])
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_recipes_say_what_is_planted_in_the_lake(reader):
    assert all(row["hit_rate"] == 1 for row in recipe(reader, 2)), "the forecasts are right"
    for month in recipe(reader, 3):
        assert month["rank_ic"] == pytest.approx(1)
        assert month["rank_ic_without_text"] == pytest.approx(-1)
    [correction] = recipe(reader, 8)
    assert correction["ticker"] == "AAPL"
    assert correction["last_close"] == 70.0
    live = recipe(reader, 1)
    assert [row["rank"] for row in live] == [1, 2, 3, 4, 5, 6]
    assert len({row["target_session_date"] for row in live}) == 1
    first_bar = 1 / 40  # every technical feature is null in the first bar of 39 or 40
    shares = {row["feature"]: row["null_share"] for row in recipe(reader, 10)}
    assert shares["rsi_14"] == pytest.approx(first_bar, rel=0.03)
    assert shares["text_count"] == 0


def test_every_table_and_column_is_commented_and_catalogued(reader):
    columns = reader.query(
        "select table_name, column_name, data_type, comment, is_nullable from duckdb_columns() "
        "where not internal order by all"
    ).rows
    assert [row for row in columns if not row[3]] == []
    assert [row for row in reader.tables().rows if not row[2]] == []
    catalogued = reader.query(
        "select table_name, column_name, data_type, case unit when '' then meaning else "
        "meaning || ' [' || unit || ']' end, is_nullable from catalogue order by all"
    ).rows
    assert columns == catalogued
    assert (
        reader.query("from catalogue where grain = '' or known_at = '' or source = ''").rows == []
    )
    assert all(comment for _, comment in reader.macros().rows)


def test_nothing_in_a_snapshot_was_known_later_than_its_time(home, tmp_path):
    as_of = AS_OF - timedelta(days=20)
    earlier = SnapshotReader(home.publish(as_of=as_of).path)
    newest = earlier.query(
        "select greatest((select max(knowledge_time) from prices), "
        "(select max(knowledge_time) from tweets), (select max(knowledge_time) from headlines), "
        "(select max(predicted_at) from daily_signals), "
        "(select max(matured_at) from outcomes)), (select max(as_of) from snapshot)"
    ).rows[0]
    assert newest[0] <= newest[1] == as_of
    home.publish()


def test_requests_and_refused_rows_of_every_source_are_one_table_each(reader):
    asked = reader.query("select source, kind, delivered_rows, late_rows from requests")
    assert asked.rows == [("wire", "tweets", 7, 2)], "what came after its time is not in it"
    refused = reader.query("select source, kind, reason from quarantined_rows")
    assert refused.rows == [("wire", "tweets", "the time lies ahead")]


def test_a_correction_is_unknown_before_it_came(reader):
    [(first, corrected_at)] = reader.query(
        "select arg_min(close, knowledge_time), max(knowledge_time) from prices "
        "where ticker = 'AAPL' group by session_date having count(*) > 1"
    ).rows

    def closes(moment) -> list[tuple[object, ...]]:
        return reader.query(
            f"select close from prices_as_of('{moment}') "  # noqa: S608
            "where ticker = 'AAPL' and session_date = "
            "(select session_date from prices where ticker = 'AAPL' group by 1 having count(*) > 1)"
        ).rows

    assert closes(corrected_at - timedelta(seconds=1)) == [(first,)]
    assert closes(corrected_at) == [(70.0,)]


@pytest.mark.parametrize(
    ("macro", "time", "key"),
    [
        ("prices_as_of", "knowledge_time", "source, ticker, session_date"),
        ("chosen_prices_as_of", "knowledge_time", "ticker, session_date"),
        ("tweets_as_of", "knowledge_time", "source, text_id, ticker"),
        ("headlines_as_of", "knowledge_time", "source, text_id, ticker"),
        ("daily_signals_as_of", "predicted_at", "ticker, session_date"),
        ("fct_labels_as_of", "exit_at", "ticker, session_date, horizon"),
        ("fct_daily_features_as_of", "decision_at", "ticker, session_date"),
        ("fct_training_set_as_of", "decision_at", "ticker, session_date"),
    ],
)
def test_an_as_of_macro_knows_no_later_row_and_each_key_once(reader, macro, time, key):
    moment = AS_OF - timedelta(days=20)
    counts = [
        reader.query(
            f"select count(*), count(distinct ({key})), max({time}) <= '{moment}' "  # noqa: S608
            f"from {macro}('{at}')"
        ).rows[0]
        for at in (moment, AS_OF)
    ]
    (then, then_distinct, none_later), (now, now_distinct, _) = counts
    assert 0 < then < now
    assert none_later
    assert (then, now) == (then_distinct, now_distinct)


def test_a_macro_is_named_after_its_table_and_has_its_columns(reader):
    """The rule: t_as_of(ts) is the table t as it was known at ts."""
    macros = [name.removesuffix("(ts)") for name, _ in reader.macros().rows]
    assert len(macros) == 12
    for macro in macros:
        table = macro.removesuffix("_as_of")
        assert macro == f"{table}_as_of"
        columns, own = (
            reader.query(f"describe select * from {of}").rows  # noqa: S608
            for of in (table, f"{macro}('{AS_OF}')")
        )
        assert [row[:2] for row in own] == [row[:2] for row in columns], macro


def test_the_chosen_prices_are_those_of_now_and_the_adjusted_ones_theirs(reader):
    now = f"select * from chosen_prices_as_of('{AS_OF}')"  # noqa: S608
    for one, other in ((now, "from chosen_prices"), ("from chosen_prices", now)):
        assert reader.query(f"{one} except {other}").rows == []
    closes = "select ticker, session_date, close, source from {} order by all"
    chosen, adjusted = (
        reader.query(closes.format(name)).rows for name in ("chosen_prices", "adjusted_prices")
    )
    assert chosen == adjusted
    [(before, on_the_day)] = reader.query(
        "select max(adjustment_factor) filter (session_date < '2026-01-20'), "
        "min(adjustment_factor) filter (session_date >= '2026-01-20') from adjusted_prices "
        "where ticker = 'TSLA'"
    ).rows
    assert (before, on_the_day) == (1.0, 2.0), "TSLA's split of 2026-01-20"


def test_minute_bars_are_those_of_the_last_sessions(reader):
    """Of 40 sessions with two bars each the last 20 are there; the file says so."""
    [(bars, sessions, first)] = reader.query(
        "select count(*), count(distinct session_date), min(session_date) from bars_1m"
    ).rows
    [(expected,)] = reader.query(
        "select session_date from sessions order by session_date desc offset 19 limit 1"
    ).rows
    assert (bars, sessions, first) == (40, 20, expected)
    comments = {name: comment for name, _, comment in reader.tables().rows}
    assert "The last 20 sessions" in comments["bars_1m"]


def test_the_history_of_promotions_and_the_champions_inputs_are_published(home, reader):
    decisions = reader.query(
        "select decision, candidate_id, is_promoted, champion_id, reasons from promotion"
    ).rows
    champion = home.models.promotion().champion.candidate_id
    assert decisions == [
        (1, "older", True, "older", "a reason"),
        (2, champion, True, champion, "a reason"),
    ]
    inputs = reader.query(
        "select rank, feature, gain_share from feature_importance order by 1"
    ).rows
    assert [rank for rank, *_ in inputs] == [1, 2, 3]
    assert inputs[0][1] == "sentiment_mean", "what moves the fake's outcome"
    assert sum(share for *_, share in inputs) == pytest.approx(1)


def test_before_a_decision_there_is_no_champion_and_of_a_removed_model_nothing(home):
    """The decision of the tenth is about a model that is not kept, the first is yet to come."""
    for day, decisions in ((5, 0), (12, 1)):
        earlier = SnapshotReader(home.publish(as_of=AS_OF.replace(day=day)).path)
        assert earlier.query("select count(*) from promotion").rows == [(decisions,)]
        assert earlier.query("from feature_importance").rows == []
    home.publish()


def test_the_signals_that_counted_at_a_time_are_one_version_of_each_session(reader):
    """Live before late, then the newest that had been predicted by then."""
    [(day, decided)] = reader.query(
        "select session_date, any_value(decision_at) from daily_signals where origin = 'live' "
        "group by 1 order by 1 limit 1"
    ).rows

    def models(moment) -> list[tuple[object, ...]]:
        return reader.query(
            f"select distinct model_version from daily_signals_as_of('{moment}') "  # noqa: S608
            f"where session_date = '{day}'"
        ).rows

    assert models(decided - timedelta(seconds=1)) == []
    assert models(decided) == [("m1",)]
    assert models(decided + timedelta(hours=2)) == [("m2",)]


def test_an_outcome_is_valued_by_the_prices_of_then(reader):
    """AAPL's bar of 40 to 70 dollars is a correction; before it came, the move was small."""
    [(day, corrected_at)] = reader.query(
        "select session_date, max(knowledge_time) from prices where ticker = 'AAPL' "
        "group by session_date having count(*) > 1"
    ).rows
    outcome = "select return_next_session, is_up from fct_training_set_as_of('{}') "
    outcome += f"where ticker = 'AAPL' and target_session_date = '{day}'"
    [(before, _)] = reader.query(outcome.format(corrected_at - timedelta(seconds=1))).rows
    [(after, is_up)] = reader.query(outcome.format(corrected_at)).rows
    assert abs(before) < 0.2
    assert after == pytest.approx(70 / 40 - 1)
    assert is_up


def test_of_two_sources_the_preferred_one_is_chosen(reader):
    """Three bars of MSFT stand twice among the prices, and once among the chosen ones."""
    twice = reader.query(
        f"select session_date from prices_as_of('{AS_OF}') where ticker = 'MSFT' "  # noqa: S608
        "group by all having count(distinct source) = 2"
    ).rows
    chosen = reader.query(
        f"select distinct source, close < 90 from chosen_prices_as_of('{AS_OF}') "  # noqa: S608
        "where ticker = 'MSFT'"
    ).rows
    assert len(twice) == 3
    assert chosen == [("test", True)]


def test_as_of_now_is_the_training_set(reader):
    now = f"fct_training_set_as_of('{AS_OF}')"
    for one, other in ((now, "fct_training_set"), ("fct_training_set", now)):
        assert reader.query(f"from {one} except from {other}").rows == []


def test_equal_content_is_published_once(home):
    first, again = home.publish(), home.publish()
    assert again.snapshot_id == first.snapshot_id
    assert not again.is_new


def run_sql(home: SnapshotHome, monkeypatch, *arguments: str) -> int:
    monkeypatch.setenv("FINPULSE_HOME", str(home.root.parent))
    monkeypatch.setattr(sys, "argv", ["finpulse", "sql", *arguments])
    with pytest.raises(SystemExit) as stopped:
        app.main()
    return stopped.value.code


def test_finpulse_sql_prints_tables_json_and_csv(home, monkeypatch, capsys):
    query = "select ticker, count(*) as bars, max(session_date) as last from prices group by 1"
    assert run_sql(home, monkeypatch, query + " order by 1") == 0
    assert re.search(r"AAPL +41 +2026-02-27", capsys.readouterr().out)
    assert run_sql(home, monkeypatch, "--json", query + " order by 1") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"ticker": "AAPL", "bars": 41, "last": "2026-02-27"}
    assert run_sql(home, monkeypatch, "--csv", "--limit", "1", query + " order by 1") == 0
    printed = capsys.readouterr()
    assert printed.out == "ticker,bars,last\nAAPL,41,2026-02-27\n"
    assert "cut after 1 rows" in printed.err


def test_finpulse_sql_without_a_query_lists_the_tables(home, monkeypatch, capsys):
    assert run_sql(home, monkeypatch) == 0
    printed = capsys.readouterr().out
    for name in ("fct_training_set", "daily_signals", "prices_as_of(ts)", "One row per"):
        assert name in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["drop table prices"], "type DROP was refused: the snapshot is read-only"),
        (["select nothing from prices"], 'Referenced column "nothing" not found'),
        (["--json", "--csv", "select 1"], "--json and --csv were both given"),
        (["--version", "old", "select 1"], "there is no snapshot old"),
    ],
)
def test_finpulse_sql_refuses_in_one_sentence(home, monkeypatch, capsys, arguments, message):
    assert run_sql(home, monkeypatch, *arguments) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    said = [line for line in printed.err.splitlines() if not line.endswith("…")]
    assert len(said) == 1, "beside the line that says what is asked"
    assert printed.out == ""


@pytest.fixture(scope="module")
def materialized(home: SnapshotHome) -> dg.ExecuteInProcessResult:
    """The three assets in one run on the home, with the real dbt."""
    settings = Settings(home=home.root.parent, as_of=AS_OF, snapshots_kept=2)
    resources = {
        "settings": settings,
        "lake": Lake(settings.lake),
        "warehouse": Warehouse(settings.warehouse),
        "clock": RunClock(as_of=AS_OF, start_date=AS_OF.date()),
        "now": system_now,
        "models": home.models,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FINPULSE_LAKE", "FINPULSE_WAREHOUSE", "DBT_EXCLUDE_RESOURCE_TYPES",
                     "DO_NOT_TRACK", "PATH"):  # fmt: skip
            patch.setenv(name, os.environ.get(name, "1"))  # put back what the resource sets
        resources["dbt"] = dbt_of(settings)
        return dg.materialize(
            [analytics_snapshot, dbt_docs, data_dictionary_page], resources=resources
        )


def metadata_of(run: dg.ExecuteInProcessResult, name: str) -> dict[str, object]:
    [event] = [
        event for event in run.get_asset_materialization_events()
        if event.asset_key.path == ["serving", name]
    ]  # fmt: skip
    return {key: value.value for key, value in event.materialization.metadata.items()}


def test_the_snapshot_asset_shows_what_it_published(home, materialized):
    shown = metadata_of(materialized, "analytics_snapshot")
    assert shown["path"] == str(home.root / "analytics.duckdb")
    assert shown["rows"]["prices"] == 243
    assert shown["dagster/row_count"] == sum(shown["rows"].values())
    assert shown["versions_kept"] <= 2


def test_the_dbt_docs_are_one_page_with_every_model(materialized):
    page = Path(metadata_of(materialized, "dbt_docs")["path"]).read_text(encoding="utf-8")
    for model in ("stg_prices", "int_texts_scored", "fct_training_set"):
        assert f"model.finpulse.{model}" in page
    assert "Every model input" in page, "descriptions"
    assert "MANIFEST.JSON INLINE DATA" not in page, "the data was put into the page"
    assert "FinPulse's warehouse" in page, "it opens on a page of our own"
    assert "unit_test.finpulse" not in page, "tests of the SQL are no nodes of its graph"


def test_the_data_dictionary_asset_writes_the_page(materialized):
    shown = metadata_of(materialized, "data_dictionary")
    assert Path(shown["path"]).read_text(encoding="utf-8") == data_dictionary()
    assert shown["columns"] > 300


def test_a_hostile_text_neither_colours_nor_steers_the_terminal(home, monkeypatch, capsys):
    assert run_sql(home, monkeypatch, "select '[red]a[/red]' || chr(27) || '[2J' as words") == 0
    printed = capsys.readouterr().out
    assert "[red]a[/red] [2J" in printed
    assert "\x1b" not in printed


def test_many_columns_become_blocks_and_stdin_is_read(home, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("from fct_daily_features order by all limit 2"))
    assert run_sql(home, monkeypatch, "-") == 0
    printed = capsys.readouterr().out
    assert re.search(r"column +row 2", printed)
    assert re.search(r"market_sentiment_mean +[-–\d]", printed)


def test_json_has_no_name_for_what_is_no_number(home, monkeypatch, capsys):
    query = (
        "select 'nan'::double as a, [1.5, null] as b, {'k': date '2026-01-05'} as c, "
        "2::hugeint as d"
    )
    assert run_sql(home, monkeypatch, "--json", query) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"a": None, "b": [1.5, None], "c": {"k": "2026-01-05"}, "d": 2}
    ]


def test_an_older_version_answers_by_its_id(home, monkeypatch, capsys):
    older = home.publish(as_of=AS_OF - timedelta(days=10))
    newest = home.publish()
    query = "select distinct snapshot_id as id from snapshot"
    for arguments, published in ((["--version", older.snapshot_id], older), ([], newest)):
        assert run_sql(home, monkeypatch, "--csv", *arguments, query) == 0
        assert capsys.readouterr().out == f"id\n{published.snapshot_id}\n"
