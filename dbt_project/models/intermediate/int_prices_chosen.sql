-- Whose bar counts: the rule of finpulse_assets/domain/features/choice.py, for labels. A test holds
-- the two to one another. The snapshot's chosen_prices_as_of is made of this file.
with

-- Sources that are not declared follow those that are, by name.
places as (
    select prices.source, row_number() over (order by ranks.rank nulls last, prices.source) as place
    from (select distinct source from {{ ref('stg_prices') }}) as prices
    left join {{ ref('stg_sources') }} as ranks
        on prices.source = ranks.source and ranks.kind = 'prices'
),

firsts as (
    select
        prices.*,
        sessions.session_index,
        places.place,
        prices.knowledge_time <= sessions.decision_at as is_in_time
    from {{ ref('stg_prices') }} as prices
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
    inner join places using (source)
    qualify row_number() over (
        partition by prices.source, prices.ticker, prices.session_date
        order by prices.knowledge_time
    ) = 1
),

mixed as (
    select ticker
    from firsts
    group by ticker
    having count(distinct price_basis) > 1
),

-- The basis of the best source that has had a bar in the last five sessions, as long as a halt.
bases as (
    select
        own.source,
        own.ticker,
        own.session_date,
        arg_min(better.price_basis, (better.place, -better.session_index)) as price_basis
    from firsts as own
    inner join mixed using (ticker)
    inner join firsts as better
        on
            own.ticker = better.ticker
            and better.place < own.place
            and better.is_in_time
            and own.session_index between better.session_index and better.session_index + 5
    group by own.source, own.ticker, own.session_date
),

-- Known in time before late; of the late ones the first to arrive, which no later one replaces.
chosen as (
    select firsts.source, firsts.ticker, firsts.session_date
    from firsts
    left join bases using (source, ticker, session_date)
    where bases.price_basis is null or bases.price_basis = firsts.price_basis
    qualify row_number() over (
        partition by firsts.ticker, firsts.session_date
        order by
            firsts.is_in_time desc,
            case when not firsts.is_in_time then firsts.knowledge_time end,
            firsts.place
    ) = 1
)

select prices.*
from {{ ref('stg_prices') }} as prices
inner join chosen using (source, ticker, session_date)
qualify row_number() over (
    partition by prices.ticker, prices.session_date
    order by prices.knowledge_time desc
) = 1
