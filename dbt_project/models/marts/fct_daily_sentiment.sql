with

-- Equal text is one opinion however often it is repeated: within a ticker and session only its
-- first copy is counted and scored. Authors and the retweet share look at every message.
messages as (
    select
        *,
        row_number() over (
            partition by ticker, session_date, text_hash
            order by knowledge_time, kind, text_id
        ) = 1 as is_first_copy
    from {{ ref('int_texts_scored') }}
),

-- The order inside an aggregate fixes the order of summation, so equal input gives equal bits.
daily as (
    select
        ticker,
        session_date,
        count(*) filter (is_first_copy) as text_count,
        count(*) filter (is_first_copy and kind = 'tweet') as tweet_count,
        count(*) filter (is_first_copy and kind = 'headline') as headline_count,
        count(distinct author) as author_count,
        count(*) filter (is_retweet) / count(*) as retweet_share,
        avg(score order by text_hash) filter (is_first_copy) as sentiment_mean,
        stddev_pop(score order by text_hash) filter (is_first_copy) as sentiment_std,
        count(*) filter (is_first_copy and score > 0.2) / text_count as positive_share,
        count(*) filter (is_first_copy and score < -0.2) / text_count as negative_share,
        avg(vader_score order by text_hash) filter (is_first_copy) as sentiment_vader_mean
    from messages
    group by ticker, session_date
)

select daily.*, sessions.decision_at
from daily
inner join {{ ref('stg_sessions') }} as sessions using (session_date)
order by ticker, session_date
