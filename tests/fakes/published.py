"""A published snapshot made in SQL, of any size: what the dashboard reads, without a graph run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.audit.quality import FEATURE_PROFILE
from finpulse_assets.domain.catalogue import from_contract
from finpulse_assets.domain.features.adjusted_prices import ADJUSTED_PRICES
from finpulse_assets.domain.features.registry import ALL
from finpulse_assets.gateways.snapshot.store import Published, SnapshotStore
from finpulse_assets.gateways.snapshot.writer import SnapshotTable
from finpulse_assets.orchestration.catalog import snapshot_contents as contents
from finpulse_assets.orchestration.catalog.snapshot_macros import as_of_macros

LAST = date(2026, 11, 27)
AS_OF = datetime(2026, 11, 27, 21, 15, tzinfo=UTC)
CHAMPION = "m1"
LONG_TEXT = "beats profit estimates, " + "and says so at great length " * 12
COUNTS = ("text_count", "tweet_count", "headline_count")
KEY = (
    Column("ticker", pl.String, "exchange symbol"),
    Column("session_date", pl.Date, "trading day", "date"),
)
LABEL_COLUMNS = (
    Column("target_session_date", pl.Date, "the session that the signal is for", "date"),
    Column("exit_at", schemas.UTC, "its close", "UTC"),
    Column("return_next_session", pl.Float64, "its return, open to close", "fraction"),
    Column("is_up", pl.Boolean, "whether it closes above its open"),
)


def publish(root: Path, *, tickers: int = 8, sessions: int = 130, proven: bool = True) -> Published:
    """Publish a snapshot with that many tickers and past sessions below `root`."""
    tables = _tables(tickers, sessions, proven)
    macros = [macro for macro in as_of_macros() if macro.table == "daily_signals"]
    return SnapshotStore(root).publish(
        tables, macros, as_of=AS_OF, warehouse=root / "finpulse.duckdb"
    )


def _tables(tickers: int, sessions: int, proven: bool) -> list[SnapshotTable]:
    features = [
        Column(it.name, pl.Int64 if it.name in COUNTS else pl.Float64, it.meaning, it.unit,
               nullable=True)
        for it in ALL
    ]  # fmt: skip
    daily = _table("fct_daily_features", *features)
    labels = _table("fct_labels", *LABEL_COLUMNS)
    training = _table("fct_training_set", *features, *LABEL_COLUMNS)
    texted = [it for it in features if it.name in TEXTED]
    sentiment = _table("fct_daily_sentiment", *texted)
    lake = {table: contents.snapshot_name(table) for table in contents.LAKE_CONTENTS}
    lake |= {ADJUSTED_PRICES: "adjusted_prices"}
    said = _selects(tickers, sessions, proven)
    made = {
        "fct_daily_features": (daily, _features(features)),
        "fct_labels": (labels, said.pop("fct_labels")),
        "fct_training_set": (training, "from fct_daily_features join fct_labels "
                             "using (ticker, session_date)"),
        "fct_daily_sentiment": (sentiment, "from fct_daily_features where text_count > 0"),
    }  # fmt: skip
    entries = {name: from_contract(table, name=name) for table, name in lake.items()}
    entries |= {name: replace(from_contract(table), name=name) for name, (table, _) in made.items()}
    for entry in (contents.CHOSEN_PRICES, contents.PROMOTION, contents.IMPORTANCE,
                  contents.REQUESTS, contents.REFUSED):  # fmt: skip
        entries[entry.name] = entry
    selects = {name: select for name, (_, select) in made.items()}
    order = ["sessions", "tickers", "adjusted_prices", "chosen_prices", *made]
    rows = {**said, **selects}
    unfilled = [name for name in entries if name not in rows]
    rows |= {name: f"select * from {name} limit 0" for name in unfilled}
    order += [name for name in rows if name not in order]
    return [SnapshotTable(entries[name], _named(entries[name], rows[name])) for name in order]


TEXTED = (*COUNTS, "sentiment_mean", "sentiment_disagreement", "tweet_sentiment_mean",
          "headline_sentiment_mean", "bullishness")  # fmt: skip


def _table(name: str, *columns: Column) -> Table:
    return Table(name, "one row per ticker and session", "known at the decision",
                 (*KEY, *columns), key=("ticker", "session_date"))  # fmt: skip


def _named(entry: object, select: str) -> str:
    columns = ", ".join(f'"{column.name}"' for column in entry.columns)
    return f"select {columns} from ({select})"


def _chance(salt: str) -> str:
    """Return SQL for a number from -1 to 1 that a ticker and session always get."""
    return f"((hash(ticker, session_date, '{salt}') % 20001) / 10000.0 - 1)"


def _features(features: list[Column]) -> str:
    def value(name: str) -> str:
        if name in COUNTS:
            return f"(hash(ticker, session_date, '{name}') % 4)::bigint as {name}"
        if name == "sentiment_disagreement":
            return f"abs({_chance(name)}) as {name}"
        return f"if({_chance('null ' + name)} > 0.9, null, {_chance(name)}) as {name}"

    shown = ", ".join(value(column.name) for column in features)
    return f"select ticker, session_date, {shown} from adjusted_prices"


def _selects(tickers: int, sessions: int, proven: bool) -> dict[str, str]:
    """Return what each table is made of; a table may read those before it."""
    past = f"(select * from sessions where session_date <= date '{LAST}')"
    known = "session_date + interval '18 hours'"
    text = f"""
        select ticker || session_date || '{{kind}}' as text_id, ticker,
               timezone('UTC', session_date + interval '17 hours') as event_time,
               timezone('UTC', session_date + interval '18 hours') as knowledge_time, session_date,
               case hash(ticker, session_date) % 3 when 0 then '*' || ticker || '* beats <b>$5</b>'
               when 1 then ticker || ' falls short' else ticker || ' {LONG_TEXT}' end as text,
               'h' || hash(ticker, session_date) % 5000 as text_hash, 'ann' as author,
               false as is_retweet, null as retweet_count, null as like_count, 'wire' as source
        from adjusted_prices where hash(ticker, session_date, '{{kind}}') % {{every}} = 0
    """
    predicted = f"0.5 + 0.15 * {_chance('sentiment_mean')}"
    expected = f"0.004 * {_chance('sentiment_mean')}"
    last = f"(select distinct session_date from sessions where session_date <= date '{LAST}' " \
           "order by session_date desc limit 3)"  # fmt: skip
    return {
        "sessions": f"""
            with days as (
                select d::date as session_date from generate_series(timestamp '{LAST}' -
                interval '{2 * sessions + 20} days', timestamp '{LAST}' + interval '12 days',
                interval '1 day') as dated(d) where dayofweek(d) between 1 and 5
            ), numbered as (
                select *, (row_number() over (order by session_date desc))::int as back,
                       lead(session_date) over (order by session_date) as next_session_date
                from days
            )
            select session_date, {sessions} - back as session_index,
                   timezone('UTC', session_date + interval '870 minutes') as open_at,
                   timezone('UTC', session_date + interval '21 hours') as close_at,
                   timezone('UTC', session_date + interval '1275 minutes') as decision_at,
                   coalesce(next_session_date, session_date + 1) as next_session_date,
                   false as is_half_day
            from numbered where session_date > date '{LAST}' or back <= {sessions} + 8
        """,
        "tickers": f"""
            select 'T' || lpad(i::varchar, 3, '0') as ticker, 'Company ' || i as company,
                   'Sector' as sector, null as exchange, date '2010-01-04' as valid_from,
                   null as valid_to
            from range({tickers}) as numbers(i)
        """,
        "adjusted_prices": f"""
            select ticker, session_date, 50 + 10 * sin(session_index / 20) + {_chance("bar")}
                   as close, close as adjusted_close, 1.0 as adjustment_factor,
                   'unadjusted' as price_basis, 'wire' as source
            from tickers, {past}
        """,
        "chosen_prices": f"""
            select ticker, session_date, timezone('UTC', {known}) as event_time,
                   event_time as knowledge_time, close as open, close as high, close as low, close,
                   1000 as volume_shares, price_basis, source from adjusted_prices
        """,
        "fct_labels": f"""
            select ticker, session_date, next_session_date as target_session_date,
                   timezone('UTC', next_session_date + interval '21 hours') as exit_at,
                   0.01 * {_chance("sentiment_mean")} + 0.01 * {_chance("luck")}
                   as return_next_session, return_next_session > 0 as is_up
            from adjusted_prices join sessions using (session_date)
            where next_session_date <= date '{LAST}'
        """,
        "tweets": text.format(kind="t", every=2),
        "headlines": text.format(kind="h", every=7),
        "text_sentiment": """
            select text_hash, min(knowledge_time) as first_known_at, 0.4 as p_positive,
                   0.3 as p_negative, 0.3 as p_neutral,
                   (hash(text_hash) % 201) / 100.0 - 1 as score,
                   0.0 as vader_score, false as is_truncated, 'f' as model_fingerprint
            from (select text_hash, knowledge_time from tweets union all
                  select text_hash, knowledge_time from headlines) group by text_hash
        """,
        "sources": "select unnest(['tweets', 'headlines', 'prices']) as kind, 'wire' as source, "
                   "1 as rank",
        "out_of_sample_predictions": f"""
            select unnest(['ranking', 'momentum']) as candidate,
                   if(candidate = 'ranking', '{CHAMPION}', 'm2') as candidate_id, ticker,
                   session_date, 1 as horizon_sessions, 1 as fold, {predicted} as probability_up,
                   {predicted} as score, {predicted} >= 0.5 as predicts_up,
                   {expected} as expected_return, is_up, return_next_session
            from fct_labels where session_date < (select min(session_date) from {last})
        """,
        "evaluation": """
            select candidate, if(candidate = 'lstm', 'm3', 'm1') as candidate_id, predictor,
                   fold, metric, value, value - 0.02 as lower, value + 0.02 as upper,
                   value - 0.03 as lower_corrected, 900 as row_count, 90 as session_count,
                   4 as claims, 10.0 as cost_bps
            from (select unnest(['ranking', 'lstm']) as candidate),
                 (select unnest(['ranking', 'momentum', 'reversal']) as predictor,
                         unnest([0.2, 0.0, -0.01]) as value),
                 (select unnest(['all', 'recent', '1', '2']) as fold),
                 (select unnest(['rank_ic', 'accuracy', 'log_loss']) as metric)
        """,
        "daily_signals": f"""
            select ticker, session_date, decision_at as predicted_at, decision_at,
                   next_session_date as target_session_date, 'live' as origin,
                   {predicted} as probability_up, probability_up - 0.03 as probability_lower,
                   probability_up + 0.03 as probability_upper, {expected} as expected_return,
                   1 as rank, 'sentiment_mean +0.19 (place 84 %), rsi_14 -0.05' as reasons,
                   {proven} as is_proven, 'ranking' as skills, '{CHAMPION}' as model_version,
                   expected_return - 0.03 as return_lower, expected_return + 0.03 as return_upper,
                   expected_return - 0.02 as return_p10, expected_return as return_p50,
                   expected_return + 0.02 as return_p90, null::double as expected_sentiment,
                   if({proven}, null, 'no_proven_skill') as abstain_reason
            from adjusted_prices join sessions using (session_date)
            where session_date in (from {last})
        """,
        "outcomes": """
            select ticker, session_date, predicted_at, true as is_current, probability_up,
                   expected_return, probability_up >= 0.5 as predicts_up, label.is_up,
                   label.return_next_session, is_proven, model_version, label.exit_at as matured_at
            from daily_signals join fct_labels as label using (ticker, session_date)
        """,
        "live_quality": """
            select session_date, session_date as first_session, 'm1' as model_version,
                   unnest(['champion', 'always_up']) as predictor, 'rank_ic' as metric,
                   0.1 as value, 0.05 as lower, 0.15 as upper, 10 as row_count, 2 as session_count
            from (select distinct session_date from outcomes)
        """,
        "feature_drift": f"""
            select date '{LAST}' as session_date, column_name as feature,
                   if(column_name = 'all', 'all', 'technical') as kind,
                   (hash(column_name) % 100) / 100.0 as value, 0.5 as "limit", 0.1 as ks,
                   value > 0.5 as is_drifted, 100 as recent_rows, 900 as reference_rows,
                   date '2026-06-01' as reference_from, date '2026-09-01' as reference_to,
                   'm1' as model_version
            from (select unnest(['all', 'rsi_14', 'return_1d', 'sentiment_mean']) as column_name)
        """,
        "text_drift": f"""
            select date '{LAST}' as session_date, 0.55 as auc, 0.65 as auc_limit, 0.1 as mmd,
                   0.2 as mmd_p_value, false as is_drifted, 50 as recent_texts,
                   500 as reference_texts, date '2026-06-01' as reference_from,
                   date '2026-09-01' as reference_to, 'bag of words' as vectors,
                   'm1' as model_version
        """,
        "promotion": f"""
            select 1 as decision, timestamptz '{AS_OF}' as decided_at,
                   '{CHAMPION}' as candidate_id, true as is_promoted, {proven} as is_proven,
                   'ranking is *proven*' as reasons,
                   '{CHAMPION}' as champion_id, {proven} as champion_is_proven,
                   if({proven}, 'ranking', '') as champion_skills, 0.2 as champion_rank_ic,
                   null as proven_since, null as proof_lost_at
        """,
        "feature_importance": f"""
            select '{CHAMPION}' as candidate_id, rank::int as rank, feature,
                   feature = 'sentiment_mean' as is_text, 0.5 as gain_share
            from (select unnest(['sentiment_mean', 'rsi_14']) as feature, unnest([1, 2]) as rank)
        """,
        "fold_importance": f"""
            select 'ranking' as candidate, '{CHAMPION}' as candidate_id, fold::int as fold, feature,
                   0.3 + 0.1 * fold as gain_share, rank::double as importance_rank
            from feature_importance, (select unnest([1, 2]) as fold)
        """,
        "requests": f"""
            select 'wire' as source, timestamptz '{AS_OF}' as requested_at,
                   unnest(['tweets', 'prices']) as kind, requested_at as asked_from,
                   requested_at as asked_until,
                   if(kind = 'prices', 'partial', 'answered') as status,
                   20 as delivered_rows, 9 as new_rows, 2 as late_rows, 1 as refused_rows,
                   if(kind = 'prices', 'T001 gave *nothing*', null) as problem
        """,
        "quarantined_rows": f"""
            select 'wire' as source, 'tweets' as kind, 'ab' as row_hash,
                   'the time lies ahead' as reason, '{{}}' as row_json,
                   timestamptz '{AS_OF}' as first_seen_at
        """,
        "ledger": f"""
            select ticker || '-1' as prediction_id, timestamptz '{AS_OF}' - interval '2 days'
                   as answered_at, ticker, predicts_up, probability_up, expected_return,
                   predicted_at as as_of, session_date as target_session_date, false as abstain,
                   '' as abstain_reasons, model_version, 'b1' as bundle, 0.2 as latency_ms,
                   null as features, '{{}}' as answer, 'ab' as entry_hash, null as shadow_of
            from outcomes limit 3
        """,
        "feature_profile": _profile(),
    }  # fmt: skip


def _profile() -> str:
    rest = ", ".join(
        f"0.1 as {column.name}" for column in FEATURE_PROFILE.columns
        if column.name.startswith(("decile", "share"))
    )  # fmt: skip
    return (
        "select unnest(['rsi_14', 'sentiment_mean']) as feature, 'momentum' as family, "
        "100 as row_count, if(feature = 'rsi_14', 0.0, 0.3) as missing_share, 0.0 as median, "
        f"1.0 as robust_sigma, -1.0 as minimum, 1.0 as maximum, 2 as outlier_count, {rest}"
    )
