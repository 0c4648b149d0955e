with

-- A text repeated in several months is scored in each of them; the newest score counts.
scores as (
    select text_hash, score, vader_score
    from {{ ref('stg_text_sentiment') }}
    qualify row_number() over (partition by text_hash order by first_known_at desc) = 1
)

select texts.*, scores.score, scores.vader_score
from {{ ref('int_texts_first_known') }} as texts
inner join scores using (text_hash)
