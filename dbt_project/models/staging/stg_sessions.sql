select
    session_date,
    session_index,
    open_at,
    close_at,
    decision_at,
    next_session_date,
    is_half_day
from {{ source('raw', 'sessions') }}
