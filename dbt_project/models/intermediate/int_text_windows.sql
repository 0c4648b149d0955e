{#- A table: the features and the test would each compute the windows again. -#}
{{ config(materialized='table') }}

-- One row a session of the exchange, so windows of rows are windows of sessions, texts or none.
with

sessions as (
    select * from {{ ref('int_text_sessions') }}
),

windows as (
    select
        *,
        {% for length in [3, 5, 20] %}
        sum(score_sum) over last_{{ length }}
            / nullif(sum(text_count) over last_{{ length }}, 0) as sentiment_mean_{{ length }}d,
        {% endfor %}
        {% for kind in ['text', 'headline', 'author'] %}
        {{ kind }}_count
            / nullif(avg({{ kind }}_count) over last_20, 0) as {{ kind }}_count_to_mean_20d,
        {% endfor %}
        {% for kind in ['text', 'headline'] %}
        least(60, coalesce(session_index - max(session_index) filter ({{ kind }}_count > 0) over (
            partition by ticker order by session_index rows unbounded preceding
        ), 60)) as sessions_since_{{ kind }},
        {% endfor %}
        -- Lists, because a deviation taken of each list in turn has one order of summation.
        list(ln(1 + text_count)) over last_20 as log_counts,
        list(sentiment_mean) filter (sentiment_mean is not null) over last_20 as sentiments
    from sessions
    window
        {% for length in [3, 5, 20] %}
        last_{{ length }} as (
            partition by ticker
            order by session_index
            rows between {{ length - 1 }} preceding and current row
        ){{ ',' if not loop.last }}
        {% endfor %}
),

-- A session's texts are heard in the 50 sessions from it on, ever more faintly.
echoes as (
    select ticker, session_index + age as session_index, age, score_sum, text_count
    from sessions
    cross join range(50) as ages(age)
    where text_count > 0
),

decayed as (
    select
        ticker,
        session_index,
        {% for half_life in [1, 3, 5, 10] %}
        {% set weight = "pow(0.5, age / " ~ half_life ~ ")" %}
        sum((score_sum * {{ weight }})::decimal(38, 18)) filter (age < {{ 5 * half_life }})
            / sum((text_count * {{ weight }})::decimal(38, 18)) filter (age < {{ 5 * half_life }})
            as sentiment_decayed_{{ half_life }}d{{ ',' if not loop.last }}
        {% endfor %}
    from echoes
    group by ticker, session_index
)

select
    ticker,
    session_index,
    sentiment_mean_3d,
    sentiment_mean_5d,
    sentiment_mean_20d,
    sentiment_mean - sentiment_mean_20d as sentiment_change_20d,
    {{ zscore('sentiment_mean', 'sentiments') }} as sentiment_zscore_20d,
    sentiment_decayed_1d,
    sentiment_decayed_3d,
    sentiment_decayed_5d,
    sentiment_decayed_10d,
    text_count_to_mean_20d,
    headline_count_to_mean_20d,
    author_count_to_mean_20d,
    {{ zscore('ln(1 + text_count)', 'log_counts') }} as text_count_zscore_20d,
    sessions_since_text::bigint as sessions_since_text,
    sessions_since_headline::bigint as sessions_since_headline
from windows
left join decayed using (ticker, session_index)
