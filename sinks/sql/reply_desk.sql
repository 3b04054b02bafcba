-- name: replies
-- The newest replies: of a campaign, a lead, with a disposition, in a state; a NULL filter takes all. $5: at most so many.
select
    reply_id, received_at, at, state, source, from_email, from_name, subject, lead_id, campaign_id, step_id, send_id, matched_by,
    match_confidence, disposition, category, decided_by
from replies
where ($1::text is null or campaign_id = $1)
    and ($2::text is null or lead_id = $2)
    and ($3::text is null or disposition = $3)
    and ($4::text is null or state = $4)
order by at desc, reply_id
limit $5

-- name: lock_reply
-- A reply that is to be matched by hand ($1), locked.
select reply_id, state, send_id, facts, at from replies where reply_id = $1 for update

-- name: send
-- The touch that it is to be matched with ($1).
select
    send_id, enrollment_id, lead_id, lead_key, address_key, campaign_id, step_id, pool_id, mailbox_id, timezone, state
from sends where send_id = $1

-- name: match
-- The match that a person made ($1 reply; the rest of the touch): from here on the mail is judged like any other.
update replies set
    state = 'matched', held = $2, matched_by = 'hand', match_confidence = 1, send_id = $3, enrollment_id = $4, lead_id = $5,
    campaign_id = $6, step_id = $7, pool_id = $8, mailbox_id = $9, lead_timezone = $10, address_key = $11, matched_hand = $12
where reply_id = $1
