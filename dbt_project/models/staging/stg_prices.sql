select
    ticker,
    session_date,
    event_time,
    knowledge_time,
    open,
    high,
    low,
    close,
    volume_shares,
    price_basis,
    source
from {{ source('raw', 'prices') }}
where knowledge_time <= {{ as_of() }}
