"""The as-of macros of the analytics snapshot.

One rule: `t_as_of(ts)` is the table `t` as it was known at `ts`, in its columns. Of a table that
keeps versions it returns the version that counted then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from finpulse_assets import schemas
from finpulse_assets.contract import Table
from finpulse_assets.gateways.snapshot.writer import SnapshotMacro
from finpulse_assets.orchestration.dbt.models import LABELS, PREDICTED_HORIZON
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR

CHOICE = "int_prices_chosen"
# Of open_to_close by the prices of then: a correction that came later is not in it. The others are
# returns as they were known at the decision of their last session.
RETURNS_AS_OF = f"""(
    select
        labels.ticker, labels.session_date, labels.decision_at, horizon, target_session_date,
        entry_at, exit_at,
        case horizon when '{PREDICTED_HORIZON}' then bars.close / bars.open - 1 else "return" end
        as "return"
    from {LABELS} as labels
    inner join sessions as exits on labels.target_session_date = exits.session_date
    left join chosen_prices_as_of(ts) as bars
        on labels.ticker = bars.ticker and labels.target_session_date = bars.session_date
    where
        case horizon when '{PREDICTED_HORIZON}' then exit_at else exits.decision_at end
        <= ts::timestamptz
        and (horizon <> '{PREDICTED_HORIZON}' or bars.close is not null)
)"""  # noqa: S608
_REFERENCE = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")


def snapshot_name(table: Table) -> str:
    """Return the name of a lake table in the snapshot: `raw/prices` is `prices`."""
    return table.name.split("/")[-1]


def prices_chosen_from(prices: str) -> str:
    """Return the SELECT of the bars that count, by the SQL of the dbt model that chooses them.

    Args:
        prices: the table, or the SELECT in brackets, that holds the versions to choose from.
    """
    inputs = {"stg_prices": prices, "stg_sources": "sources", "stg_sessions": "sessions"}
    return _sql_of(f"intermediate/{CHOICE}", inputs)


def labels_from(returns: str) -> str:
    """Return the SELECT of the labels, by the SQL of the mart, from the SELECT of their returns."""
    return _sql_of(f"marts/{LABELS}", {"int_horizon_returns": returns, "stg_tickers": "tickers"})


def _sql_of(model: str, inputs: Mapping[str, str]) -> str:
    """Return the SQL of a dbt model with what it reads replaced."""
    sql = (PROJECT_DIR / f"models/{model}.sql").read_text(encoding="utf-8")
    return _REFERENCE.sub(lambda match: inputs[match[1]], sql)


def _latest(table: Table) -> SnapshotMacro:
    """Return the macro of a versioned table: the version of each row that was known at ts."""
    name = snapshot_name(table)
    key = ", ".join(column for column in table.key if column != "knowledge_time")
    return SnapshotMacro(
        table=name,
        body=f"select * from {name} where knowledge_time <= ts::timestamptz qualify "  # noqa: S608
        f"row_number() over (partition by {key} order by knowledge_time desc) = 1",
        comment=f"{name} as they were known at ts: the latest version then, one row per "
        f"{key.replace(', ', ' and ')}",
    )


def as_of_macros() -> tuple[SnapshotMacro, ...]:
    """Return the macros that answer as of an earlier time."""
    return (
        _latest(schemas.PRICES),
        SnapshotMacro(
            table="chosen_prices",
            body=prices_chosen_from(
                "(select * from prices where knowledge_time <= ts::timestamptz)"
            ),
            comment="chosen_prices as they were known at ts: the best source known by the "
            "session's decision, in its latest version; one row per ticker and session_date",
        ),
        _latest(schemas.CORPORATE_ACTIONS),
        _latest(schemas.TWEETS),
        _latest(schemas.HEADLINES),
        _latest(schemas.LISTINGS),
        _latest(schemas.HOLDINGS),
        _latest(schemas.OPTIONS),
        SnapshotMacro(
            table="daily_signals",
            # Live before late, then the newest; a session comes whole from one version.
            body="select * from daily_signals where predicted_at <= ts::timestamptz qualify "
            "rank() over (partition by session_date order by origin = 'live' desc, "
            "predicted_at desc) = 1",
            comment="daily_signals as they stood at ts: the version of each session that counted "
            "then, one row per ticker and session_date; daily_signals_as_of(now()) gives today's",
        ),
        SnapshotMacro(
            table=LABELS,
            body=labels_from(RETURNS_AS_OF),
            comment="fct_labels that were known at ts, with returns by the prices known at ts",
        ),
        SnapshotMacro(
            table="fct_daily_features",
            body="select * from fct_daily_features where decision_at <= ts::timestamptz",
            comment="fct_daily_features that were decided at ts; every row holds what was known at "
            "its decision, so later knowledge has changed none",
        ),
        SnapshotMacro(
            table="fct_training_set",
            body='select features.*, target_session_date, entry_at, exit_at, "return" as '  # noqa: S608
            "return_next_session, is_up from fct_daily_features_as_of(ts) as features "
            f"inner join {LABELS}_as_of(ts) as labels using (ticker, session_date) "
            f"where horizon = '{PREDICTED_HORIZON}'",
            comment="fct_training_set as it was known at ts: its features, and the outcomes by the "
            "prices known at ts",
        ),
    )
