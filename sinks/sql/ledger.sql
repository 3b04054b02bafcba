-- name: prepare
-- What the gate will lock must exist before the touch does: a consent row a lead and an address ($1), and the owner of
-- each campaign's address ($2 campaigns, $3 address keys, $4 lead keys; the first one wins and stays).
with consent as (
    insert into consents (key)
    select distinct k from unnest($1::bytea[]) as k order by k
    on conflict do nothing
)
insert into campaign_addresses (campaign_id, address_key, lead_key)
select campaign_id, address_key, lead_key
from unnest($2::text[], $3::bytea[], $4::bytea[]) as a (campaign_id, address_key, lead_key)
order by campaign_id, address_key
on conflict do nothing;

-- name: intake
-- Takes grants in as claimed. Inserted: a touch never seen. Reopened: one that may be asked again, by a newer grant. Taken
-- over: one that is still claimed, by the same grant. Nothing where the lease ($1 scopes) is not at the touch's epoch.
with lease as materialized (
    select scope, epoch from partition_leases where scope = any($1) order by scope for share
)
insert into sends as s (
    send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, campaign_version, entry_no,
    ask_no, attempt, pool_partition, sender_partition, owns_address, state, lead_key, address_key, lead_id, campaign_id,
    goal, step_id, variant, pool_id, mailbox_id, grant_id, message_id, timezone, after_stops, domain, touch
)
select
    w.send_id, w.enrollment_id, w.granted_at, w.expires_at, w.grant_order, w.pool_epoch, w.sender_epoch,
    w.campaign_version, w.entry_no, w.ask_no, w.attempt, w.pool_partition, w.sender_partition,
    starts_with(w.step_id, 'answer:') or (  -- whoever has written is answered, also from a colleague's address
        select a.lead_key = w.lead_key from campaign_addresses a
        where a.campaign_id = w.campaign_id and a.address_key = w.address_key
    ),
    'claimed', w.lead_key, w.address_key, w.lead_id, w.campaign_id, w.goal, w.step_id, w.variant, w.pool_id,
    w.mailbox_id, w.grant_id, w.message_id, w.timezone, w.after_stops::jsonb, w.domain, w.touch
from unnest(
    $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[], $8::bigint[], $9::int[],
    $10::int[], $11::int[], $12::int[], $13::int[], $14::int[], $15::bytea[], $16::bytea[], $17::text[], $18::text[],
    $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[],
    $28::text[], $29::text[]
) as w (
    send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, campaign_version, entry_no,
    ask_no, attempt, pool_partition, sender_partition, lead_key, address_key, lead_id, campaign_id, goal, step_id,
    variant, pool_id, mailbox_id, grant_id, message_id, timezone, after_stops, domain, touch
)
join lease on lease.scope = 'sender:' || w.sender_partition and lease.epoch = w.sender_epoch
on conflict (send_id) do update set
    claimed_at = case when s.grant_id = excluded.grant_id then s.claimed_at else excluded.claimed_at end,
    granted_at = excluded.granted_at,
    expires_at = excluded.expires_at,
    grant_order = excluded.grant_order,
    pool_epoch = excluded.pool_epoch,
    sender_epoch = excluded.sender_epoch,
    gate_no = null,
    sending_at = null,
    finished_at = null,
    outcome_at = null,
    campaign_version = excluded.campaign_version,
    ask_no = excluded.ask_no,
    attempt = excluded.attempt,
    pool_partition = excluded.pool_partition,
    sender_partition = excluded.sender_partition,
    owns_address = excluded.owns_address,
    used = null,
    state = 'claimed',
    lead_key = excluded.lead_key,
    address_key = excluded.address_key,
    subject_key = null,
    goal = excluded.goal,
    variant = excluded.variant,
    mailbox_id = excluded.mailbox_id,
    grant_id = excluded.grant_id,
    message_id = excluded.message_id,
    timezone = excluded.timezone,
    code = null,
    after_stops = excluded.after_stops,
    domain = excluded.domain,
    subject = null,
    detail = null,
    touch = excluded.touch
