with

-- What was said of a quarter: the last whole table, and the additions since.
statements as (
    select
        *,
        count(*) filter (not is_addition) over (
            partition by ticker, manager, report_date order by knowledge_time, filing_id
        ) as whole_tables
    from {{ ref('stg_holdings') }}
),

states as (
    select
        ticker,
        manager,
        report_date,
        filing_id,
        knowledge_time,
        sum(shares) over (
            partition by ticker, manager, report_date, whole_tables
            order by knowledge_time, filing_id
        )::bigint as shares
    from statements
),

decisions as (
    select technical.ticker, technical.session_date, sessions.decision_at
    from {{ ref('stg_technical') }} as technical
    inner join {{ ref('stg_sessions') }} as sessions using (session_date)
    where technical.ticker in (select ticker from states)
        and sessions.decision_at <= {{ as_of() }}
),

-- A newest report is at most 200 days old, the one before it 92 more.
known as (
    select ticker, session_date, decision_at, manager, report_date, shares
    from decisions
    inner join states using (ticker)
    where states.knowledge_time < decision_at
        and report_date > session_date - 292
    qualify row_number() over (
        partition by ticker, session_date, manager, report_date
        order by states.knowledge_time desc, filing_id desc
    ) = 1
),

newest as (
    select *
    from known
    qualify report_date = max(report_date) over (partition by ticker, session_date, manager)
        and report_date > session_date - 200
),

-- The first version of a split: a later correction did not help the decision.
splits as (
    select
        ticker,
        ex_date,
        arg_min(value, knowledge_time) as ratio,
        min(knowledge_time) as known_at
    from {{ ref('stg_corporate_actions') }}
    where kind = 'split'
    group by ticker, ex_date
),

compared as (
    select
        newest.ticker,
        newest.session_date,
        newest.manager,
        newest.shares,
        earlier.shares * coalesce((
            select product(ratio)
            from splits
            where splits.ticker = newest.ticker
                and splits.ex_date > earlier.report_date
                and splits.ex_date <= newest.report_date
                and splits.known_at < newest.decision_at
        ), 1) as shares_before
    from newest
    left join known as earlier
        on earlier.ticker = newest.ticker
        and earlier.session_date = newest.session_date
        and earlier.manager = newest.manager
        and earlier.report_date = last_day(newest.report_date - interval 3 month)
)

select
    ticker,
    session_date,
    count(*) filter (shares > 0) / count(*) as institution_holder_share,
    sum(shares) filter (shares_before is not null)
        -- The order inside the aggregate fixes the order of summation.
        / nullif(sum(shares_before order by manager), 0) - 1 as institution_shares_change,
    (count(*) filter (shares > shares_before) - count(*) filter (shares < shares_before))
        / nullif(count(*) filter (shares <> shares_before), 0) as institution_buyer_balance
from compared
group by ticker, session_date
