with

sessions as (
    select * from {{ ref('stg_sessions') }}
),

-- features/technical carries no knowledge time: its rows are known at their decision time.
bars as (
    select technical.ticker, sessions.session_index
    from {{ ref('stg_technical') }} as technical
    inner join sessions using (session_date)
    where sessions.decision_at <= {{ as_of() }}
),

sentiment as (
    select
        ticker,
        session_index,
        text_count,
        headline_count,
        author_count,
        sentiment_mean
    from {{ ref('int_daily_sentiment') }}
    inner join sessions using (session_date)
),

known as (
    select ticker, session_index from bars
    union all
    select ticker, session_index from sentiment
),

firsts as (
    select ticker, min(session_index) as first_index
    from known
    group by ticker
)

-- Every ticker goes on to the last session that anything is known of. To end at its own last bar
-- or text would tell the market of an earlier session how long the ticker lives.
select
    ticker,
    sessions.session_index,
    coalesce(text_count, 0) as text_count,
    coalesce(headline_count, 0) as headline_count,
    coalesce(author_count, 0) as author_count,
    sentiment_mean,
    -- Decimals add exactly: windows give equal bits however threads share their sums.
    coalesce(text_count * sentiment_mean, 0)::decimal(38, 18) as score_sum
from firsts
inner join sessions
    on sessions.session_index between first_index and (select max(session_index) from known)
left join sentiment using (ticker, session_index)
