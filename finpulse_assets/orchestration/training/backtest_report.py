"""The report of a backtest: its numbers, its pictures and its page in the home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finpulse_assets.domain.evaluation.backtest import BacktestSummary, summary_of
from finpulse_assets.domain.plots.backtest import months_plot, path_plot, rank_ic_path_plot
from finpulse_assets.domain.plots.tear_sheet import tear_sheet
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.orchestration.run.sources import planted_sentence
from finpulse_assets.orchestration.training.backtest import Backtest
from finpulse_assets.settings import Settings


@dataclass(frozen=True)
class BacktestReport:
    """A backtest in numbers and pictures; `name` is that of its page."""

    name: str
    summary: BacktestSummary
    plots: dict[str, bytes]
    page: str

    def write(self, root: Path) -> Path:
        """Write the page below the home's root and return its path.

        Raises:
            LakeError: the disk refuses it.
        """
        path = root / "reports" / "backtest" / f"{self.name}.html"
        with written_atomically(path) as temporary:
            temporary.write_text(self.page, encoding="utf-8")
        return path


def report_of(backtest: Backtest, settings: Settings) -> BacktestReport:
    """Return the report; equal backtests, equal bytes."""
    table = backtest.table
    summary = summary_of(
        table,
        cost_bps=settings.cost_bps,
        trials=backtest.trials,
        overfitting=backtest.overfitting,
        resamples=settings.resamples,
    )
    first, last = table["session_date"][0], table["session_date"][-1]
    plots = {
        "path": path_plot(table, summary),
        "months": months_plot(table),
        "rank_ic": rank_ic_path_plot(table),
    }
    page = tear_sheet(
        table,
        summary,
        backtest.decisions,
        plots,
        title=f"Backtest, {first} to {last}",
        note=planted_sentence(settings) or "",
    )
    return BacktestReport(f"{first}_{last}", summary, plots, page)
