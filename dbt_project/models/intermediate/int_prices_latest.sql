select *
from {{ ref('stg_prices') }}
qualify row_number() over (partition by ticker, session_date order by knowledge_time desc) = 1
