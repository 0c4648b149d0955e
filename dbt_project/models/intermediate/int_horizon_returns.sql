-- What a ticker earns from a decision on, by horizon, however many sessions that takes.
with

horizons (horizon, session_count, enters_at_open, exits_at_close) as (
    values
    ('open_to_close', 1, true, true),
    ('close_to_close', 1, false, true),
    ('overnight', 1, false, false),
    ('sessions_5', 5, true, true),
    ('sessions_20', 20, true, true)
),

-- Bars of one run follow each other session by session: none is missing between them.
bars as (
    select
        prices.*,
        sessions.* exclude (session_date),
        session_index
        - row_number() over (partition by ticker order by session_index) as run
    from {{ ref('int_prices_chosen') }} as prices
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
),

technical as (
    select
        ticker,
        session_date,
        return_1d,
        return_5d,
        return_20d,
        return_overnight
    from {{ ref('stg_technical') }}
)

-- Open and close of one session share their basis, so their return needs no adjustment and takes
-- the newest prices. The others are the adjusted returns that were known at the last decision.
select
    today.ticker,
    today.session_date,
    today.decision_at,
    horizon,
    last.session_date as target_session_date,
    case when enters_at_open then first.open_at else today.close_at end as entry_at,
    case when exits_at_close then last.close_at else last.open_at end as exit_at,
    case horizon
        when 'open_to_close' then last.close / last.open - 1
        when 'close_to_close' then at_last.return_1d
        when 'overnight' then at_last.return_overnight
        when 'sessions_5' then (1 + at_last.return_5d) / (1 + at_first.return_overnight) - 1
        when 'sessions_20' then (1 + at_last.return_20d) / (1 + at_first.return_overnight) - 1
    end as "return"
from bars as today
cross join horizons
inner join bars as first
    on
        today.ticker = first.ticker
        and today.run = first.run
        and today.session_index + 1 = first.session_index
inner join bars as last
    on
        today.ticker = last.ticker
        and today.run = last.run
        and today.session_index + session_count = last.session_index
left join technical as at_first
    on first.ticker = at_first.ticker and first.session_date = at_first.session_date
left join technical as at_last
    on last.ticker = at_last.ticker and last.session_date = at_last.session_date
where
    last.open > 0
    and last.volume_shares > 0
    and case when enters_at_open then first.volume_shares else today.volume_shares end > 0
    and (horizon = 'open_to_close' or last.decision_at <= {{ as_of() }})
    and "return" is not null
