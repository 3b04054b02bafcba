-- name: answered
-- The reply that a thread is asked for by ($1).
select
    reply_id, message_id, source, state, received_at, at, held, matched_by, match_confidence, send_id, enrollment_id, lead_id,
    campaign_id, step_id, mailbox_id, address_key, from_email, from_name, subject, body, quoted, facts, disposition, category,
    bounce_kind, bounce_code, decided_by, rule_id, why, event
from replies where reply_id = $1

-- name: answers
-- All that came back to an enrollment ($1), in order.
select
    reply_id, at, received_at, from_email, from_name, subject, body, quoted, send_id, step_id, disposition, category, matched_by
from replies where enrollment_id = $1 order by at, reply_id limit 500

-- name: touches
-- All that left for an enrollment ($1 lead, $2 enrollment): what is told of it, what went to the address that was written to
-- ($3), what was approved as an answer; with its words where they are kept, else with the revision to read them in.
with found as (
    select send_id from engagements_log
    where lead_id = $1 and enrollment_id = $2 and send_id is not null and type in ('sent', 'ambiguous')
    union
    select send_id from sends where address_key = $3 and enrollment_id = $2
    union
    select send_id from reply_answers where lead_id = $1
)
select
    s.send_id, s.step_id, s.variant, s.mailbox_id, s.campaign_id, s.campaign_version, s.state, s.granted_at, s.message_id,
    s.code, coalesce(s.subject, d.subject) as subject, coalesce(a.body, d.body) as body, a.approved_by, d.decided_by
from found
join sends s using (send_id)
left join drafts d on d.send_id = s.send_id and d.state in ('approved', 'sent', 'ambiguous')
left join reply_answers a on a.send_id = s.send_id
where s.enrollment_id = $2 and s.state in ('sent', 'ambiguous')
order by s.granted_at, s.send_id limit 500

-- name: template
-- A campaign as it was written at a revision ($1 campaign, $2 revision).
select spec from definitions where kind = 'campaign' and id = $1 and revision = $2
