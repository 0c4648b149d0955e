"""Every page without a browser: with a snapshot, without one, and what its choices change."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from shutil import copytree

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from apps.dashboard import snapshot
from apps.dashboard.tables import explore
from finpulse_assets.domain.evaluation.holdout import HoldoutRead
from finpulse_assets.domain.monitoring.alert import Alert, Kind, Severity
from finpulse_assets.domain.monitoring.alert_state import AlertState
from finpulse_assets.domain.monitoring.escalation import Condition
from finpulse_assets.domain.reporting import page as report_page
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.reports.analyst_folder import FOLDER
from finpulse_assets.gateways.serving.dashboard_environment import ROOT
from finpulse_assets.gateways.snapshot.reader import OpenSnapshot
from finpulse_assets.gateways.snapshot.store import SnapshotStore
from tests.apps.conftest import VIEWS
from tests.fakes.published import LONG_TEXT, publish

PAGES = sorted(path.stem for path in VIEWS.glob("*.py"))
# How many figures each page shows at first.
FIGURES = {
    "data_quality": 3, "drift": 4, "explore": 3, "forecast": 1, "model": 4, "news": 0,
    "overview": 1, "predictions": 3, "report": 0, "sentiment": 3, "story": 0, "test_mode": 1,
}  # fmt: skip


def figures(at) -> list[str]:
    """Return the alternative text of every figure of a page."""
    return [it.proto.alt for it in at.get("plotly_chart")]


def words(at) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "text", "subheader")
    return "\n".join(str(it.value) for kind in kinds for it in getattr(at, kind))


def test_twelve_pages_stand_in_the_navigation():
    from apps.dashboard import app_folder

    frame = (app_folder() / "app.py").read_text()
    assert len(PAGES) == 12
    assert [name for name in PAGES if f'"{name}":' not in frame] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_the_snapshot(page, name):
    at = page(name)
    assert not at.exception
    assert len(at.title) == 1
    assert len(figures(at)) == FIGURES[name]
    # Behind every figure stands its table, to be downloaded.
    assert len(at.get("download_button")) >= FIGURES[name]


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_home_says_what_to_run(page, tmp_path, name):
    at = page(name, tmp_path / "demo")
    assert not at.exception
    assert "Nothing is published" in at.info[0].value
    assert "finpulse demo" in at.code[0].value
    assert not list(tmp_path.rglob("*")), "a page writes nothing"


@pytest.mark.parametrize("name", ["overview"])  # every page begins with the same part
def test_a_snapshot_that_cannot_be_read_is_one_sentence(page, tmp_path, name):
    (tmp_path / "analytics.duckdb").write_text("no database")
    at = page(name, tmp_path)
    assert not at.exception
    assert "cannot be opened" in at.error[0].value


def test_a_snapshot_that_lacks_a_table_is_one_sentence_that_says_what_to_run(
    monkeypatch, published, tmp_path
):
    copytree(published, tmp_path / "demo", symlinks=True)
    file = SnapshotStore(tmp_path / "demo").current
    file.chmod(0o600)
    with duckdb.connect(str(file)) as older:
        older.execute("drop table promotion")
    monkeypatch.setenv(ROOT, str(tmp_path / "demo"))
    at = AppTest.from_file(str(VIEWS.parent / "app.py"), default_timeout=60).run()
    assert not at.exception
    assert "promotion does not exist" in at.error[0].value
    assert "`finpulse run` publishes" in at.error[0].value


def test_the_forecast_gives_reasons_in_words(page):
    at = page("forecast")
    assert "**up**, \\+0\\.19 log-odds: `sentiment_mean`" in words(at)
    assert "mean" in words(at)
    assert "for 2026-11-30" in figures(at)[0]


def test_the_two_modes_are_one_toggle_apart(page):
    at = page("forecast")
    at.segmented_control[0].set_value("Past session").run()
    assert not at.exception
    assert "it closed at" in figures(at)[0]
    at.segmented_control[0].set_value("Next session").run()
    assert "it closed at" not in figures(at)[0]


def test_a_past_day_is_told_with_what_came_and_both_errors(page):
    at = page("test_mode")
    assert "it closed at" in figures(at)[0]
    for said in ("Return that came", "Error", "Error of no change"):
        assert said in words(at)
    days = at.selectbox[1]
    days.set_value(days.options and at.selectbox[1].value).run()
    assert "live" in words(at)


def test_a_model_without_proof_abstains_in_every_signal(page, tmp_path):
    publish(tmp_path / "demo", tickers=3, sessions=30, proven=False)
    at = page("overview", tmp_path / "demo")
    assert "The model abstains from all 3 signals" in figures(at)[0]
    at = page("forecast", tmp_path / "demo")
    assert "the model abstains" in figures(at)[0]
    assert "no proven skill" in words(at)


def test_reads_of_the_holdout_are_told(page, published, tmp_path):
    copytree(published, tmp_path / "demo")
    day = date(2026, 11, 2)
    read = HoldoutRead("m1", day, day, 1, (), "*nothing* is proven", datetime(2026, 11, 3))
    store = ModelStore(tmp_path / "demo" / "models" / "price")
    store.read_holdout("m1", lambda _: read)
    at = page("model", tmp_path / "demo")
    assert "read once: *nothing* is proven" in words(at).replace("\\", "")


def test_a_candidate_that_is_shown_only_says_so_where_it_is_selected(page):
    at = page("model")
    assert "never promoted" not in words(at)
    at.selectbox[0].set_value("lstm").run()
    assert "lstm is never promoted: no service holds" in words(at).replace("\\", "")


def test_answers_are_kept_until_a_newer_snapshot_is_published(monkeypatch, published, tmp_path):
    copytree(published, tmp_path / "demo", symlinks=True)
    monkeypatch.setenv(ROOT, str(tmp_path / "demo"))
    asked, answer = [], OpenSnapshot.frame
    monkeypatch.setattr(
        OpenSnapshot, "frame", lambda it, *query: asked.append(query[0]) or answer(it, *query)
    )
    for _ in range(2):
        snapshot.ask("from tickers")
        snapshot.derived(explore.correlations, 60)
    assert len(asked) == 2
    os.utime(SnapshotStore(tmp_path / "demo").current, ns=(1, 1))
    snapshot.ask("from tickers")
    snapshot.derived(explore.correlations, 60)
    assert len(asked) == 4


def test_importance_is_told_with_its_stability_over_the_folds(page):
    at = page("model")
    assert "two folds: 1.00 on average over 2 folds" in words(at)
    assert "2 of the 2 inputs shown are among the first 20 in every fold" in words(at)
    [shown] = [it.value for it in at.dataframe if "top_share" in it.value.columns]
    found = shown.set_index("feature").loc["rsi_14"]
    assert (found["lowest_share"], found["highest_share"]) == pytest.approx((0.4, 0.5))
    assert (found["top_share"], found["fold_count"]) == (1, 2)


def test_a_kept_report_is_shown_with_its_facts_and_nothing_of_a_text_runs(
    page, published, tmp_path
):
    copytree(published, tmp_path / "demo", symlinks=True)
    assert "No report is kept yet" in words(page("report", tmp_path / "demo"))
    folder = tmp_path / "demo" / FOLDER
    folder.mkdir(parents=True)
    told = "The mood is **good**.\n\n> <script>alert(1)</script>\n"
    fact = {"name": "p", "meaning": "the probability", "value": 0.61, "unit": "share",
            "table": "predictions/daily_signals", "row": {"ticker": "T001"}}  # fmt: skip
    for name in ("T001-2026-11-26-test", "T002-2026-11-27", "T001-2026-11-27"):
        html = report_page.html(f"# {name}\n\n{told}", {}, title=name, writer="template")
        (folder / f"{name}.html").write_text(html)
        (folder / f"{name}.json").write_text(json.dumps({"facts": [fact]}))
    at = page("report", tmp_path / "demo")
    assert not at.exception
    names = ["T001-2026-11-27", "T002-2026-11-27", "T001-2026-11-26-test"]
    assert at.selectbox[0].options == names, "the newest session first"
    [shown] = [it.proto.body for it in at.get("html")]
    assert "<strong>good</strong>" in shown or "<b>good</b>" in shown
    assert "<script" not in shown and "<style" not in shown
    assert "template" in shown, "who wrote it"
    assert at.dataframe[0].value.iloc[0].tolist() == [
        "the probability", "0.61", "share", "predictions/daily_signals", "ticker T001",
    ]  # fmt: skip
    assert len(at.get("download_button")) == 2


def test_open_alerts_stand_with_their_runbooks(page, published, tmp_path):
    copytree(published, tmp_path / "demo")
    since = datetime(2026, 11, 27, tzinfo=UTC)
    alert = Alert(Kind.DRIFT, "features", "9 of 20 drift", since, Severity.WARNING, "finpulse")
    condition = Condition(alert, since, since, notices=1, first_size=None)
    AlertStore(tmp_path / "demo" / "alerts").save(AlertState(open={alert.key: condition}))
    at = page("overview", tmp_path / "demo")
    shown = at.dataframe[1].value
    assert list(shown["what"]) == ["9 of 20 drift"]
    assert list(shown["runbook"]) == ["https://runbooks.example/drift.md"]


def test_news_are_filtered_previewed_and_shown_whole_on_demand(page):
    at = page("news")
    texts = [it.value for it in at.text]
    assert any(len(it) == 201 and it.endswith("…") for it in texts), "a preview has 200 characters"
    assert any(it.strip().endswith(LONG_TEXT.strip()) for it in texts), "the whole text lies below"
    at.text_input[0].set_value("FALLS SHORT")
    at.multiselect[0].set_value(["T001"])
    at.button[0].click().run()
    found = [it.value for it in at.text]
    assert found
    assert set(found) == {"T001 falls short"}
    at.text_input[0].set_value("nobody wrote this '; drop")
    at.button[0].click().run()
    assert "No text passes" in at.info[0].value


def test_a_text_of_others_formats_nothing(page):
    at = page("sentiment")
    assert not any("<b>" in it.value for it in at.markdown)
    assert "T001 gave \\*nothing\\*" in page("data_quality").warning[0].value


@pytest.mark.parametrize("view", ["Two features", "A family over time"])
def test_explore_has_further_views(page, view):
    at = page("explore")
    at.segmented_control[0].set_value(view).run()
    assert not at.exception
    assert len(figures(at)) == 1
    at.toggle[0].set_value(True).run()
    assert not at.exception
    assert len(figures(at)) == 1
