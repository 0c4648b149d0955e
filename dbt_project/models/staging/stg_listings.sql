select
    ticker,
    knowledge_time,
    company,
    exchange,
    sector,
    cik,
    is_listed,
    source
from {{ source('raw', 'listings') }}
where knowledge_time <= {{ as_of() }}
