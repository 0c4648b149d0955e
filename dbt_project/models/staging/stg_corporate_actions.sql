select
    ticker,
    ex_date,
    kind,
    value,
    event_time,
    knowledge_time,
    source
from {{ source('raw', 'corporate_actions') }}
where knowledge_time <= {{ as_of() }}
