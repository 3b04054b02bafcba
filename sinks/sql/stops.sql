-- name: ensure
-- A consent row for each key ($1), in key order: the gate and the flags below lock rows, and a row must be there first.
insert into consents (key)
select distinct k from unnest($1::bytea[]) as k order by k
on conflict do nothing;

-- name: stop
-- Inserts stops ($1 lead keys, $2 enrollments, $3 source ids, $4 reasons) and flags the leads of those that are new.
with wanted as materialized (
    select * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::text[])
        as w (lead_key, enrollment_id, source_id, reason)
),
locked as materialized (
    select key from consents where key = any($1) order by key for no key update
),
fresh as (
    insert into stops (lead_key, enrollment_id, source_id, reason)
    select lead_key, enrollment_id, source_id, reason from wanted
    where (select count(*) from locked) >= 0
    order by lead_key, source_id
    on conflict do nothing
    returning lead_key, enrollment_id, source_id, reason
),
added as (
    select
        lead_key,
        jsonb_agg(
            jsonb_build_object('enrollment_id', enrollment_id, 'source_id', source_id, 'reason', reason)
        ) as stops
    from fresh group by lead_key
)
update consents c set active_stops = c.active_stops || a.stops
from added a where c.key = a.lead_key;

-- name: release
-- Ends the stops of these names ($1 lead keys, $2 enrollments, $3 source ids) and takes exactly them off the leads' flags.
with wanted as materialized (
    select * from unnest($1::bytea[], $2::uuid[], $3::text[]) as w (lead_key, enrollment_id, source_id)
),
locked as materialized (
    select key from consents where key = any($1) order by key for no key update
),
ended as (
    update stops s set released_at = now()
    from wanted w
    where s.lead_key = w.lead_key and s.source_id = w.source_id
        and s.enrollment_id is not distinct from w.enrollment_id
        and s.released_at is null
        and (select count(*) from locked) >= 0
    returning s.lead_key, s.enrollment_id, s.source_id
),
per_lead as (
    select lead_key, array_agg(coalesce(enrollment_id::text, '') || ' ' || source_id) as names
    from ended group by lead_key
)
update consents c set active_stops = coalesce(
    (
        select jsonb_agg(stop) from jsonb_array_elements(c.active_stops) as stop
        where coalesce(stop ->> 'enrollment_id', '') || ' ' || (stop ->> 'source_id') <> all (p.names)
    ),
    '[]'
)
from per_lead p where c.key = p.lead_key;

-- name: suppress
-- Inserts suppressions ($1 keys, $2 scopes, $3 reasons, $4 source ids, $5 how they came) and flags the rows of those that
-- are new. Their instant is read once the rows are locked: whatever passed the gate for them has an earlier one.
with wanted as materialized (
    select * from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[])
        as w (key, scope, reason, source_id, via)
),
locked as materialized (
    select key from consents where key = any($1) order by key for no key update
),
fresh as (
    insert into suppressions (key, scope, reason, source_id, via, suppressed_at)
    select key, scope, reason, source_id, via, clock_timestamp() from wanted
    where (select count(*) from locked) >= 0
    order by key, scope
    on conflict do nothing
    returning key, scope
),
added as (
    select key, array_agg(distinct scope) as scopes from fresh group by key
)
update consents c
set suppressions = array(select distinct scope from unnest(c.suppressions || a.scopes) as scope order by scope)
from added a where c.key = a.key;

-- name: suppressed
-- The scopes in which an address ($1) is suppressed now.
select suppressions from consents where key = $1;
