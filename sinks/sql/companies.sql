-- name: join_company
-- Which leads of a campaign are written to at which company ($1 keys, $2 campaigns, $3 leads).
insert into campaign_companies (company_key, campaign_id, lead_id)
select * from unnest($1::bytea[], $2::text[], $3::text[]) on conflict do nothing

-- name: companies_of
-- The companies at which leads ($2) are written to in campaigns ($1).
select c.company_key, c.campaign_id, c.lead_id
from unnest($1::text[], $2::text[]) as w (campaign_id, lead_id)
join campaign_companies c on c.campaign_id = w.campaign_id and c.lead_id = w.lead_id

-- name: colleagues
-- The other leads of a campaign at these companies ($1 keys, $2 the lead itself).
select distinct lead_id from campaign_companies where company_key = any($1) and lead_id <> $2 order by lead_id limit 10000

-- name: lock_consents
-- Locks consent rows ($1) in the order of everybody who locks them.
select key from consents where key = any($1) order by key for no key update

-- name: stop_companies
-- Stops of companies ($1 keys, $2 source ids, $3 the lead that answered as its key's hexadecimal digits, $4 until when): like the stop
-- of a lead, and known to the gate by the same flags. The rows are locked already.
with wanted as materialized (
    select * from unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[]) as w (company_key, source_id, lead, until_at)
),
fresh as (
    insert into stops (lead_key, source_id, reason)
    select company_key, source_id, 'colleague' from wanted order by company_key, source_id
    on conflict do nothing
    returning lead_key, source_id
),
added as (
    select
        f.lead_key,
        jsonb_agg(
            jsonb_build_object('source_id', w.source_id, 'reason', 'colleague', 'lead', w.lead, 'until', w.until_at)
        ) as stops
    from fresh f join wanted w on w.company_key = f.lead_key and w.source_id = f.source_id
    group by f.lead_key
)
update consents c set active_stops = c.active_stops || a.stops from added a where c.key = a.lead_key

-- name: settle_companies
-- What a stop of companies ($1 keys, $2 source id) is from now on: its reason ($3) and its end ($4, NULL: none).
update consents c set active_stops = (
    select jsonb_agg(
        case when stop ->> 'source_id' = $2 then stop || jsonb_build_object('reason', $3::text, 'until', $4::timestamptz) else stop end
    )
    from jsonb_array_elements(c.active_stops) as stop
)
where c.key = any($1) and c.active_stops <> '[]'