where (
    s.state in ('deferred', 'expired', 'stale', 'stopped', 'paused') and s.grant_order < excluded.grant_order
) or (
    s.state = 'claimed' and s.grant_id = excluded.grant_id and s.sender_epoch <= excluded.sender_epoch
)
returning s.send_id, s.claimed_at;

-- name: known
-- What the ledger holds of these touches ($1), with the outcome of those that have one.
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, pool_id, mailbox_id, variant, ask_no, attempt,
    grant_id, grant_order, granted_at, state, used, outcome_at, message_id, code, detail, subject, claimed_at
from sends where send_id = any($1);

-- name: gate
-- Decides a mini-batch of one mailbox, as one transaction. It locks the leases ($1), the gates ($2) and the consents ($3),
-- each set in key order and each set whole before the next, then the touches ($4 send ids, $5 grant ids), and decides from
-- the columns of the rows it locked only. $6 mailbox, $7 sender partition, $8 its epoch, $9 the number of this mini-batch
-- (asked again after a lost answer, it finds what it let pass), $10 the campaign instant for what it refuses, $11 how many
-- consent rows there must be, $12 the company of each touch that minds colleagues.
with lease as materialized (
    select scope, epoch from partition_leases where scope = any($1) order by scope for share
),
gate as materialized (
    select scope, is_open from campaign_gates
    where scope = any($2) and (select count(*) from lease) >= 0
    order by scope for share
),
consent as materialized (
    select key, active_stops, suppressions from consents
    where key = any($3) and (select count(*) from gate) >= 0
    order by key for share
),
flagged as materialized (
    select key, active_stops, suppressions from consent where suppressions <> '{}' or active_stops <> '[]'
),
touch as materialized (
    select
        s.send_id, s.enrollment_id, s.campaign_id, s.goal, s.lead_key, s.address_key, s.owns_address, s.pool_partition,
        s.pool_epoch, s.expires_at, s.after_stops, starts_with(s.step_id, 'answer:') as is_answer, w.company_key
    from unnest($4::uuid[], $5::text[], $12::bytea[]) as w (send_id, grant_id, company_key)
    join sends s on s.send_id = w.send_id
    where (select count(*) from consent) >= 0
        and exists (select from lease where scope = 'sender:' || $7::int and epoch = $8)
        and s.grant_id = w.grant_id and s.mailbox_id = $6 and s.sender_epoch = $8
        and (s.state = 'claimed' or (s.state = 'sending' and s.gate_no = $9))
    order by s.send_id
    for no key update of s
),
verdict as materialized (
    select
        t.send_id,
        case
            when exists (
                select from flagged f
                where f.key in (t.lead_key, t.address_key)
                    and f.suppressions && array['all', 'campaign:' || t.campaign_id, 'goal:' || t.goal]
            ) then 'suppressed/suppressed'
            when not t.owns_address then 'suppressed/duplicate_address'
            when exists (select from flagged f where f.key = t.lead_key and f.active_stops <> '[]') then (
                select 'stopped/' || (stop ->> 'reason')
                from flagged f cross join lateral jsonb_array_elements(f.active_stops) as stop
                where f.key = t.lead_key
                    and not coalesce(t.after_stops ? (stop ->> 'source_id'), false)
                    and coalesce((stop ->> 'enrollment_id')::uuid = t.enrollment_id, true)
                limit 1
            )
        end as covered,
        (
            select 'stopped/' || (stop ->> 'reason')
            from flagged f cross join lateral jsonb_array_elements(f.active_stops) as stop
            where f.key = t.company_key and stop ->> 'lead' <> encode(t.lead_key, 'hex')
                and coalesce((stop ->> 'until')::timestamptz > $10, true)
            limit 1
        ) as colleague,
        case
            when not coalesce((select is_open from gate where scope = '*'), false) then 'paused/everything'
            when not coalesce((select is_open from gate where scope = 'campaign:' || t.campaign_id), false) and not (
                t.is_answer and exists (  -- to a reply that came at the end: no campaign that is over begins again
                    select from definition_heads h join definitions d using (kind, id, revision)
                    where h.kind = 'campaign' and h.id = t.campaign_id and d.status in ('completed', 'archived')
                )
            ) then 'paused/campaign'
            when not exists (
                select from lease where scope = 'dispatch:' || t.pool_partition and epoch = t.pool_epoch
            ) then 'stale/pool_epoch'
            when (select count(*) from consent) <> $11 and (
                select count(*) from consent c where c.key in (t.lead_key, t.address_key)
            ) <> 2 then 'stale/no_consent_row'
            when t.expires_at <= clock_timestamp() then 'expired/grant_expired'
        end as closed
    from touch t
),
decided as materialized (
    select send_id, split_part(refusal, '/', 1) as outcome, substr(refusal, strpos(refusal, '/') + 1) as code
    from (select send_id, coalesce(covered, colleague, closed) as refusal from verdict) as v
)
update sends s set
    state = coalesce(d.outcome, 'sending'),
    code = d.code,
    gate_no = $9,
    sending_at = case when d.outcome is null then clock_timestamp() end,
    used = case when d.outcome is not null then false end,
    finished_at = case when d.outcome is not null then clock_timestamp() end,
    outcome_at = case when d.outcome is not null then $10::timestamptz end,
    touch = case when d.outcome is null then s.touch end
