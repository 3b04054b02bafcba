-- name: answered
-- The reply that is to be answered ($1).
select send_id, enrollment_id, lead_id, campaign_id, mailbox_id, lead_timezone, from_email, subject, facts, source
from replies where reply_id = $1

-- name: approve
-- The words that were approved ($1 reply, $2 touch, $3 card, $4 lead, $5 words, $6 who, $7 when); says for how many times.
insert into reply_answers as a (reply_id, send_id, card_id, lead_id, body, approved_by, approved_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (reply_id) do update set
    card_id = excluded.card_id, body = excluded.body, approved_by = excluded.approved_by, approved_at = excluded.approved_at,
    rounds = a.rounds + 1, state = 'approved', code = null
where a.state <> 'sent'
returning rounds

-- name: settle
-- What became of the answer to a reply ($1): its state ($2) and, where it did not leave, why ($3).
update reply_answers set state = $2, code = $3 where reply_id = $1 and state <> 'sent'
