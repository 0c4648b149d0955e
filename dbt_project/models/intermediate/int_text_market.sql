with

market as (
    select
        session_index,
        sum(text_count)::bigint as market_text_count,
        -- The order fixes the order of summation, so equal input gives equal bits.
        avg(sentiment_mean order by ticker) as market_sentiment_mean
    from {{ ref('int_text_sessions') }}
    group by session_index
)

select
    session_index,
    market_text_count,
    market_text_count
        / nullif(avg(market_text_count) over last_20, 0) as market_text_count_to_mean_20d,
    market_sentiment_mean,
    market_sentiment_mean
        - sum(market_sentiment_mean::decimal(38, 18)) over last_5
        / nullif(count(market_sentiment_mean) over last_5, 0) as market_sentiment_change_5d
from market
window
    last_5 as (order by session_index rows between 4 preceding and current row),
    last_20 as (order by session_index rows between 19 preceding and current row)
