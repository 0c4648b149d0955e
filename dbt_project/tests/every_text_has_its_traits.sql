{{ config(meta={"dagster": {"ref": {"name": "int_texts_first_known"}}}) }}

-- Without traits a text would silently count as no text at all.
select texts.*
from {{ ref('int_texts_first_known') }} as texts
anti join {{ ref('stg_text_traits') }} as traits using (text_hash, session_date)
