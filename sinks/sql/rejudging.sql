-- name: told_since
-- Replies whose verdict was told, from an instant on ($1), of a campaign ($2; NULL: all), after the last one of the page before
-- ($3 instant, $4 id; NULL: the first page), at most $5.
select reply_id, state, received_at, held, matched_by, match_confidence, send_id, enrollment_id, lead_id, campaign_id, step_id, pool_id,
    mailbox_id, lead_timezone, address_key, from_email, from_name, subject, body, quoted, facts, attempts, event, bounce_kind, at, revision
from replies
where state = 'told' and event is not null and at >= $1 and ($2::text is null or campaign_id = $2)
    and ($3::timestamptz is null or (at, reply_id) > ($3::timestamptz, $4::uuid))
order by at, reply_id
limit $5

-- name: rejudge
-- Put a new verdict in place of the one of a revision ($2); answers nothing where somebody else was faster.
update replies
set disposition = $3, category = $4, bounce_kind = $5, bounce_code = $6, decided_by = $7, rule_id = $8, why = $9, event = $10::jsonb,
    revision = revision + 1, judged_at = now()
where reply_id = $1 and revision = $2 and state = 'told'
returning reply_id
