select
    features.*,
    labels.target_session_date,
    labels.entry_at,
    labels.exit_at,
    labels."return" as return_next_session,
    labels.is_up
from {{ ref('fct_daily_features') }} as features
inner join {{ ref('fct_labels') }} as labels using (ticker, session_date)
where labels.horizon = 'open_to_close'
order by ticker, session_date
