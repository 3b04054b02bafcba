-- name: insert_cards
-- Put cards up. One that is there already (the same reply and type, or the same task) stays as it is.
INSERT INTO cards (
    card_id, type, queue, priority, title, description, rationale, action_payload, campaign_id, lead_id, enrollment_id,
    step_id, send_id, reply_id, due_at, created_at, moved_at
)
SELECT
    card_id, type, queue, priority, title, description, rationale, action_payload, campaign_id, lead_id, enrollment_id,
    step_id, send_id, reply_id, due_at, created_at, created_at
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::text[], $10::text[],
    $11::uuid[], $12::text[], $13::uuid[], $14::uuid[], $15::timestamptz[], $16::timestamptz[]
) AS new (
    card_id, type, queue, priority, title, description, rationale, action_payload, campaign_id, lead_id, enrollment_id,
    step_id, send_id, reply_id, due_at, created_at
)
ON CONFLICT DO NOTHING

-- name: card
-- One card.
SELECT * FROM cards WHERE card_id = $1

-- name: board
-- Cards by queue, state and campaign; a NULL filter takes all.
SELECT * FROM cards
WHERE ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR campaign_id = $3)
ORDER BY created_at DESC, card_id
LIMIT $4

-- name: queues
-- How many cards stand in each queue.
SELECT queue, count(*) AS n FROM cards WHERE $1::text IS NULL OR campaign_id = $1 GROUP BY queue ORDER BY queue

-- name: move_card
-- Move a card that still has the version its mover saw. Answers nothing when it has another.
WITH moved AS (
    UPDATE cards SET
        state = $3,
        version = version + 1,
        moved_at = $5,
        approved_by = CASE WHEN $3 = 'approved' THEN $4 ELSE approved_by END,
        executed_at = CASE WHEN $3 = 'done' THEN $5 ELSE executed_at END
    WHERE card_id = $1 AND version = $2
    RETURNING *
), noted AS (
    INSERT INTO card_moves (card_id, version, from_state, to_state, actor, at)
    SELECT card_id, version, $6, $3, $4, $5 FROM moved
)
SELECT * FROM moved

-- name: lock_cards_of_reply
-- Lock the cards of a reply ($1), in one order: of two that close at once one is the last, and knows it.
SELECT card_id FROM cards WHERE reply_id = $1 ORDER BY card_id FOR UPDATE

-- name: open_cards_of_reply
-- How many cards of a reply ($1) are not closed.
SELECT count(*) FROM cards WHERE reply_id = $1 AND state NOT IN ('done', 'rejected')

-- name: assign_card
-- Hand a card that still has the version its mover saw to somebody.
UPDATE cards SET assigned_to = $3, version = version + 1 WHERE card_id = $1 AND version = $2 RETURNING *

-- name: card_history
-- Who moved a card, and when.
SELECT version, from_state, to_state, actor, at FROM card_moves WHERE card_id = $1 ORDER BY version
