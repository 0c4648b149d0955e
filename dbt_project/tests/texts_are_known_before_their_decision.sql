{{ config(meta={"dagster": {"ref": {"name": "int_texts_first_known"}}}) }}

-- No look-ahead: a text may only count for a session that is decided after it was known.
select texts.*
from {{ ref('int_texts_first_known') }} as texts
inner join {{ ref('stg_sessions') }} as sessions using (session_date)
where texts.knowledge_time >= sessions.decision_at
