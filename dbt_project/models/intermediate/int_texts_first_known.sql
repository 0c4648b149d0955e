-- A text is news once: an edit or a late copy of it changes neither its session nor its words.
with

texts as (
    {% for kind in ['tweet', 'headline'] %}
    select
        '{{ kind }}' as kind,
        source,
        text_id,
        ticker,
        knowledge_time,
        session_date,
        text_hash,
        author,
        is_retweet
    from {{ ref('stg_' ~ kind ~ 's') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    *,
    -- Under how many tickers this version was delivered.
    count(*) over (partition by kind, source, text_id, knowledge_time) as delivered_tickers
from texts
qualify row_number() over (partition by kind, source, text_id, ticker order by knowledge_time) = 1
