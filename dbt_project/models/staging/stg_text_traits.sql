select
    text_hash,
    session_date,
    first_known_at,
    language,
    is_counted,
    group_hash,
    cashtag_count
from {{ source('scored', 'text_traits') }}
