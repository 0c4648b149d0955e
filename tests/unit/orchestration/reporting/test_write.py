"""A model's text stands only when nothing is wrong with it; its memory is the system's again."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from finpulse_assets.domain.reporting import template
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.writing.writer import open_writer
from finpulse_assets.orchestration.reporting.write import TEMPLATE, write
from tests.fakes.alert_sink import running
from tests.fakes.language_models import ChatServer, make_model
from tests.unit.domain.reporting.reports import PROVEN_UP, UNPROVEN_DOWN

SOUND = "The signal of IMBK is down, at a probability of 33.7 %. Nothing was proven at that time."
WRONG = "The signal of IMBK is down, at a probability of 35 %. Nothing was proven. Sell it."
MODEL_BYTES = 50_000_000


def test_what_a_model_writes_stands_and_ends_with_the_review():
    with ChatServer(SOUND) as server, running(server):
        found = write(UNPROVEN_DOWN, open_writer(server.setting, key="k1"))
    assert (found.writer, found.refused, found.because) == ("tiny", 0, "")
    assert found.text == f"{SOUND}\n\n{template.review(UNPROVEN_DOWN)}\n"
    assert "-1.87 %" in found.text
    assert server.keys == ["Bearer k1"]
    (asked,) = server.asked
    assert "0.3374" in asked["messages"][1]["content"]
    assert "0.01873" not in str(asked), "what came is not told before"


def test_a_wrong_text_is_written_again_with_the_reasons():
    with ChatServer(WRONG, SOUND) as server, running(server):
        found = write(UNPROVEN_DOWN, open_writer(server.setting))
    assert found.text.startswith(SOUND)
    refusal = server.asked[1]["messages"][-1]["content"]
    assert "the number 35 % is not among the facts" in refusal
    assert "it advises (Sell) though nothing is proven" in refusal
    assert server.keys == [None, None]


def test_after_three_refusals_the_template_speaks_and_says_why():
    with ChatServer(WRONG) as server, running(server):
        found = write(UNPROVEN_DOWN, open_writer(server.setting))
    assert len(server.asked) == 3
    assert (found.writer, found.refused) == (TEMPLATE, 3)
    assert "35 %" in found.because
    assert "The text of tiny was refused 3 times" in found.text
    assert "Sell" not in found.text


def test_a_server_that_fails_is_named():
    with ChatServer(None) as server, running(server):
        found = write(PROVEN_UP, open_writer(server.setting))
    assert found.writer == TEMPLATE
    assert "tiny answered with status 500" in found.text


@pytest.mark.parametrize("model", ["nothing here", "name/model", "http://host/v1", "n@main"])
def test_a_setting_that_names_no_model_is_refused(model):
    with pytest.raises(SettingError, match="names no model"):
        open_writer(model)


def test_ten_reports_in_a_row_leave_no_memory_behind(tmp_path):
    model = str(make_model(tmp_path / "tiny"))
    assert (tmp_path / "tiny" / "model.safetensors").stat().st_size > MODEL_BYTES
    used = []
    for _ in range(10):
        found = write(PROVEN_UP, open_writer(model))
        assert "The text of tiny was refused 3 times" in found.text, found.because
        assert multiprocessing.active_children() == []
        used.append(_memory())
    assert used[-1] - used[1] < MODEL_BYTES / 2, used


def _memory() -> int:
    """Return the bytes of this process and of everything that it has started."""
    own = psutil.Process()
    return sum(it.memory_info().rss for it in (own, *own.children(recursive=True)))


def test_a_folder_without_a_model_is_named(tmp_path: Path, monkeypatch):
    page = ModuleType("__main__")  # as Streamlit has it while a page runs
    page.__file__ = str(tmp_path / "page.py")
    Path(page.__file__).write_text("raise RuntimeError('the page was run again')")
    monkeypatch.setitem(sys.modules, "__main__", page)
    found = write(PROVEN_UP, open_writer(str(tmp_path)))
    assert found.writer == TEMPLATE
    assert "cannot write" in found.text
