-- name: known
-- Mails that are here already, with what is needed to tell of their match again.
select reply_id, held, matched_by, match_confidence, send_id, enrollment_id, lead_id, campaign_id, step_id, at
from replies
where reply_id = any($1::uuid[])

-- name: insert
-- Mails that are new. One that is here already stays as it is; only new ones are returned.
insert into replies (
    reply_id, message_id, source, state, received_at, received_wall, at, held, matched_by, match_confidence, send_id, enrollment_id,
    lead_id, campaign_id, step_id, pool_id, mailbox_id, lead_timezone, address_key, from_email, from_name, subject, body, quoted, facts
)
select
    reply_id, message_id, source, state, received_at, received_wall, at, held, matched_by, match_confidence, send_id, enrollment_id,
    lead_id, campaign_id, step_id, pool_id, mailbox_id, lead_timezone, address_key, from_email, from_name, subject, body, quoted, facts
from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::bool[], $9::text[],
    $10::float8[], $11::uuid[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[],
    $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::jsonb[]
) as new (
    reply_id, message_id, source, state, received_at, received_wall, at, held, matched_by, match_confidence, send_id, enrollment_id,
    lead_id, campaign_id, step_id, pool_id, mailbox_id, lead_timezone, address_key, from_email, from_name, subject, body, quoted, facts
)
on conflict (reply_id) do nothing
returning reply_id

-- name: claim
-- Work for one classifier: the oldest rows in these states that no other holds, for so many seconds.
with free as materialized (
    select reply_id
    from replies
    where state in ('matched', 'reading', 'judged') and state = any($3::text[]) and (claimed_until is null or claimed_until < now())
    order by at, reply_id
    limit $4
    for update skip locked
)
update replies r
set claimed_by = $1, claimed_until = now() + $2 * interval '1 second', attempts = attempts + 1
from free
where r.reply_id = free.reply_id
returning r.reply_id, r.state, r.received_at, r.held, r.matched_by, r.match_confidence, r.send_id, r.enrollment_id, r.lead_id,
    r.campaign_id, r.step_id, r.pool_id, r.mailbox_id, r.lead_timezone, r.address_key, r.from_email, r.from_name, r.subject, r.body,
    r.quoted, r.facts, r.attempts, r.event, r.bounce_kind, r.at

-- name: hand_over
-- Rows of this classifier that need reading.
update replies
set state = 'reading', claimed_by = null, claimed_until = null
where reply_id = any($1::uuid[]) and claimed_by = $2 and state = 'matched'

-- name: put_off
-- Rows of this classifier ($1) whose model is away: free again after $3 seconds, unless they have waited $4 seconds in all. Those
-- that were put off; the others are for people.
update replies
set reading_since = coalesce(reading_since, now()), claimed_by = null, attempts = greatest(attempts - 1, 0),
    claimed_until = least(now() + $3 * interval '1 second', coalesce(reading_since, now()) + $4 * interval '1 second')
where reply_id = any($2::uuid[]) and claimed_by = $1 and state = 'reading'
    and coalesce(reading_since, now()) + $4 * interval '1 second' > now()
returning reply_id

-- name: judge
-- Store verdicts, once each. A row that somebody else holds by now is left to them.
update replies r
set state = 'judged', disposition = j.disposition, category = j.category, bounce_kind = j.bounce_kind, bounce_code = j.bounce_code,
    bounced_domain = j.bounced_domain, decided_by = j.decided_by, rule_id = j.rule_id, why = j.why, event = j.event, judged_at = now()
from unnest(
    $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::jsonb[]
) as j (reply_id, disposition, category, bounce_kind, bounce_code, bounced_domain, decided_by, rule_id, why, event)
where r.reply_id = j.reply_id and r.claimed_by = $1 and r.state in ('matched', 'reading')
returning r.reply_id

-- name: told
-- Verdicts that the broker has.
update replies
set state = 'told', claimed_by = null, claimed_until = null, told_at = now()
where reply_id = any($1::uuid[]) and state = 'judged'

-- name: let_go
-- Rows of this classifier (NULL: all of them) are free for others.
update replies
set claimed_by = null, claimed_until = null
where claimed_by = $1 and ($2::uuid[] is null or reply_id = any($2::uuid[])) and state in ('matched', 'reading', 'judged')

-- name: renew
-- This classifier still works on these rows.
update replies
set claimed_until = now() + $3 * interval '1 second'
where reply_id = any($2::uuid[]) and claimed_by = $1 and state in ('matched', 'reading', 'judged')

-- name: soft_beside
-- How many mails to the address of a touch ($1) bounced softly right before and right after it, in a row and in the order in which they
-- left: by a report, or by the server's own answer. Any answer from there since starts anew.
with this as materialized (
    select address_key, granted_at, lead_id from sends where send_id = $1
),
mails as materialized (
    select
        s.granted_at,
        s.granted_at > this.granted_at as is_later,
        (s.state = 'failed' and s.code ~ ' (4[.]|5[.]2[.]2$)') or exists (
            select from replies r where r.lead_id = s.lead_id and r.send_id = s.send_id and r.bounce_kind = 'soft'
        ) as is_soft
    from sends s join this on s.address_key = this.address_key
    where s.send_id <> $1 and s.state in ('sent', 'ambiguous', 'failed') and s.granted_at > coalesce(
        (select max(at) from replies where lead_id = this.lead_id and held), '-infinity'
    )
    order by s.granted_at desc limit 100
)
select count(*) from mails
where is_soft
    and (is_later or granted_at > coalesce((select max(granted_at) from mails where not is_later and not is_soft), '-infinity'))
    and (not is_later or granted_at < coalesce((select min(granted_at) from mails where is_later and not is_soft), 'infinity'))

-- name: refusing_domains
-- How many other recipient domains have refused a mailbox by policy since an instant.
select count(distinct bounced_domain)
from replies
where mailbox_id = $1 and bounce_kind = 'policy' and at > $2 and bounced_domain <> $3

-- name: reply
-- One mail, whole.
select * from replies where reply_id = $1

-- name: untracked
-- The newest mails that answer nothing of ours.
select reply_id, received_at, source, from_email, subject from replies where state = 'untracked' order by at desc limit $1

-- name: waiting
-- How many mails wait, by state.
select state, count(*) as n from replies where state in ('matched', 'reading', 'judged') group by state
