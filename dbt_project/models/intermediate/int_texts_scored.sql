with

-- A text repeated in several months is scored in each of them; the newest score counts.
scores as (
    select text_hash, score, vader_score
    from {{ ref('stg_text_sentiment') }}
    qualify row_number() over (partition by text_hash order by first_known_at desc) = 1
)

-- The two weights hold the place of learnt ones. Until then an author has one voice, however many
-- texts share it, and words have as much attention as messages carry them.
select
    texts.*,
    scores.score,
    scores.vader_score,
    case
        when author is null then 1.0
        else 1 / count(distinct text_hash) over (partition by ticker, session_date, author)
    end::double as author_weight,
    count(*) over (partition by ticker, session_date, text_hash)::double as copy_weight
from {{ ref('int_texts_first_known') }} as texts
inner join scores using (text_hash)
