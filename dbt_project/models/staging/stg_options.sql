select
    ticker,
    contract,
    expiry_date,
    side,
    strike,
    underlying_price,
    volume_contracts,
    open_interest_contracts,
    implied_volatility,
    event_time,
    knowledge_time,
    source
from {{ source('raw', 'options') }}
where knowledge_time <= {{ as_of() }}
