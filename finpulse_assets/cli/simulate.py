"""`finpulse simulate`: write a simulated market as files that the files profile reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finpulse_assets.cli.console import begin, errors, print_json, results
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import load_settings

TABLES = ("tweets", "headlines", "prices", "corporate_actions", "tickers", "truth")


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write; must be empty or absent.")],
    tickers: Annotated[int | None, typer.Option(help="Number of tickers.")] = None,
    sessions: Annotated[int | None, typer.Option(help="Number of sessions.")] = None,
    effect: Annotated[float | None, typer.Option(help="Planted effect, 0 for none.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; same seed and end, same bytes.")] = None,
    minute_sessions: Annotated[
        int | None, typer.Option(help="Last sessions that have one-minute bars, 0 for none.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Last day, for example 2024-06-28; default: last session.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON report.")] = False,
) -> None:
    """Write a simulated market, with its truth, as Parquet files.

    Examples: `finpulse simulate market/` · `finpulse simulate big/ --tickers 100 --sessions 750`
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"{out} exists and is not empty", hint="name a new folder")
    settings = load_settings(
        simulator_tickers=tickers,
        simulator_sessions=sessions,
        simulator_effect=effect,
        simulator_seed=seed,
        simulator_minute_sessions=minute_sessions,
        as_of=end,
    )
    begin("simulating a market into", out)
    from finpulse_assets.domain.simulator import MarketPlan, simulate_minutes
    from finpulse_assets.domain.simulator import simulate as simulate_market
    from finpulse_assets.gateways.atomic import written_atomically
    from finpulse_assets.orchestration.run.sources import simulated_sessions

    plan = MarketPlan(
        ticker_count=settings.simulator_tickers,
        session_count=settings.simulator_sessions,
        seed=settings.simulator_seed,
        effect=settings.simulator_effect,
        market_effect=settings.simulator_market_effect,
    )
    calendar, last = simulated_sessions(settings, system_now()), settings.simulator_minute_sessions
    market = simulate_market(plan, calendar)
    frames = {name: getattr(market, name) for name in TABLES}
    frames["prices"] = market.price_versions
    if last:
        frames["bars_1m"] = simulate_minutes(plan, calendar, last=last)
    rows = {}
    for name, frame in frames.items():
        rows[name] = frame.height
        with written_atomically(out / f"{name}.parquet") as temporary:
            frame.write_parquet(temporary)
    if as_json:
        print_json({"folder": out, "rows": rows})
        return
    for name, count in rows.items():
        results.print(f"{out / name}.parquet  {count:,} rows", highlight=False)
    minutes = f"FINPULSE_BARS_1M_PATH={out}/bars_1m.parquet " if last else ""
    errors.print(
        f"next: {minutes}finpulse run --profile files --prices {out}/prices.parquet "
        f"--tweets {out}/tweets.parquet --headlines {out}/headlines.parquet "
        f"--corporate-actions {out}/corporate_actions.parquet --tickers {out}/tickers.parquet",
        highlight=False,
        soft_wrap=True,
    )