from decided d
where s.send_id = d.send_id
returning s.send_id, d.outcome, d.code;

-- name: record
-- Writes outcomes ($1 send ids, $2 grant ids, $3 sender epochs, $4 states they come from, $5 outcomes, $6 used, $7 campaign
-- instants, $8 codes, $9 details, $10 subjects, $11 subject keys, $12 campaign versions) where grant, epoch and state are still those, and clears the
-- touch. Says which.
update sends s set
    state = v.outcome,
    used = v.used,
    outcome_at = v.at,
    code = v.code,
    detail = v.detail,
    subject = v.subject,
    subject_key = v.subject_key,
    relay_id = coalesce(substring(v.detail from '\m[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-\d{6}\M'), s.relay_id),
    campaign_version = coalesce(v.campaign_version, s.campaign_version),
    finished_at = now(),
    touch = null
from unnest(
    $1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[], $8::text[],
    $9::text[], $10::text[], $11::bytea[], $12::int[]
) as v (send_id, grant_id, epoch, from_state, outcome, used, at, code, detail, subject, subject_key, campaign_version)
where s.send_id = v.send_id and s.grant_id = v.grant_id and s.sender_epoch = v.epoch and s.state = v.from_state
returning s.send_id;

-- name: mark_ambiguous
-- Whoever had these in the air is not the owner any more ($1 scope, $2 epoch, $3 partition, $4 campaign instant): what became
-- of them cannot be known. Those of this very epoch ($5: held in hand, not these) count after a quarter of an hour.
with lease as materialized (
    select epoch from partition_leases where scope = $1 and epoch = $2 for share
)
update sends s set
    state = 'ambiguous',
    code = 'taken_over',
    used = true,
    finished_at = now(),
    outcome_at = $4,
    touch = null
where exists (select from lease)
    and s.sender_partition = $3
    and s.claimed_at >= coalesce((select settled_at from sender_progress where partition = $3), '-infinity')
    and s.state = 'sending'
    and (
        s.sender_epoch < $2
        or (s.sender_epoch = $2 and s.sending_at < now() - interval '15 minutes' and s.send_id <> all ($5::uuid[]))
    )
returning s.send_id;

-- name: adopt
-- Takes claimed touches of a partition over ($1 scope, $2 epoch, $3 partition, $4 held in hand, not these).
with lease as materialized (
    select epoch from partition_leases where scope = $1 and epoch = $2 for share
)
update sends s set sender_epoch = $2, gate_no = null
where exists (select from lease)
    and s.sender_partition = $3
    and s.claimed_at >= coalesce((select settled_at from sender_progress where partition = $3), '-infinity')
    and s.state = 'claimed'
    and s.sender_epoch <= $2
    and s.send_id <> all ($4::uuid[])
returning s.send_id, s.lead_key, s.address_key, s.message_id, s.claimed_at, s.touch;

