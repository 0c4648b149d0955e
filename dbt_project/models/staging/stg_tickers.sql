select
    ticker,
    company,
    sector,
    valid_from,
    valid_to
from {{ source('raw', 'tickers') }}
