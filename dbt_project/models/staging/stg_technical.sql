-- Every feature of the registry, in its order; fct_daily_features.yml lists them.
select *
from {{ source('features', 'technical') }}
