-- name: want
-- Touches whose words are to be written. One that was dropped is wanted anew; one that is decided has its answer told again.
insert into drafts as d (
    send_id, lead_id, campaign_id, enrollment_id, step_id, variant, campaign_version, merge, person, thread_subject, reason, wanted_at
)
select
    send_id, lead_id, campaign_id, enrollment_id, step_id, variant, campaign_version, merge, person, thread_subject, $12, wanted_at
from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::jsonb[], $9::jsonb[], $10::text[],
    $11::timestamptz[]
) as new (
    send_id, lead_id, campaign_id, enrollment_id, step_id, variant, campaign_version, merge, person, thread_subject, wanted_at
)
on conflict (send_id) do update set
    state = case when d.state = 'dropped' then 'wanted' else d.state end,
    round = case when d.state = 'dropped' then d.round + 1 else d.round end,
    version = case when d.state = 'dropped' then d.version + 1 else d.version end,
    campaign_version = excluded.campaign_version,
    variant = case when d.state = 'dropped' then excluded.variant else d.variant end,
    merge = case when d.state = 'dropped' then excluded.merge else d.merge end,
    person = case when d.state = 'dropped' then excluded.person else d.person end,
    thread_subject = case when d.state = 'dropped' then excluded.thread_subject else d.thread_subject end,
    reason = case when d.state = 'dropped' then excluded.reason else d.reason end,
    attempts = case when d.state = 'dropped' then 0 else d.attempts end,
    next_at = case when d.state = 'dropped' then now() else d.next_at end,
    card_id = case when d.state = 'dropped' then null else d.card_id end,
    decided_by = case when d.state = 'dropped' then null else d.decided_by end,
    event = case when d.state = 'dropped' then null else d.event end,
    told_at = null
where d.state in ('dropped', 'approved', 'rejected')

-- name: end_drafts
-- Touches that have reached their end, with their drafts: what is known of the person is not needed any more.
update drafts d
set state = e.outcome, reason = e.code, merge = '{}', person = '{}', claimed_by = null, claimed_until = null, told_at = coalesce(told_at, now()),
    subject = case when e.outcome = 'dropped' and d.state <> 'approved' then null else subject end,
    body = case when e.outcome = 'dropped' and d.state <> 'approved' then null else body end,
    version = version + 1
from unnest($1::uuid[], $2::text[], $3::text[]) as e (send_id, outcome, code)
where d.send_id = e.send_id and d.state in ('wanted', 'review', 'held', 'approved')
returning d.card_id, d.state

-- name: claim
-- Drafts for one writer: those whose time has come and that no other holds, for so many seconds.
with free as materialized (
    select send_id
    from drafts
    where state = 'wanted' and next_at <= now() and (claimed_until is null or claimed_until < now())
    order by next_at, send_id
    limit $3
    for update skip locked
)
update drafts d
set claimed_by = $1, claimed_until = now() + $2 * interval '1 second', attempts = attempts + 1
from free
where d.send_id = free.send_id
returning d.send_id, d.lead_id, d.campaign_id, d.enrollment_id, d.step_id, d.variant, d.campaign_version, d.merge, d.person, d.thread_subject,
    d.attempts, d.round, d.wanted_at

-- name: put_off
-- This writer could not write it now: the reason is shown, and it is tried again after so many seconds.
update drafts
set reason = $3, next_at = now() + $4 * interval '1 second', claimed_by = null, claimed_until = null
where send_id = $1 and claimed_by = $2 and state = 'wanted'

-- name: write
-- A draft that this writer has written, or that only a person can write. One that is claimed by somebody else by now is left to them.
update drafts
set state = $3, reason = $4, subject = $5, body = $6, model = $7, review = $8, card_id = $9, event = $10, decided_by = $11,
    has_subject = $12, faults = $13, decided_at = case when $10::jsonb is null then null else now() end, written_at = now(),
    claimed_by = null, claimed_until = null, version = version + 1
where send_id = $1 and claimed_by = $2 and state = 'wanted'
returning send_id

-- name: untold
-- Decisions that leads may not have heard of, oldest first.
select send_id, event from drafts where told_at is null and state in ('approved', 'rejected') order by decided_at limit $1

-- name: told
-- Decisions that the broker has. What is known of the person is not needed any more.
update drafts set told_at = now(), merge = '{}', person = '{}'
where send_id = any($1::uuid[]) and told_at is null and state in ('approved', 'rejected')

-- name: let_go
-- Drafts of this writer (NULL: all of them) are free for others.
update drafts set claimed_by = null, claimed_until = null
where claimed_by = $1 and ($2::uuid[] is null or send_id = any($2::uuid[])) and state = 'wanted'

-- name: renew
-- This writer still works on these.
update drafts set claimed_until = now() + $3 * interval '1 second' where send_id = any($2::uuid[]) and claimed_by = $1 and state = 'wanted'

-- name: note_reason
-- Why all that is wanted waits, as long as that holds.
update drafts set reason = $1 where state = 'wanted' and reason is distinct from $1

-- name: draft
-- One draft, with what the ledger says of its touch.
select d.*, s.state as send_state, s.outcome_at as left_at
from drafts d left join sends s using (send_id)
where d.send_id = $1

-- name: lock_drafts
-- Drafts in the hands of somebody who decides, in one order.
select d.*, s.state as send_state, s.outcome_at as left_at
from drafts d left join sends s using (send_id)
where d.send_id = any($1::uuid[])
order by d.send_id
for update of d

-- name: drafts
-- Drafts by campaign, step, lead and state, oldest first; a NULL filter takes all.
select send_id, state, reason, campaign_id, step_id, lead_id, variant, review, subject, body, version, attempts, wanted_at, written_at,
    decided_by, decided_at
from drafts
where ($1::text is null or campaign_id = $1) and ($2::text is null or step_id = $2) and ($3::text is null or lead_id = $3)
    and ($4::text[] is null or state = any($4))
order by wanted_at, send_id
limit $5

-- name: in_bulk
-- Drafts of a campaign (and step; NULL: all) that may be approved together, oldest first.
select send_id
from drafts
where campaign_id = $1 and ($2::text is null or step_id = $2) and state = 'review' and review = 'bulk'
order by wanted_at, send_id
limit $3

-- name: waiting
-- How many drafts of a campaign (NULL: of all) wait, by state and reason.
select state, reason, count(*) as n
from drafts
where state in ('wanted', 'review', 'held') and ($1::text is null or campaign_id = $1)
group by state, reason order by state, reason

-- name: decide
-- Approve or reject drafts that are locked by this transaction; leads hears of it from whoever tells what is untold.
update drafts d
set state = $2, event = n.event, decided_by = $3, decided_at = now(), told_at = null, reason = $4, version = version + 1
from unnest($1::uuid[], $5::jsonb[]) as n (send_id, event)
where d.send_id = n.send_id

-- name: edit
-- Other words for a draft that is locked by this transaction.
update drafts
set subject = $2, body = $3, edited_by = $4, review = case when state = 'review' then review else 'edit' end, state = 'review', reason = null,
    has_subject = $5, version = version + 1, claimed_by = null, claimed_until = null
where send_id = $1

-- name: ask_again
-- Let a draft that is locked by this transaction be written anew.
update drafts
set state = 'wanted', reason = null, faults = '{}', attempts = 0, next_at = now(), round = round + 1, card_id = null, version = version + 1
where send_id = $1
