select
    text_hash,
    first_known_at,
    p_positive,
    p_negative,
    p_neutral,
    score,
    vader_score,
    is_truncated,
    model_fingerprint
from {{ source('scored', 'text_sentiment') }}
