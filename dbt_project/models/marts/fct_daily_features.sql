with

-- features/technical carries no knowledge time: its rows are known at their decision time.
technical as (
    select technical.*, sessions.session_index, sessions.decision_at
    from {{ ref('stg_technical') }} as technical
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
    where sessions.decision_at <= {{ as_of() }}
),

-- Means of equal scores differ by 1e-17 of rounding, and still tie.
rounded as (
    select *, round(sentiment_mean, 9) as place
    from {{ ref('int_daily_sentiment') }}
),

-- (rank - 1) / (n - 1), where equals share the mean of their ranks.
sentiment as (
    select
        *,
        (
            rank() over (partition by session_date order by place) - 1
            + (count(*) over (partition by session_date, place) - 1) / 2
        ) / nullif(count(*) over (partition by session_date) - 1, 0) as sentiment_rank
    from rounded
),

windows as (
    select * from {{ ref('int_text_windows') }}
),

-- The order inside the aggregate fixes the order of summation, so equal input gives equal bits.
windows_of_all as (
    select session_index, avg(sentiment_mean_5d order by ticker) as market_sentiment_mean_5d
    from windows
    group by session_index
)

select
    ticker,
    session_date,
    technical.decision_at,
    technical.* exclude (ticker, session_date, session_index, decision_at, bars_seen),

    -- of the session
    {% for count in ['text_count', 'tweet_count', 'headline_count', 'author_count'] %}
    coalesce(sentiment.{{ count }}, 0) as {{ count }},
    {% endfor %}
    retweet_share,
    near_copy_share,
    tickers_per_text,
    sentiment_raw,
    sentiment_weighted,
    sentiment_mean,
    sentiment_std,
    sentiment_max,
    sentiment_min,
    sentiment_certainty,
    positive_share,
    negative_share,
    bullishness,
    sentiment_disagreement,
    tweet_sentiment_mean,
    headline_sentiment_mean,
    headline_minus_tweet_sentiment,
    novelty_20d,
    signal_strength,
    signal_quality,
    coalesce(sentiment.trading_signal, 0) as trading_signal,

    -- of the ticker's history
    windows.* exclude (ticker, session_index),

    -- of all tickers
    market_sentiment_mean,
    market_sentiment_change_5d,
    market_text_count_to_mean_20d,
    sentiment_mean - market_sentiment_mean as sentiment_minus_market,
    sentiment_rank,
    sentiment_mean_5d - market_sentiment_mean_5d as sentiment_5d_minus_market,
    coalesce(sentiment.text_count, 0) / nullif(market_text_count, 0) as attention_share,

    -- of holdings and option chains
    holdings.* exclude (ticker, session_date),
    options.* exclude (ticker, session_date)
from technical
inner join windows using (ticker, session_index)
inner join windows_of_all using (session_index)
inner join {{ ref('int_text_market') }} using (session_index)
left join sentiment using (ticker, session_date)
left join {{ ref('int_holdings') }} as holdings using (ticker, session_date)
left join {{ ref('int_options') }} as options using (ticker, session_date)
order by ticker, session_date