-- name: untold
-- What finished under another epoch in the last hour and may not have been told ($1 epoch, $2 partition), and what a
-- sweep of this very epoch found in nobody's hands.
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, pool_id, mailbox_id, variant, ask_no, attempt,
    grant_id, granted_at, state, used, outcome_at, message_id, code, detail, subject, claimed_at
from sends
where sender_partition = $2
    and claimed_at >= coalesce((select settled_at from sender_progress where partition = $2), '-infinity')
    and state not in ('claimed', 'sending')
    and (sender_epoch <> $1 or code = 'taken_over')
    and finished_at > now() - interval '1 hour'
order by claimed_at;

-- name: settle
-- All that was claimed in a partition before an instant is finished and told ($1 scope, $2 epoch, $3 partition, $4 instant).
with lease as materialized (
    select epoch from partition_leases where scope = $1 and epoch = $2 for share
)
insert into sender_progress as p (partition, settled_at)
select $3, $4 where exists (select from lease)
on conflict (partition) do update set settled_at = greatest(p.settled_at, excluded.settled_at);

-- name: forget
-- Clears what could name a person from rows that were settled more than an hour ago ($1 partition), a slice at a time
-- ($2 rows); says how many.
with span as materialized (
    select forgotten_at as since, least(settled_at, now() - interval '1 hour') as until
    from sender_progress where partition = $1
),
slice as materialized (
    select s.send_id, s.claimed_at from sends s, span
    where s.sender_partition = $1 and s.claimed_at >= span.since and s.claimed_at < span.until
    order by s.claimed_at limit $2
),
cleared as (
    update sends s set subject = null, detail = null, domain = null
    from slice where s.send_id = slice.send_id and num_nonnulls(s.subject, s.detail, s.domain) > 0
),
progress as (
    update sender_progress p
    set forgotten_at = case
        when (select count(*) from slice) < $2 then greatest(p.forgotten_at, (select until from span))
        else (select max(claimed_at) from slice)
    end
    where p.partition = $1
)
select count(*) from slice;

-- name: resolve
-- Touches by id ($1).
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, entry_no, pool_id, mailbox_id, variant, grant_id,
    granted_at, state, message_id, timezone, address_key
from sends where send_id = any($1);

-- name: resolve_messages
-- Touches by Message-ID ($1).
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, entry_no, pool_id, mailbox_id, variant, grant_id,
    granted_at, state, message_id, timezone, address_key
from sends where message_id = any($1);

-- name: resolve_relayed
-- Touches by the id that a relay gave them ($1) when it took them: Amazon SES writes it over the Message-ID.
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, entry_no, pool_id, mailbox_id, variant, grant_id,
    granted_at, state, message_id, timezone, address_key, relay_id
from sends where relay_id = any($1);

-- name: resolve_thread
-- The newest touch that went to an address ($1) under a subject ($2, keyed hash).
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, entry_no, pool_id, mailbox_id, variant, grant_id,
    granted_at, state, message_id, timezone, address_key
from sends
where address_key = $1 and subject_key = $2 and state in ('sent', 'ambiguous')
order by claimed_at desc limit 1;

-- name: resolve_number
-- The newest text that went to a number ($1), by this sender ($2) rather than by another.
select
    send_id, enrollment_id, lead_id, campaign_id, campaign_version, step_id, entry_no, pool_id, mailbox_id, variant, grant_id,
    granted_at, state, message_id, timezone, address_key
from sends
where address_key = $1 and state in ('sending', 'sent', 'ambiguous')
order by (mailbox_id = $2) desc, claimed_at desc limit 1;

-- name: settle_ambiguous
-- Later proof that these arrived ($1).
update sends set state = 'sent', code = 'proved' where send_id = any($1) and state = 'ambiguous' returning send_id;

-- name: recent_grants
-- The grants of a pool partition's last 25 hours of campaign time ($1), by what became of them.
select
    grant_id, send_id, mailbox_id, campaign_id, coalesce(domain, '') as domain, granted_at,
    case when used is null then 'open' when used then 'used' else 'unused' end as use
from sends
where pool_partition = $1
    and granted_at > (select max(granted_at) from sends where pool_partition = $1) - interval '25 hours'
order by granted_at;
