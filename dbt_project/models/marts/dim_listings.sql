with

changes as (
    select listings.*, coalesce(sources.rank, 1000) as rank
    from {{ ref('stg_listings') }} as listings
    left join {{ ref('stg_sources') }} as sources
        on sources.source = listings.source and sources.kind = 'listings'
),

moments as (
    select distinct ticker, knowledge_time as known_at from changes
),

-- At each change of a ticker, what each directory said of it then.
said as (
    select moments.ticker, moments.known_at, changes.* exclude (ticker)
    from moments
    inner join changes
        on changes.ticker = moments.ticker and changes.knowledge_time <= moments.known_at
    qualify row_number() over (
        partition by moments.ticker, moments.known_at, changes.source
        order by changes.knowledge_time desc
    ) = 1
),

-- The first directory of the declared order that says anything of it.
united as (
    select
        ticker,
        known_at,
        arg_min(company, rank) filter (company is not null) as company,
        arg_min(exchange, rank) filter (exchange is not null) as exchange,
        arg_min(sector, rank) filter (sector is not null) as sector,
        arg_min(cik, rank) filter (cik is not null) as cik,
        arg_min(is_listed, rank) as is_listed
    from said
    group by ticker, known_at
),

-- The last of a day's changes.
versions as (
    select *, (known_at at time zone 'America/New_York')::date as valid_from
    from united
    qualify row_number() over (
        partition by ticker, (known_at at time zone 'America/New_York')::date
        order by known_at desc
    ) = 1
),

firsts as (
    select ticker, cik, min(known_at) as first_known_at
    from versions
    where cik is not null
    group by ticker, cik
),

-- A renamed company: its ticker ends while another one begins under its number, and one alone.
renamed as (
    select
        versions.ticker,
        versions.known_at,
        case when count(distinct firsts.ticker) = 1 then min(firsts.ticker) end as renamed_to
    from versions
    inner join firsts
        on firsts.cik = versions.cik
        and firsts.ticker <> versions.ticker
        and firsts.first_known_at <= versions.known_at
        and firsts.first_known_at > versions.known_at - interval 14 day
    where not versions.is_listed
    group by versions.ticker, versions.known_at
)

select
    versions.ticker,
    versions.valid_from,
    (
        lead(versions.valid_from) over (partition by versions.ticker order by versions.valid_from)
        - 1
    )::date as valid_to,
    versions.known_at,
    versions.is_listed,
    versions.company,
    versions.exchange,
    versions.sector,
    versions.cik,
    renamed.renamed_to
from versions
left join renamed using (ticker, known_at)
order by versions.ticker, versions.valid_from
