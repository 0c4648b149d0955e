with

bars as (
    select * from {{ ref('int_prices_chosen') }}
),

sessions as (
    select * from {{ ref('stg_sessions') }}
)

-- Open and close of one session share their basis, so the return needs no adjustment. The join
-- asks for a bar in exactly the next session: across a halt there is no label.
select
    decision.ticker,
    today.session_date,
    today.decision_at,
    target.session_date as target_session_date,
    target.open_at as entry_at,
    target.close_at as exit_at,
    outcome.close / outcome.open - 1 as return_next_session,
    return_next_session > 0 as is_up
from bars as decision
inner join sessions as today on decision.session_date = today.session_date
inner join sessions as target on today.next_session_date = target.session_date
inner join bars as outcome
    on
        decision.ticker = outcome.ticker
        and target.session_date = outcome.session_date
where outcome.open > 0 and outcome.volume_shares > 0
order by decision.ticker, today.session_date
