-- Tested where it is made, so that nothing is built on rows that fail.
select *
from {{ ref('int_daily_sentiment') }}
order by ticker, session_date
