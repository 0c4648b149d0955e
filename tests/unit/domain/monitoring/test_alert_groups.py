"""One broken source is one message; what somebody sees to is silent; each service its own form."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from finpulse_assets.domain.monitoring.alert import Alert, Kind, Message, Phase, Severity
from finpulse_assets.domain.monitoring.alert_state import (
    AlertState,
    Observation,
    acknowledged,
    advance,
)
from finpulse_assets.domain.monitoring.message_forms import Form
from finpulse_assets.errors import AlertError

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOURCE = Alert(
    Kind.SOURCE_FAILED, "source/x", "did not answer", NOON, Severity.WARNING, "finpulse status"
)
STALE = replace(SOURCE, kind=Kind.ASSET_STALE, subject="raw/tweets", what="lacks 4 sessions")
OTHER = replace(STALE, subject="raw/prices")
CAUSES = {STALE.key: SOURCE.key}


def after(state: AlertState, at: datetime, *alerts: Alert) -> tuple[AlertState, list[str]]:
    seen = Observation(conditions=alerts, causes=CAUSES)
    state, messages = advance(state, seen, ["x"], at)
    return state, [f"{m.phase} {m.alert.subject} +{len(m.caused)}" for m in messages]


def test_what_follows_from_a_broken_source_is_told_by_its_message():
    state, said = after(AlertState(), NOON, SOURCE, STALE, OTHER)
    assert said == ["began raw/prices +0", "began source/x +1"]
    body = state.outbox[1].message.body("r")
    assert "\nwith it: asset_stale:raw/tweets\n" in body
    assert set(state.open) == {SOURCE.key, STALE.key, OTHER.key}
    state, said = after(state, NOON + HOUR)
    assert said == ["ended raw/prices +0", "ended source/x +0"]


def test_what_comes_later_from_a_broken_source_waits_for_its_reminder():
    state, _ = after(AlertState(), NOON, SOURCE)
    state, said = after(state, NOON + HOUR, SOURCE, STALE)
    assert said == []
    _, said = after(state, NOON + DAY, SOURCE, STALE)
    assert said == ["continues source/x +1"]


def test_what_outlives_its_cause_begins_then():
    state, _ = after(AlertState(), NOON, SOURCE, STALE)
    state, said = after(state, NOON + HOUR, STALE)
    assert said == ["ended source/x +0", "began raw/tweets +0"]
    _, said = after(state, NOON + 2 * HOUR)
    assert said == ["ended raw/tweets +0"]


def test_what_is_worse_than_its_cause_is_notified_by_itself():
    critical = replace(STALE, severity=Severity.CRITICAL)
    state, said = after(AlertState(), NOON, SOURCE, critical)
    assert said == ["began raw/tweets +0", "began source/x +0"]
    state, _ = after(AlertState(), NOON, SOURCE, STALE)
    _, said = after(state, NOON + HOUR, SOURCE, critical)
    assert said == ["began raw/tweets +0"]


def test_an_acknowledged_alert_is_silent_until_its_time_is_over():
    state, _ = after(AlertState(), NOON, OTHER)
    state = acknowledged(state, OTHER.alert_id, NOON + 3 * DAY)
    for day in (1, 2):
        grown = replace(OTHER, size=3 * day, severity=Severity.CRITICAL)
        state, said = after(state, NOON + day * DAY, grown)
        assert said == []
    state, said = after(state, NOON + 3 * DAY, OTHER)
    assert said == ["continues raw/prices +0"]
    assert state.outbox[-1].message.alert.severity is Severity.CRITICAL
    _, said = after(state, NOON + 3 * DAY + HOUR, OTHER)
    assert said == [], "it was notified once"


def test_the_end_of_an_acknowledged_alert_is_notified():
    state, _ = after(AlertState(), NOON, OTHER)
    state = acknowledged(state, OTHER.alert_id, NOON + 3 * DAY)
    assert after(state, NOON + DAY)[1] == ["ended raw/prices +0"]


def test_an_id_that_is_not_open_is_refused_with_those_that_are():
    state, _ = after(AlertState(), NOON, OTHER)
    with pytest.raises(AlertError, match=rf"abc.*open are: {OTHER.alert_id}"):
        acknowledged(state, "abc", NOON)


def test_each_form_has_links_that_open_and_escapes_what_it_quotes():
    hostile = replace(STALE, what="<b>late</b> & more", run_id="r1")
    message = Message(Phase.BEGAN, hostile, NOON)
    places = ("https://wiki", "https://ui")
    html = message.body(*places, Form.HTML)
    assert "<p>&lt;b&gt;late&lt;/b&gt; &amp; more</p>" in html
    assert '<a href="https://wiki/asset_stale.md">' in html
    assert '<a href="https://ui/runs/r1">' in html
    markdown = message.body(*places, Form.MARKDOWN)
    assert "[https://ui/runs/r1](https://ui/runs/r1)" in markdown
    assert f"`finpulse alerts ack {hostile.alert_id} --for 2d`" in markdown
    assert "](docs/runbooks" not in message.body("docs/runbooks", "", Form.MARKDOWN)


@pytest.mark.parametrize(
    ("kind", "subject", "page"),
    [
        (Kind.ASSET_STALE, "raw/tweets", "assets/raw/tweets"),
        (Kind.CHECK_FAILED, "raw/prices bars_are_whole", "assets/raw/prices?view=checks"),
        (Kind.PROOF_LOST, "abc", "assets/models/promotion"),
        (Kind.DRIFT, "features", "assets/monitoring/feature_drift"),
        (Kind.DRIFT, "texts", "assets/monitoring/text_drift"),
    ],
)
def test_an_alert_leads_to_its_page_in_the_ui(kind, subject, page):
    assert replace(STALE, kind=kind, subject=subject).page == page
