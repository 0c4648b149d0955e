"""A whole report: read, written, drawn, and kept as JSON, Markdown, HTML and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from finpulse_assets.domain.plots.report import closes_plot, texts_plot
from finpulse_assets.domain.reporting import page
from finpulse_assets.domain.reporting.facts import Facts
from finpulse_assets.domain.reporting.gather import facts_of
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.writing.writer import open_writer
from finpulse_assets.orchestration.reporting.read import ReportReader
from finpulse_assets.orchestration.reporting.write import Written, write
from finpulse_assets.settings import Settings


@dataclass(frozen=True)
class Report:
    """A report: its facts, its text, its pictures (PNG) by what they show."""

    facts: Facts
    written: Written
    plots: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """The name of its files: ticker and session, marked where it looks back."""
        day = self.facts.get("session_date").value
        return f"{self.facts.ticker}-{day}{'-test' if self.facts.is_test else ''}"

    @property
    def html(self) -> str:
        return page.html(self.written.text, self.plots, title=self.name, writer=self.written.writer)


def make_report(
    settings: Settings, ticker: str, *, now: datetime, as_of: datetime | None = None
) -> Report:
    """Return the report on a ticker.

    Args:
        settings: of the deployment.
        ticker: as the tables have it.
        now: UTC time.
        as_of: UTC time of the past to look back on; None for the newest signal.

    Raises:
        ReportError: no signal of that ticker is known at that time.
        SettingError: FINPULSE_REPORT_MODEL names no model.
    """
    reader = reader_of(settings)
    known = reader.known(ticker, now=now, as_of=as_of)
    facts = facts_of(known)
    writer = None
    if settings.report_model:
        key = settings.report_key and settings.report_key.get_secret_value()
        writer = open_writer(settings.report_model, key=key, hub_endpoint=settings.hub_endpoint)
    plots = {"closes": closes_plot(known.closes, facts), "texts": texts_plot(known.texts, facts)}
    return Report(facts, write(facts, writer), plots)


def reader_of(settings: Settings) -> ReportReader:
    """Return the reader of the home."""
    return ReportReader(Lake(settings.lake), ModelStore(settings.models / "price"))


def keep(report: Report, folder: Path) -> Path:
    """Write the files of a report below `folder`, each whole or not at all; return the HTML."""
    pictures = {what: f"{report.name}-{what}.png" for what in report.plots}
    text = page.markdown(report.written.text, pictures, writer=report.written.writer)
    facts = json.dumps(report.facts.as_json(), indent=2, ensure_ascii=False) + "\n"
    files = {f"{report.name}.json": facts.encode(), f"{report.name}.md": text.encode()}
    files |= {pictures[what]: png for what, png in report.plots.items()}
    files[f"{report.name}.html"] = report.html.encode()
    for name, content in files.items():
        with written_atomically(folder / name) as temporary:
            temporary.write_bytes(content)
    return folder / f"{report.name}.html"
