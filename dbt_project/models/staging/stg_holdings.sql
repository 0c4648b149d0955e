select
    ticker,
    manager,
    filing_id,
    report_date,
    is_addition,
    shares,
    value_usd,
    event_time,
    knowledge_time,
    source
from {{ source('raw', 'holdings') }}
where knowledge_time <= {{ as_of() }}
