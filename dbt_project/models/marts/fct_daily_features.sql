with

-- features/technical carries no knowledge time: its rows are known at their decision time.
technical as (
    select technical.*, sessions.session_index, sessions.decision_at
    from {{ ref('stg_technical') }} as technical
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
    where sessions.decision_at <= {{ as_of() }}
),

-- Decimals add exactly: the windows below give equal bits however threads share their sums.
sentiment as (
    select
        sentiment.*,
        sessions.session_index,
        (text_count * sentiment_mean)::decimal(38, 18) as score_sum
    from {{ ref('fct_daily_sentiment') }} as sentiment
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
),

-- A session without a bar (a halt) still has texts, and the windows after it count them.
ticker_sessions as (
    select ticker, session_index from technical
    union
    select ticker, session_index from sentiment
),

-- Ranges of session_index, not rows: a window spans sessions of the exchange, texts or none.
windows as (
    select
        ticker,
        session_index,
        {% for length in [3, 5, 20] %}
        sum(score_sum) over last_{{ length }}
            / sum(text_count) over last_{{ length }} as sentiment_mean_{{ length }}d,
        {% endfor %}
        -- Sessions before the ticker's first are not sessions without texts.
        sum(text_count) over last_20 / least(
            20, session_index - min(session_index) over (partition by ticker) + 1
        ) as text_count_mean_20d
    from ticker_sessions
    left join sentiment using (ticker, session_index)
    window
        {% for length in [3, 5, 20] %}
        last_{{ length }} as (
            partition by ticker
            order by session_index
            range between {{ length - 1 }} preceding and current row
        ){{ ',' if not loop.last }}
        {% endfor %}
),

market as (
    select session_index, avg(sentiment_mean order by ticker) as market_sentiment_mean
    from sentiment
    group by session_index
)

select
    ticker,
    technical.session_date,
    technical.decision_at,
    technical.* exclude (ticker, session_date, session_index, decision_at, bars_seen),
    coalesce(sentiment.text_count, 0) as text_count,
    coalesce(sentiment.headline_count, 0) as headline_count,
    coalesce(sentiment.author_count, 0) as author_count,
    sentiment.sentiment_mean,
    sentiment.sentiment_std,
    sentiment.positive_share,
    sentiment.negative_share,
    windows.sentiment_mean_3d,
    windows.sentiment_mean_5d,
    windows.sentiment_mean_20d,
    sentiment.sentiment_mean - windows.sentiment_mean_20d as sentiment_change_20d,
    coalesce(sentiment.text_count, 0) / windows.text_count_mean_20d as text_count_to_mean_20d,
    market.market_sentiment_mean,
    sentiment.sentiment_mean - market.market_sentiment_mean as sentiment_minus_market
from technical
inner join windows using (ticker, session_index)
left join sentiment using (ticker, session_index)
left join market using (session_index)
order by ticker, technical.session_date
