"""The model: its evaluation beside baselines, its decisions, drift, live quality, the ledger."""

from __future__ import annotations

import polars as pl

from apps.dashboard.snapshot import Ask
from apps.dashboard.tables.signals import CHAMPION
from finpulse_assets.domain.evaluation.importance import TOP
from finpulse_assets.domain.models.calibration import Calibration, calibrate

METRICS = {
    "rank_ic": "rank IC, correlation within a session",
    "rank_ic_gain": "lead in rank IC over the predictor",
    "accuracy": "share of right directions",
    "mcc_of_median": "MCC of above or below the session's median",
    "market_ic": "market IC, correlation over sessions",
    "long_short_return": "top minus bottom third, fraction a session",
    "log_loss": "log loss, nats",
}
NOT_LIVE = ("rank_ic_gain", "mcc_of_median")  # of the evaluation alone
FOLD = pl.format("fold {}", pl.col("fold"))


def bins(calibration: Calibration) -> pl.DataFrame:
    """Return the bins of a calibration as rows."""
    return pl.DataFrame(calibration.to_dict()["bins"])


def evaluated(ask: Ask) -> list[str]:
    """Return the evaluated candidates, the champion first."""
    return ask(
        f"select candidate from evaluation group by candidate "
        f"order by any_value(candidate_id) <> {CHAMPION}, candidate"
    )["candidate"].to_list()


def scores(ask: Ask, candidate: str, metric: str) -> pl.DataFrame:
    """Return one metric of a candidate and of those beside it, with intervals, over all folds."""
    return ask(
        """
        select predictor, value, lower, upper, row_count, session_count from evaluation
        where candidate = $candidate and metric = $metric and fold = 'all' and value is not null
        order by predictor <> candidate, value desc, predictor
        """,
        candidate=candidate, metric=metric,
    )  # fmt: skip


def by_fold(ask: Ask, candidate: str, metric: str) -> pl.DataFrame:
    """Return one metric of a candidate in each fold, in order of time."""
    return ask(
        """
        select fold::int as fold, value, lower, upper, session_count from evaluation
        where candidate = $candidate and predictor = candidate and metric = $metric
          and fold not in ('all', 'recent') and value is not null order by fold
        """,
        candidate=candidate, metric=metric,
    )  # fmt: skip


def calibration(ask: Ask, candidate: str) -> Calibration | None:
    """Return how often the market rose after a candidate's probabilities, None without any."""
    tested = ask(
        "select session_date, probability_up, is_up from out_of_sample_predictions "
        "where candidate = $candidate and probability_up is not null",
        candidate=candidate,
    )
    return None if tested.is_empty() else calibrate(tested)


def importance(ask: Ask, count: int = 25) -> pl.DataFrame:
    """Return the champion's inputs by share of the gain, and how far it changes between folds.

    `lowest_share` and `highest_share` are those of the fits of the folds, `top_share` the share of
    the folds in which the input is among the first 20; null for an ensemble, which has no such fit.
    """
    return ask(
        f"""
        with folds as (
            select feature, min(gain_share) as lowest_share, max(gain_share) as highest_share,
                   avg((importance_rank <= {TOP})::int) as top_share, count(*) as fold_count
            from fold_importance where candidate_id = {CHAMPION} group by feature
        )
        select rank, feature, gain_share, lowest_share, highest_share, top_share, fold_count,
               is_text, unit, meaning
        from feature_importance left join folds using (feature)
        left join catalogue on column_name = feature and table_name = 'fct_daily_features'
        order by rank limit $count
        """,
        count=count,
    )


def importance_by_fold(ask: Ask) -> pl.DataFrame:
    """Return fold, feature and importance_rank of the champion's inputs in the fit of each fold."""
    return ask(
        "select fold, feature, importance_rank from fold_importance "
        f"where candidate_id = {CHAMPION} order by fold, feature"
    )


def importance_by_kind(ask: Ask) -> pl.DataFrame:
    """Return the share of the gain of text inputs and of the others."""
    return ask("select is_text, sum(gain_share) as gain_share from feature_importance group by all")


