with

returns as (
    select
        returns.*,
        tickers.sector
    from {{ ref('int_horizon_returns') }} as returns
    left join {{ ref('stg_tickers') }} as tickers
        on
            returns.ticker = tickers.ticker
            and returns.session_date >= tickers.valid_from
            and returns.session_date <= coalesce(tickers.valid_to, date 'infinity')
),

-- Lists in the order of the tickers: a sum in another order differs by its last bit.
of_sessions as (
    select
        session_date,
        horizon,
        list_avg(list("return" order by ticker)) as mean_return,
        count(*) as size
    from returns
    group by session_date, horizon
),

of_sectors as (
    select
        session_date,
        horizon,
        sector,
        list_avg(list("return" order by ticker)) as mean_return
    from returns
    group by session_date, horizon, sector
)

select
    returns.ticker,
    returns.session_date,
    returns.horizon,
    returns.decision_at,
    returns.target_session_date,
    returns.entry_at,
    returns.exit_at,
    returns.entry_at > returns.decision_at as is_executable,
    returns."return",
    returns."return" - of_sessions.mean_return as excess_over_session,
    returns."return" - of_sectors.mean_return as excess_over_sector,
    (rank() over below - 1 + count(*) over same / 2.0) / of_sessions.size
    - 0.5 as place_in_session,
    returns."return" > 0 as is_up
from returns
inner join of_sessions using (session_date, horizon)
left join of_sectors using (session_date, horizon, sector)
window
    below as (
        partition by returns.session_date, returns.horizon order by returns."return"
    ),
    same as (
        partition by returns.session_date, returns.horizon, returns."return"
    )
order by returns.ticker, returns.session_date, returns.horizon
