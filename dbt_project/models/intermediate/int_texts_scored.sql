with

-- A text repeated in several months is scored in each of them; the newest score counts.
scores as (
    select text_hash, score, vader_score
    from {{ ref('stg_text_sentiment') }}
    qualify row_number() over (partition by text_hash order by first_known_at desc) = 1
),

traits as (
    select text_hash, session_date, group_hash, cashtag_count
    from {{ ref('stg_text_traits') }}
    where is_counted
),

texts as (
    select
        known.* exclude (delivered_tickers),
        scores.score,
        scores.vader_score,
        traits.group_hash,
        greatest(known.delivered_tickers, traits.cashtag_count) as ticker_count,
        -- Sources that give a text's address as its id have one text under one id.
        case
            when known.text_id like 'https://%' then known.text_id
            else concat_ws('|', known.kind, known.source, known.text_id)
        end as address,
        -- Near copies that differ in their opinion ("beats", "misses") are not the same opinion.
        case when score > 0.2 then 1 when score < -0.2 then -1 else 0 end as side
    from {{ ref('int_texts_first_known') }} as known
    inner join scores using (text_hash)
    inner join traits using (text_hash, session_date)
),

ranked as (
    select
        * exclude (side, address),
        row_number() over (
            partition by ticker, session_date, group_hash, side
            order by knowledge_time, kind, source, text_id
        ) = 1
        and row_number() over (
            partition by ticker, session_date, address
            order by knowledge_time, kind, source, text_id
        ) = 1 as is_first_of_group,
        array_to_string(
            list_sort(list_distinct(list_concat(
                list(source) over (partition by ticker, session_date, group_hash),
                list(source) over (partition by ticker, session_date, address)
            ))), ', '
        ) as sources
    from texts
)

-- One voice for an author, however many texts share it, and for near copies of one opinion, however
-- many messages and sources carry them: the first one has it; so has the first text of an address. A
-- text about several tickers divides its own.
select
    * exclude (is_first_of_group),
    case
        when not is_first_of_group then 0
        when author is null then 1 / ticker_count
        else 1 / ticker_count / count(*) filter (is_first_of_group) over (
            partition by ticker, session_date, author
        )
    end::double as weight
from ranked
