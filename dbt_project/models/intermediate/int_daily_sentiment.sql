-- A table: two marts and the text chain read it, and each would compute it anew.
{{ config(materialized="table") }}

with

-- Equal text is one opinion however often it is repeated: within a ticker and session only its
-- first copy is counted and scored. What is said of authors, copies and voices looks at every
-- message.
messages as (
    select
        texts.*,
        sessions.session_index,
        sessions.decision_at,
        row_number() over (
            partition by ticker, session_date, text_hash
            order by knowledge_time, kind, text_id
        ) = 1 as is_first_copy
    from {{ ref('int_texts_scored') }} as texts
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
),

voices as (
    select
        ticker,
        session_date,
        count(distinct author) as author_count,
        count(*) filter (is_retweet) / count(*) as retweet_share,
        1 - count(distinct group_hash) / count(*) as near_copy_share,
        avg(score order by text_hash) as sentiment_raw,
        sum(weight * score order by text_hash)
            / sum(weight order by text_hash) as sentiment_weighted
    from messages
    group by ticker, session_date
),

texts as (
    select
        *,
        score > 0.2 as is_positive,
        score < -0.2 as is_negative,
        session_index - lag(session_index) over (
            partition by ticker, text_hash order by session_index
        ) as sessions_since_said
    from messages
    where is_first_copy
),

-- The order inside an aggregate fixes the order of summation, so equal input gives equal bits.
opinions as (
    select
        ticker,
        session_date,
        any_value(decision_at) as decision_at,
        count(*) as text_count,
        count(*) filter (kind = 'tweet') as tweet_count,
        count(*) filter (kind = 'headline') as headline_count,
        count(*) filter (is_positive) as positive_count,
        count(*) filter (is_negative) as negative_count,
        count(*) filter (sessions_since_said is null or sessions_since_said > 20) as novel_count,
        avg(score order by text_hash) as sentiment_mean,
        stddev_pop(score order by text_hash) as sentiment_std,
        max(score) as sentiment_max,
        min(score) as sentiment_min,
        avg(abs(score) order by text_hash) as sentiment_certainty,
        avg(score order by text_hash) filter (kind = 'tweet') as tweet_sentiment_mean,
        avg(score order by text_hash) filter (kind = 'headline') as headline_sentiment_mean,
        avg(ticker_count) as tickers_per_text,
        avg(vader_score order by text_hash) as sentiment_vader_mean
    from texts
    group by ticker, session_date
)

select
    ticker,
    session_date,
    text_count,
    tweet_count,
    headline_count,
    author_count,
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
    positive_count / text_count as positive_share,
    negative_count / text_count as negative_share,
    ln((1 + positive_count) / (1 + negative_count)) as bullishness,
    sqrt(1 - pow(
        (positive_count - negative_count) / nullif(positive_count + negative_count, 0), 2
    )) as sentiment_disagreement,
    tweet_sentiment_mean,
    headline_sentiment_mean,
    headline_sentiment_mean - tweet_sentiment_mean as headline_minus_tweet_sentiment,
    novel_count / text_count as novelty_20d,
    -- Five texts without an opinion join in: a single loud text is no strong signal.
    abs(text_count * sentiment_mean) / (text_count + 5) as signal_strength,
    text_count / (text_count + 5) * (1 - sentiment_std) as signal_quality,
    case
        when abs(sentiment_mean) > 0.2 and signal_quality > 0.3 then sign(sentiment_mean)
        else 0
    end::double as trading_signal,
    sentiment_vader_mean,
    decision_at
from opinions
inner join voices using (ticker, session_date)
order by ticker, session_date
