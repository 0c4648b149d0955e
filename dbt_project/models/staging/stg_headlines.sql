select
    text_id,
    ticker,
    event_time,
    knowledge_time,
    session_date,
    text,
    text_hash,
    author,
    is_retweet,
    retweet_count,
    like_count,
    source
from {{ source('raw', 'headlines') }}
where knowledge_time <= {{ as_of() }}