def decisions(ask: Ask) -> pl.DataFrame:
    """Return every decision about a model, the newest first."""
    return ask("from promotion order by decision desc")


def drift_of_last(ask: Ask, count: int = 25) -> pl.DataFrame:
    """Return the inputs of the last drift report by how far they moved, against their limits."""
    return ask(
        """
        select feature, kind, value, "limit", value / nullif("limit", 0) as times_the_limit, ks,
               is_drifted, recent_rows, reference_rows, session_date, reference_from, reference_to
        from feature_drift where feature <> 'all'
        qualify session_date = max(session_date) over ()
        order by times_the_limit desc nulls last, feature limit $count
        """,
        count=count,
    )


def drift_over_time(ask: Ask) -> pl.DataFrame:
    """Return the share of drifted features by report, with its limit."""
    return ask("""
        select session_date, value as drifted_share, "limit", is_drifted, recent_rows
        from feature_drift where feature = 'all' order by session_date desc limit 250
    """).reverse()


def text_drift(ask: Ask) -> pl.DataFrame:
    """Return the text drift reports in order of time."""
    return ask("from text_drift order by session_date desc limit 250").reverse()


def predicted(ask: Ask) -> pl.DataFrame:
    """Return the champion's predictions by session: their mean, spread and share of up."""
    return ask(
        f"""
        select session_date, avg(probability_up) as mean_probability,
               quantile_cont(probability_up, 0.1) as low,
               quantile_cont(probability_up, 0.9) as high,
               avg((probability_up >= 0.5)::int) as up_share, count(*) as row_count
        from (select session_date, probability_up from out_of_sample_predictions
              where candidate_id = {CHAMPION} and probability_up is not null union all
              select session_date, probability_up from daily_signals_as_of(now()))
        group by session_date order by session_date desc limit 250
        """
    ).reverse()


def live_quality(ask: Ask, metric: str) -> pl.DataFrame:
    """Return a metric of the champion's live record as it was judged, session by session."""
    return ask(
        """
        select session_date, first_session, predictor, value, lower, upper, row_count, session_count
        from live_quality where metric = $metric and value is not null
        order by session_date, predictor
        """,
        metric=metric,
    )


def outcomes(ask: Ask, count: int = 200) -> pl.DataFrame:
    """Return the last live signals whose session has closed: what was said and what came."""
    return ask(
        """
        select ticker, session_date, probability_up, expected_return, predicts_up, is_up,
               return_next_session, predicts_up = is_up as is_hit, is_proven, model_version
        from outcomes where is_current order by session_date desc, ticker limit $count
        """,
        count=count,
    )


def hits(ask: Ask) -> pl.DataFrame:
    """Return right and wrong live signals by session, the last 120."""
    return ask("""
        select session_date, count(*) filter (predicts_up = is_up) as right_count,
               count(*) filter (predicts_up <> is_up) as wrong_count,
               avg(is_up::int) as always_up_rate
        from outcomes where is_current group by session_date order by session_date desc limit 120
    """).reverse()


def ledger(ask: Ask, count: int = 200) -> pl.DataFrame:
    """Return the service's recorded answers with what came, the newest first."""
    return ask(
        """
        select answered_at, said.ticker, said.target_session_date, said.predicts_up,
               said.probability_up, said.expected_return, said.abstain, said.abstain_reasons,
               label.is_up, label.return_next_session, said.predicts_up = label.is_up as is_hit,
               said.latency_ms, said.model_version, said.prediction_id
        from ledger as said left join fct_training_set as label
          on label.ticker = said.ticker and label.target_session_date = said.target_session_date
        where shadow_of is null
        order by answered_at desc limit $count
        """,
        count=count,
    )  # fmt: skip


def answered(ask: Ask) -> pl.DataFrame:
    """Return answers, abstentions and latency by day, the last 60 days with an answer."""
    return ask("""
        select answered_at::date as day, count(*) as answer_count,
               count(*) filter (abstain) as abstained_count,
               median(latency_ms) as median_latency_ms,
               quantile_cont(latency_ms, 0.99) as p99_latency_ms
        from ledger where shadow_of is null group by day order by day desc limit 60
    """).reverse()
