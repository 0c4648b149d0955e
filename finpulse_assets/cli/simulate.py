"""`finpulse simulate`: a simulated market as files, or as live messages of Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finpulse_assets.cli.console import begin, errors, print_json, results
from finpulse_assets.cli.simulate_messages import Wish, send_messages
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.settings import load_settings

TABLES = ("tweets", "headlines", "prices", "corporate_actions", "tickers", "truth")


def simulate(
    out: Annotated[
        Path | None, typer.Argument(help="Folder to write; must be empty or absent.")
    ] = None,
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
    to: Annotated[
        str | None, typer.Option(help="Send messages instead, to kafka://HOST:PORT.")
    ] = None,
    story: Annotated[
        str | None, typer.Option(help="--to: texts about --ticker: good, bad or turn.")
    ] = None,
    ticker: Annotated[str | None, typer.Option(help="--story: the symbol.")] = None,
    messages: Annotated[int, typer.Option(help="--story: how many texts.", min=1)] = 20,
    tweets: Annotated[Path | None, typer.Option(help="--to: a data set on disk instead.")] = None,
    headlines: Annotated[Path | None, typer.Option(help="--to: as --tweets.")] = None,
    prices: Annotated[Path | None, typer.Option(help="--to: as --tweets.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="--to: first day that is sent, as 2024-06-28.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="--to: texts as of now, not as of their own time.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="--to: messages a second.", min=0.01)] = None,
    burst: Annotated[int, typer.Option(help="--to: messages that go at once.", min=1)] = 1,
    speed_up: Annotated[
        float | None, typer.Option(help="--to: seconds of market time in a second.", min=0.01)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON report.")] = False,
) -> None:
    """Write a simulated market, with its truth, as Parquet files, or send it as live messages.

    Examples: `finpulse simulate market/` · `finpulse simulate big/ --tickers 100 --sessions 750` ·
    `finpulse simulate --to kafka://127.0.0.1:9092 --story good --ticker IMBK` · `finpulse simulate
    --to kafka://127.0.0.1:9092 --from 2024-06-24 --speed-up 3600`
    """
    if (out is None) == (to is None):
        raise SettingError("name either a folder to write or, with --to, where messages go")
    market = {
        "simulator_tickers": tickers,
        "simulator_sessions": sessions,
        "simulator_effect": effect,
        "simulator_seed": seed,
        "simulator_minute_sessions": minute_sessions,
        "as_of": end,
    }
    if to is not None:
        wish = Wish(
            to, story=story, ticker=ticker, messages=messages, since=since, is_now=now, rate=rate,
            burst=burst, speed_up=speed_up,
            files={"tweets_path": tweets, "headlines_path": headlines, "prices_path": prices},
        )  # fmt: skip
        send_messages(wish, market, as_json=as_json)
        return
    _write(out, market, as_json=as_json)


def _write(out: Path, market: dict[str, object], *, as_json: bool) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"{out} exists and is not empty", hint="name a new folder")
    settings = load_settings(**market)
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
