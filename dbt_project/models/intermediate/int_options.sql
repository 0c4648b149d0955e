with

-- Each chain counts for the first session whose decision comes after it, the last of several.
chains as (
    select taken.ticker, taken.knowledge_time, sessions.session_date
    from (select distinct ticker, knowledge_time from {{ ref('stg_options') }}) as taken
    asof join {{ ref('stg_sessions') }} as sessions
        on taken.knowledge_time < sessions.decision_at
    where sessions.decision_at <= {{ as_of() }}
    qualify row_number() over (
        partition by taken.ticker, sessions.session_date order by taken.knowledge_time desc
    ) = 1
),

contracts as (
    select
        chains.session_date,
        options.*,
        options.strike / options.underlying_price as moneyness,
        -- The nearest expiry at least a week away: the last days of a contract are all noise.
        options.expiry_date = min(options.expiry_date)
            filter (options.expiry_date >= chains.session_date + 7)
            over (partition by options.ticker, chains.session_date) as is_nearest
    from {{ ref('stg_options') }} as options
    inner join chains using (ticker, knowledge_time)
),

quoted as (
    select
        *,
        round(abs(moneyness - 1), 9) as from_price,
        round(abs(moneyness - 0.95), 9) as from_below,
        round(abs(moneyness - 1.05), 9) as from_above
    from contracts
    where is_nearest and implied_volatility is not null
),

volatilities as (
    select
        ticker,
        session_date,
        -- Of two strikes as near as each other the lower one counts.
        arg_min(implied_volatility, (from_price, strike)) filter (side = 'call') as call_level,
        arg_min(implied_volatility, (from_price, strike)) filter (side = 'put') as put_level,
        arg_min(implied_volatility, (from_below, strike)) filter (side = 'put') as put_below,
        arg_min(implied_volatility, (from_above, strike)) filter (side = 'call') as call_above
    from quoted
    group by ticker, session_date
),

counts as (
    select
        ticker,
        session_date,
        sum(volume_contracts) filter (side = 'put') as put_volume,
        sum(volume_contracts) filter (side = 'call') as call_volume,
        sum(open_interest_contracts) filter (side = 'put') as put_open,
        sum(open_interest_contracts) filter (side = 'call') as call_open,
        sum(volume_contracts) as volume,
        sum(open_interest_contracts) as open_interest
    from contracts
    group by ticker, session_date
)

select
    ticker,
    session_date,
    coalesce(put_volume, 0) / nullif(call_volume, 0) as put_call_volume,
    coalesce(put_open, 0) / nullif(call_open, 0) as put_call_open_interest,
    coalesce(volume, 0) / nullif(open_interest, 0) as option_volume_to_open_interest,
    (call_level + put_level) / 2 as implied_volatility,
    put_below - call_above as implied_skew
from counts
left join volatilities using (ticker, session_date)
