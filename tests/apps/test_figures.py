"""Figures without Streamlit: titles, units, colours by direction; and the rows behind them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from apps.dashboard.figures import judgement, lines, signals
from apps.dashboard.tables import explore, model, platform, texts
from apps.dashboard.tables import signals as signal_tables
from apps.dashboard.theme import ABSTAIN, DOWN, UP

DAY, NEXT = date(2026, 11, 27), date(2026, 11, 30)
CLOSES = pl.DataFrame({"session_date": [date(2026, 11, 25), DAY], "close": [9.0, 10.0]})
NO_BAND = {"lower": None, "upper": None}


def said(**changed: object) -> dict[str, object]:
    return {"target_session_date": NEXT, "probability_up": 0.6, "expected_return": 0.1,
            "abstains": False} | changed  # fmt: skip


def test_a_forecast_has_a_dotted_boundary_and_a_band_in_the_colour_of_its_direction():
    band = {"lower": -0.02, "upper": 0.03}
    figure = signals.forecast_figure("AB", CLOSES, said(), band)
    assert figure.layout.title.text == "AB for 2026-11-30: up is expected, 10.00 to 11.00 USD"
    [boundary] = figure.layout.shapes
    assert (boundary.line.dash, boundary.x0) == ("dot", DAY)
    area = next(it for it in figure.data if it.name == "90 % band")
    assert area.y == pytest.approx((10, 11.3, 10.8, 10))
    assert figure.data[-1].line.color == UP
    assert figure.layout.yaxis.title.text == "close, USD"


@pytest.mark.parametrize(
    ("changed", "colour", "words"),
    [
        ({"probability_up": 0.4, "expected_return": -0.1}, DOWN, "down is expected"),
        ({"abstains": True}, ABSTAIN, "the model abstains"),
    ],
)
def test_a_forecast_is_coloured_by_direction_and_grey_where_it_abstains(changed, colour, words):
    figure = signals.forecast_figure("AB", CLOSES, said(**changed), NO_BAND)
    assert figure.data[-1].line.color == colour
    assert words in figure.layout.title.text
    assert "90 % band" not in [it.name for it in figure.data]


def test_without_a_signal_a_forecast_goes_no_further_than_what_is_known():
    figure = signals.forecast_figure("AB", CLOSES, None, NO_BAND)
    assert figure.layout.title.text == "AB closed at 10.00 USD; no signal goes further"
    assert len(figure.data) == 1


def test_in_test_mode_a_forecast_shows_what_came():
    figure = signals.forecast_figure("AB", CLOSES, said(), NO_BAND, {"close": 10.5})
    assert figure.layout.title.text.endswith("; it closed at 10.50")
    assert list(figure.data[-1].y) == [10.5]


def test_the_strongest_signals_are_grey_where_the_model_abstains():
    rows = pl.DataFrame(
        {"ticker": ["A", "B"], "target_session_date": [NEXT] * 2, "probability_up": [0.7, 0.4],
         "expected_return": [0.01, -0.01], "abstains": [False, True]}
    )  # fmt: skip
    figure = signals.strongest_figure(rows)
    assert figure.layout.title.text == "1 of the 2 strongest signals for 2026-11-30 may be acted on"
    assert figure.data[0].marker.color == (ABSTAIN, UP)


def test_a_calendar_tells_sessions_without_rows():
    rows = pl.DataFrame({"session_date": [date(2026, 11, 26), DAY], "row_count": [0, 5]})
    figure = judgement.calendar_figure(rows, "tweets of wire")
    assert figure.layout.title.text == "tweets of wire: 1 of 2 sessions have no row"
    assert list(figure.data[0].y) == ["Thu", "Fri"]
    assert set(figure.data[0].x) == {date(2026, 11, 23)}, "a column is a week"


def test_few_bars_are_not_drawn_as_wide_as_the_figure():
    def gap(count: int) -> float:
        rows = pl.DataFrame({"run": [f"run {it}" for it in range(count)], "rows": [1] * count})
        drawn = lines.stacked_figure(rows, "run", (("rows", "new", UP),), title="rows", y="rows",
                                     axis="run")  # fmt: skip
        return drawn.layout.bargap

    assert (gap(1), gap(30)) == (0.875, 0.25)


def test_importance_shows_the_range_over_the_folds_where_there_are_any(ask):
    rows = model.importance(ask)
    spread = judgement.importance_figure(rows, 0.5).data[-1]
    assert spread.name == "lowest to highest of the folds"
    assert list(spread.x) == pytest.approx([45, 45])
    assert list(spread.error_x.array) == pytest.approx([5, 5])
    none = rows.with_columns(pl.lit(None, pl.Float64).alias("lowest_share"))
    assert len(judgement.importance_figure(none, 0.5).data) == 2


def all_figures(ask) -> dict[str, object]:
    """Return every other figure, drawn of the published snapshot."""
    ticker, units = "T001", explore.units(ask)
    timeline = texts.timeline(ask, ticker, 60)
    pair = ("sentiment_mean", "return_next_session")
    names = explore.families()["text"][:3]
    runs = platform.refused_by_run(ask)
    return {
        "sentiment": lines.sentiment_figure(ticker, timeline),
        "volume": lines.text_volume_figure(ticker, timeline),
        "disagreement": lines.disagreement_figure(ticker, texts.disagreement(ask, ticker, 60)),
        "market": lines.market_volume_figure(explore.volume(ask, 60)),
        "polarity": lines.polarity_figure(explore.volume(ask, 60)),
        "predicted": lines.predicted_figure(model.predicted(ask)),
        "live": lines.live_figure("rank_ic", "rank IC", model.live_quality(ask, "rank_ic")),
        "drifted": lines.limit_figure(model.drift_over_time(ask), "drifted_share", "limit",
                                      title="drift", y="inputs, %"),
        "runs": lines.stacked_figure(runs, "source", (("new_rows", "new", UP),), title="rows",
                                     y="rows", axis="source"),
        "scores": judgement.intervals_figure(model.scores(ask, "ranking", "rank_ic"), "predictor",
                                             title="scores", x="rank IC", own="ranking"),
        "correlation": judgement.correlation_figure(explore.correlations(ask, 60)),
        "pair": judgement.pair_figure(explore.pairs(ask, *pair, None),
                                      explore.pair_means(ask, *pair, None), *pair, units),
        "calibration": judgement.calibration_figure(model.calibration(ask, "ranking")),
        "importance": judgement.importance_figure(model.importance(ask), 0.5),
        "drift": judgement.drift_figure(model.drift_of_last(ask)),
        "profile": judgement.profile_figure(platform.feature_profile(ask)),
        "family": lines.family_figure("text", explore.family_over_time(ask, names, None, 60), units,
                                      "all"),
    }  # fmt: skip


def test_every_figure_has_a_title_its_units_and_something_drawn(ask):
    for name, figure in all_figures(ask).items():
        assert figure.layout.title.text, name
        assert figure.data, name
        axes = [axis.title.text for axis in figure.select_xaxes()]
        axes += [axis.title.text for axis in figure.select_yaxes()]
        notes = [note.text for note in figure.layout.annotations]
        assert any(axes) or notes, name
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)", "legible on light and on dark"


def test_what_is_planted_goes_beyond_chance_and_noise_does_not(ask):
    found = {it["feature"]: it for it in explore.correlations(ask, 130).iter_rows(named=True)}
    planted, noise = found["sentiment_mean"], found["bullishness"]
    assert planted["lower"] > planted["chance"] > 0
    assert noise["lower"] < noise["chance"]
    # Chance of a mean of rank correlations, each of about 7 tickers with values.
    assert planted["chance"] == pytest.approx(1.96 / (6.2 * 129) ** 0.5, rel=0.1)


def test_a_band_knows_no_error_of_its_own_session_or_later(ask):
    days = signal_tables.past_sessions(ask, "T001")
    early, late = (
        signal_tables.band(ask, "T001", days[-1]),
        signal_tables.band(ask, "T001", days[0]),
    )
    assert early["lower"] is None
    assert late["lower"] < 0 < late["upper"]
    assert late["scope"] == "T001"
    assert late["row_count"] == len(days) - 2, "the two live sessions were not tested before"


def test_closes_are_counted_in_the_shares_of_the_last_session_shown(ask):
    held = [("T9", date(2026, 1, 5), 8.0, 1.0), ("T9", date(2026, 1, 6), 9.0, 2.0)]
    frame = pl.DataFrame(held, ["ticker", "session_date", "adjusted_close", "adjustment_factor"],
                         orient="row")  # fmt: skip
    values = ", ".join(f"('{t}', date '{d}', {c}, {f})" for t, d, c, f in frame.iter_rows())
    rows = f"(select * from (values {values}) as v(ticker, session_date, adjusted_close, "  # noqa: S608
    rows += "adjustment_factor))"

    def instead(sql: str, **parameters: object) -> pl.DataFrame:
        return ask(sql.replace("from adjusted_prices", f"from {rows}"), **parameters)

    shown = signal_tables.closes(instead, "T9", date(2026, 1, 6))
    assert shown["close"].to_list() == [4.0, 4.5], "after a split of two for one"
