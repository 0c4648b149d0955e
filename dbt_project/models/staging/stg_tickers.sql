select
    ticker,
    company,
    sector,
    exchange,
    valid_from,
    valid_to
from {{ source('raw', 'tickers') }}
