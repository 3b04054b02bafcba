-- name: lock
-- Locks the consent rows of these keys ($1), in key order. What runs after it in the same transaction sees everything that
-- was committed about them before, and no gate passes a touch of theirs until its end.
select key from consents where key = any($1) order by key for no key update;

-- name: missing
-- Which of these suppressions ($1 keys, $2 scopes, $3 reasons, $4 since when) would be new, by their place: not those of
-- which the like is in force, and not those that the person has taken back since.
select distinct on (w.key, w.scope, w.reason) w.place
from unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[]) with ordinality
    as w (key, scope, reason, since, place)
where not exists (
    select from suppressions s
    where s.key = w.key and s.scope = w.scope and s.reason = w.reason
        and (s.lifted_at is null or (s.lifted_by = 'person' and w.since <= s.lifted_at))
)
order by w.key, w.scope, w.reason, w.since nulls last;

-- name: insert
-- Inserts suppressions ($1 keys, $2 scopes, $3 reasons, $4 since when, $5 source, to which the reason is added, $6 how they
-- came); the rows are locked, and their instant is read under the lock.
insert into suppressions (key, scope, reason, since, source_id, via, suppressed_at)
select w.key, w.scope, w.reason, w.since, $5 || ':' || w.reason, $6, clock_timestamp()
from unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[]) as w (key, scope, reason, since)
order by w.key, w.scope, w.reason
on conflict do nothing
returning key, scope;

-- name: flag_again
-- Flags of these keys ($1, locked) as the suppressions in force say.
update consents c
set suppressions = array(
    select distinct s.scope from suppressions s where s.key = c.key and s.lifted_at is null order by s.scope
)
where c.key = any($1);

-- name: reached
-- Whom suppressions of addresses ($1 keys, $2 scopes) are about, as far as they were written to: a touch a lead and scope.
select distinct on (s.lead_id, f.scope) s.lead_id, s.campaign_id, s.step_id, s.entry_no, s.send_id, f.scope
from unnest($1::bytea[], $2::text[]) as f (key, scope)
join sends s on s.address_key = f.key
where f.scope in ('all', 'campaign:' || s.campaign_id, 'goal:' || s.goal)
order by s.lead_id, f.scope, s.claimed_at desc;

-- name: leads
-- The leads that were written to at an address ($1).
select distinct lead_key from sends where address_key = $1;

-- name: written
-- The address that a touch ($1) went to, and its campaign's goal then.
select address_key, goal from sends where send_id = $1;

-- name: choices
-- What people chose on pages, by one click or in a reply and have not taken back ($1 keys).
select distinct source_id, scope from suppressions
where key = any($1) and lifted_at is null and reason = 'unsubscribe'
    and (via in ('page', 'one_click') or source_id like 'reply:%')
order by source_id, scope;

-- name: take_back
-- A person takes their own choices back ($1 keys, locked, $2 sources), and nothing else.
update suppressions set lifted_at = clock_timestamp(), lifted_by = 'person'
where key = any($1) and source_id = any($2) and lifted_at is null and reason = 'unsubscribe'
    and (via in ('page', 'one_click') or source_id like 'reply:%')
returning key;

-- name: flags
-- The scopes in which any of these keys ($1) is suppressed.
select distinct unnest(suppressions) as scope from consents where key = any($1);

-- name: lift
-- An operator lifts an address's suppressions ($1 its key, $2 a scope, or null: all of them) whose reasons are not a person's
-- own wish ($3), for the leads too that they came with ($4: all keys, locked).
with mine as materialized (
    select source_id, scope from suppressions
    where key = $1 and lifted_at is null and ($2::text is null or scope = $2) and reason <> all ($3::text[])
)
update suppressions s set lifted_at = clock_timestamp(), lifted_by = 'operator'
from mine m
where s.key = any($4::bytea[]) and s.source_id = m.source_id and s.scope = m.scope and s.lifted_at is null
returning s.key, s.scope, s.source_id, s.reason;

-- name: records
-- Every suppression of an address ($1), in force or lifted, and of the leads that were written to at it; oldest first.
with lead as materialized (
    select distinct lead_key, lead_id from sends where address_key = $1
)
select
    lead.lead_id, s.scope, s.reason, s.source_id, s.via, s.since, s.suppressed_at, s.lifted_at, s.lifted_by
from suppressions s left join lead on lead.lead_key = s.key
where s.key = $1 or s.key in (select lead_key from lead)
order by s.suppressed_at, s.source_id, s.scope, lead.lead_id nulls first;

-- name: against
-- Touches to an address ($1) that passed the gate against a suppression (`after`), or were in the air when one was
-- committed and may have been accepted after it (`in_the_air`). A touch that left without passing counts by its outcome.
with record as materialized (
    select key, scope, source_id, suppressed_at, lifted_at from suppressions
    where key = $1 or key in (select lead_key from sends where address_key = $1)
)
select
    r.kind, s.send_id, s.lead_id, s.campaign_id, s.step_id, s.mailbox_id, s.message_id, s.state, s.sending_at as passed_at,
    s.finished_at, r.scope, r.source_id, r.suppressed_at
from sends s
cross join lateral (select coalesce(s.sending_at, s.finished_at) as passed_at) as at
cross join lateral (
    select
        r.scope, r.source_id, r.suppressed_at,
        case when at.passed_at > r.suppressed_at then 'after' else 'in_the_air' end as kind
    from record r
    where r.key in (s.address_key, s.lead_key)
        and r.scope in ('all', 'campaign:' || s.campaign_id, 'goal:' || s.goal)
        and case
            when at.passed_at > r.suppressed_at then r.lifted_at is null or at.passed_at <= r.lifted_at
            else s.state in ('sending', 'sent', 'ambiguous')
                and (s.finished_at is null or s.finished_at > r.suppressed_at)
        end
    order by kind, r.suppressed_at
    limit 1
) as r
where s.address_key = $1 and s.state in ('sending', 'sent', 'ambiguous', 'failed', 'deferred')
order by at.passed_at, s.send_id;

-- name: touches
-- How many touches to an address ($1) the ledger knows, and how many of them were sent or may have been.
select count(*) as known, count(*) filter (where state in ('sent', 'ambiguous')) as sent from sends where address_key = $1;

-- name: page
-- Suppressions after one ($1 key, $2 scope, $3 source id) in the order of their keys, $5 at most; $4: the lifted ones too.
select key, scope, source_id, reason, via, since, suppressed_at, lifted_at, lifted_by from suppressions
where (key, scope, source_id) > ($1, $2, $3) and ($4 or lifted_at is null)
order by key, scope, source_id limit $5;
