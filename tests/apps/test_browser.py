"""The dashboard in a real browser: every page, on a wide screen and a phone, with the keyboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.dashboard import app_folder
from tests.fakes.ports import free_port

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get)")
PAGES = sorted(path.stem for path in (app_folder() / "views").glob("*.py"))
READY = '[data-testid="stApp"][data-test-script-state="notRunning"] h1'
GROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
MAIN = "document.querySelector('[data-testid=stMain]')"


@pytest.fixture(scope="module")
def url(published: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "finpulse_assets.cli.app", "dashboard", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--home", str(published.parent)], env={**os.environ, "FINPULSE_PROFILE": "demo"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as server:  # fmt: skip
        try:
            for line in server.stdout:
                if "URL:" in line:
                    break
            else:
                raise AssertionError(f"the dashboard ended with {server.wait()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """The hosts that the pages have asked for anything."""
    return set()


@pytest.fixture(scope="module")
def page(browser: object, url: str, asked: set[str]) -> Iterator[object]:
    """The overview on a wide screen, loaded once: that is most of what a browser costs."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="light", accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    page.goto(url)
    page.wait_for_selector(READY)
    yield page
    context.close()


def go_to(page, name: str) -> None:
    """Change the page by its link, which loads nothing anew; on a phone the links lie aside."""
    end = "/" if name == "overview" else f"/{name}"
    page.locator(f'[data-testid="stSidebarNavLink"][href$="{end}"]').evaluate("it => it.click()")
    page.wait_for_selector(f"{READY}:has-text('{name.replace('_', ' ').capitalize()}')")


def test_the_keyboard_leads_to_a_page_and_to_a_table_that_downloads(page):
    assert page.evaluate(GROUND) == "rgb(255, 255, 255)"
    page.get_by_role("link", name="Forecast").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Forecast')")
    page.wait_for_selector(".js-plotly-plot")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Download CSV")
    with page.expect_download() as download:
        button.focus()
        page.keyboard.press("Enter")
    rows = Path(download.value.path()).read_text().splitlines()
    assert rows[0] == "session_date,close,what"
    assert len(rows) > 90


def test_every_page_fits_a_phone_in_the_dark_and_asks_nobody_else(page, url, asked):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    for name in PAGES:
        go_to(page, name)
        assert page.locator('[data-testid="stException"]').count() == 0, name
        assert page.evaluate(f"{MAIN}.scrollWidth - {MAIN}.clientWidth") <= 0, name
    assert asked == {url.split("/")[2]}, "nothing is loaded from elsewhere"
    assert page.evaluate(GROUND) == "rgb(18, 24, 30)"
