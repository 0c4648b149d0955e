"""How often the gate finds an effect of known size: effect x sessions -> share of runs, by name.

python benchmarks/power.py                            # 25 minutes of one core
python benchmarks/power.py --plot docs/images/power.png

Every run simulates 87 tickers with three informative features of texts and five of bars that say
nothing, and lets the ranking, its twin without texts and the market head walk forward through as
many tested sessions after 120 of training. "IC" is the correlation of the best possible forecast
with the return within a session; "market IC" that of the market's mood with the market's return.
What is fitted on few sessions reaches less, and that is part of the answer.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from measured import verdict

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.report import claims_of, evaluate
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.linear import MarketHead
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.naive import Naive
from finpulse_assets.domain.models.ranking import TREES, Ranking, RankingPlan
from finpulse_assets.domain.models.registry import NAIVE
from finpulse_assets.domain.plots.style import BLUE, INK, ORANGE, as_png, canvas, legend

TICKERS, TRAINED, SECTORS = 87, 120, 10
TESTED = (125, 250, 650)
EFFECTS = ((0.0, 0.0), (0.01, 0.05), (0.02, 0.1), (0.03, 0.15), (0.05, 0.3))  # IC, market IC
CALENDAR = build_sessions(date(2018, 1, 2), date(2024, 6, 28))
SKILLS = ("ranking", "text", "market")
LONGEST, NONE, STRONG = TESTED[-1], EFFECTS[0], EFFECTS[-1]
AIMED_AT = (0.03, 0.15)
# What has to hold, as shares of the runs: at most so many claim anything where there is nothing, at
# least so many find a strong effect, and an IC of 0.03, each on 650 sessions.
MOST_FALSE, LEAST_STRONG, LEAST_AIMED = 0.05, 0.9, 0.8
TEXTS = ("sentiment_mean", "sentiment_mean_5d", "novelty_20d")
BARS = ("return_1d", "return_20d", "rsi_14", "volatility_20d", "amihud_20d")
MOOD = "market_sentiment_mean"
KEPT = 0.8  # of a feature's value from session to session
SHARED = 0.7  # deviation of what moves all tickers, that of a ticker's own move is 1
# Far fewer trees than the default: with eight features the ridge finds what there is.
FEW = {"rounds": 10, "learning_rate": 0.2, "bagging_fraction": 1.0, "bagging_freq": 0}
PLAN = RankingPlan(replace(TREES, **FEW, num_threads=1))
CANDIDATES = (
    Ranking("ranking", (*TEXTS, *BARS), PLAN),
    Ranking("ranking_without_text", BARS, PLAN, is_baseline=True),
    MarketHead("market", (*TEXTS, *BARS, MOOD)),
    Logistic("logistic_on_prices", BARS, is_baseline=True),
    *(Naive(name) for name in NAIVE),
)


def frame_of(
    sessions: int, ic: float, market_ic: float, seed: int, *, in_sectors: float = 0.0
) -> pl.DataFrame:
    """Return a training frame in which both effects are planted.

    Args:
        sessions: of the frame.
        ic: correlation of the best forecast with the return, within a session.
        market_ic: correlation of the mood with what moves all tickers.
        seed: of the market.
        in_sectors: share of the variance of a ticker's own move, and of its features, that its
            sector shares. What moves together counts as less than so many tickers.
    """
    random = np.random.default_rng([seed, sessions, int(1000 * ic)])
    sector = np.arange(TICKERS) % SECTORS

    def drawn() -> np.ndarray:
        own = random.standard_normal((sessions, TICKERS))
        of_sectors = random.standard_normal((sessions, SECTORS))[:, sector]
        return np.sqrt(1 - in_sectors) * own + np.sqrt(in_sectors) * of_sectors

    def lasting() -> np.ndarray:
        shocks = drawn()
        values = shocks.copy()
        for at in range(1, sessions):
            values[at] = KEPT * values[at - 1] + np.sqrt(1 - KEPT**2) * shocks[at]
        return values

    features = {name: lasting() for name in (*TEXTS, *BARS)}
    best = sum(features[name] for name in TEXTS) / np.sqrt(len(TEXTS))
    mood, shock = random.standard_normal((2, sessions))
    market = market_ic * mood + np.sqrt(1 - market_ic**2) * shock
    own = ic * best + np.sqrt(1 - ic**2) * drawn()
    returns = (0.01 * (own + SHARED * market[:, None])).ravel()
    days = CALENDAR.tail(sessions + 1)
    at = np.repeat(np.arange(sessions), TICKERS)
    days = days.with_columns(exit_at=pl.col("close_at").shift(-1)).head(sessions)
    return pl.DataFrame(
        {
            "ticker": [f"T{number:02d}" for number in range(TICKERS)] * sessions,
            **{name: days[name].gather(at) for name in ("session_date", "decision_at", "exit_at")},
            **{name: values.ravel() for name, values in features.items()},
            MOOD: np.repeat(mood, TICKERS),
            "return_next_session": returns,
            "is_up": returns > 0,
        }
    )


def skills_of(frame: pl.DataFrame) -> tuple[set[str], float]:
    """Return the proven skills, and the half width of the interval of the rank IC."""
    folds = purged_walk_forward(
        sessions_of(frame), folds=3, min_train_sessions=TRAINED, embargo_sessions=1
    )
    rows = walk_forward_predictions(frame, folds, CANDIDATES)
    claims = claims_of(("ranking", "market"))
    results = [evaluate(rows, it, claims=claims, resamples=400) for it in ("ranking", "market")]
    ic = results[0].estimate("rank_ic")
    return {name for it in results for name in it.proven}, (ic.upper - ic.lower) / 2


def shares(
    tested: int, ic: float, market_ic: float, runs: int, *, in_sectors: float = 0.0
) -> dict[str, float]:
    """Return the share of runs in which each skill is found, any of them, and the half width."""
    sessions = tested + TRAINED + 2  # the purge and the embargo
    found = [
        skills_of(frame_of(sessions, ic, market_ic, seed, in_sectors=in_sectors))
        for seed in range(runs)
    ]
    named = {name: float(np.mean([name in skills for skills, _ in found])) for name in SKILLS}
    return {
        **named,
        "any": float(np.mean([bool(skills) for skills, _ in found])),
        "width": float(np.mean([width for _, width in found])),
    }


def line(label: str, of: dict[str, float], *cells: object) -> str:
    shown = "  ".join(f"{of[name]:>7.0%}" for name in (*SKILLS, "any"))
    tested, ic, market_ic, runs = cells
    of_cell = f" {label:<12} {tested:>8}  {ic:>5}  {market_ic:>9}  {runs:>4}"
    return f"{of_cell}  {shown}  +-{of['width']:.4f}"


def plot(found: dict[tuple[int, float, float], dict[str, float]]) -> bytes:
    """Return the power curves: ranking by IC above, market by market IC below."""
    title = f"Share of runs in which a planted effect is found ({TICKERS} tickers)"
    figure, panels = canvas(title, height=6, grid="y", ratios=(1, 1))
    colours = dict(zip(TESTED, (ORANGE, BLUE, INK), strict=True))
    for axes, skill, at, name in zip(
        panels, ("ranking", "market"), (1, 2), ("IC", "market IC"), strict=True
    ):
        for tested, colour in colours.items():
            points = [(key[at], of[skill]) for key, of in found.items() if key[0] == tested]
            axes.plot(*zip(*points, strict=True), "o-", color=colour, label=f"{tested} sessions")
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_xlabel(f"{name} of the best possible forecast")
        axes.set_ylabel(f"{skill} is proven")
        legend(axes, place="lower right")
    return as_png(figure)


def runs_of(tested: int, effect: tuple[float, float], runs: int, few: int) -> int:
    """Return the runs of a cell: all where something has to hold, few to draw the curve."""
    has_to_hold = effect == NONE or (tested == LONGEST and effect in (AIMED_AT, STRONG))
    return runs if has_to_hold else few


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40, help="of a cell in which something must be")
    parser.add_argument("--few", type=int, default=16, help="of the other cells")
    parser.add_argument("--last", action="store_true", help="the last two lines alone")
    parser.add_argument("--plot", type=Path, help="write the curves to this PNG")
    options = parser.parse_args()
    started = time.process_time()
    heads = "  ".join(f"{name:>7}" for name in (*SKILLS, "any"))
    print(f" {'tickers':<12} {'sessions':>8}  {'IC':>5}  {'market IC':>9}  runs  {heads}  interval")
    found = {}
    for tested in () if options.last else TESTED:
        for effect in EFFECTS:
            runs = runs_of(tested, effect, options.runs, options.few)
            of = found[tested, *effect] = shares(tested, *effect, runs)
            print(line("independent", of, tested, *effect, runs), flush=True)
    together = shares(LONGEST, *AIMED_AT, options.few, in_sectors=0.3)
    print(line("in sectors", together, LONGEST, *AIMED_AT, options.few))
    # A market effect without any other, which must never be called a ranking.
    alone = shares(LONGEST, 0.0, STRONG[1], options.runs)
    print(line("market alone", alone, LONGEST, 0.0, STRONG[1], options.runs))
    if options.plot and found:
        options.plot.parent.mkdir(parents=True, exist_ok=True)
        options.plot.write_bytes(plot(found))
    print(f"{time.process_time() - started:.0f} CPU s")
    verdict(held_alone(alone) | (held(found) if found else {}))


def held(found: dict[tuple[int, float, float], dict[str, float]]) -> dict[str, bool]:
    """Return each claim on the cells with its figure, and whether it holds."""
    strong, aimed = found[LONGEST, *STRONG], found[LONGEST, *AIMED_AT]["ranking"]
    claims = {}
    for tested in TESTED:
        share = found[tested, *NONE]["any"]
        claims[f"no effect, {tested} sessions: {share:.0%} claim any skill"] = share <= MOST_FALSE
    for name in SKILLS:
        claims[f"strong effect: {name} found in {strong[name]:.0%}"] = strong[name] >= LEAST_STRONG
    claims[f"IC of 0.03 found in {aimed:.0%}"] = aimed >= LEAST_AIMED
    return claims


def held_alone(alone: dict[str, float]) -> dict[str, bool]:
    """Return what has to hold of a market effect alone: it has no other name."""
    return {
        f"market effect alone: called {name} in {alone[name]:.0%}": alone[name] <= MOST_FALSE
        for name in ("ranking", "text")
    }


if __name__ == "__main__":
    main()
