select
    kind,
    source,
    rank
from {{ source('raw', 'sources') }}
