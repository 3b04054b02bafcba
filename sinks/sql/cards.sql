-- name: insert_cards
-- Put cards up. One that is there already (the same reply and type, or the same task) stays as it is; only new ones are returned.
INSERT INTO cards (
    card_id, type, queue, priority, title, description, rationale, action_payload, campaign_id, lead_id, enrollment_id,
    step_id, send_id, reply_id, due_at, created_at, assigned_to, moved_at
)
SELECT
    card_id, type, queue, priority, title, description, rationale, action_payload, campaign_id, lead_id, enrollment_id,
    step_id, send_id, reply_id, due_at, created_at, assigned_to, created_at
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::text[], $10::text[],
    $11::uuid[], $12::text[], $13::uuid[], $14::uuid[], $15::timestamptz[], $16::timestamptz[], $17::text[]
) AS new (
    card_id, type, queue, priority, title, description, rationale, action_payload, campaign_id, lead_id, enrollment_id,
    step_id, send_id, reply_id, due_at, created_at, assigned_to
)
ON CONFLICT DO NOTHING
RETURNING *

-- name: card
-- One card.
SELECT * FROM cards WHERE card_id = $1

-- name: cards_like
-- Cards whose id begins so ($1: hexadecimal digits and dashes).
SELECT card_id, title FROM cards WHERE card_id::text LIKE $1 || '%' ORDER BY card_id LIMIT 5

-- name: board
-- Cards, newest first: by queue, states, campaign, who has it ('' nobody), priority, type, lead, reply, due before an instant
-- (of open ones), words in what it says; a NULL filter takes all. $11, $12: the last card of the page before. $13: at most so many.
SELECT * FROM cards
WHERE ($1::text IS NULL OR queue = $1)
    AND ($2::text[] IS NULL OR state = ANY($2))
    AND ($3::text IS NULL OR campaign_id = $3)
    AND ($4::text IS NULL OR coalesce(assigned_to, '') = $4)
    AND ($5::text IS NULL OR priority = $5)
    AND ($6::text IS NULL OR type = $6)
    AND ($7::text IS NULL OR lead_id = $7)
    AND ($8::uuid IS NULL OR reply_id = $8)
    AND ($9::timestamptz IS NULL OR (due_at < $9 AND state NOT IN ('done', 'rejected')))
    AND ($10::text IS NULL OR strpos(lower(concat_ws(' ', title, description, rationale, lead_id)), lower($10)) > 0)
    AND ($11::timestamptz IS NULL OR created_at < $11 OR (created_at = $11 AND card_id > $12::uuid))
ORDER BY created_at DESC, card_id
LIMIT $13

-- name: counts
-- How many cards stand in each queue and state, of a campaign (NULL: of all), and how many of them were due before $2.
SELECT queue, state, count(*) AS n, count(*) FILTER (WHERE due_at < $2 AND state NOT IN ('done', 'rejected')) AS overdue
FROM cards
WHERE $1::text IS NULL OR campaign_id = $1
GROUP BY queue, state
ORDER BY queue, state

-- name: lock_card
-- A card ($1) with the other cards of its reply, locked in one order: of two that close at once one is the last, and knows it.
SELECT * FROM cards
WHERE card_id = $1 OR reply_id = (SELECT reply_id FROM cards WHERE card_id = $1)
ORDER BY card_id
FOR UPDATE

-- name: lock_cards_of_reply
-- The cards of a reply ($1), locked in one order.
SELECT * FROM cards WHERE reply_id = $1 ORDER BY card_id FOR UPDATE

-- name: move_cards
-- Move cards ($1) along the legal path ($2 to $5) from the state in which each stands, by $6 at $7 for the reason $8, noting every
-- move. A card that has no path stays. Returns a row a move: the card as it stands after the last, and what this move was.
WITH locked AS (
    SELECT card_id, version, state FROM cards WHERE card_id = ANY($1::uuid[]) ORDER BY card_id FOR UPDATE
), path AS (
    SELECT * FROM unnest($2::text[], $3::int[], $4::text[], $5::text[]) AS p (start, step, from_state, to_state)
), moves AS (
    SELECT l.card_id, l.version + p.step AS version, p.from_state, p.to_state, p.step
    FROM locked AS l JOIN path AS p ON p.start = l.state
), kept AS (
    INSERT INTO card_moves (card_id, version, from_state, to_state, actor, at, code)
    SELECT card_id, version, from_state, to_state, $6, $7, $8 FROM moves
), last AS (
    SELECT DISTINCT ON (card_id) card_id, version, to_state FROM moves ORDER BY card_id, step DESC
), moved AS (
    UPDATE cards AS c SET
        state = last.to_state,
        version = last.version,
        moved_at = $7,
        approved_by = CASE
            WHEN EXISTS (SELECT FROM moves AS m WHERE m.card_id = c.card_id AND m.to_state = 'approved') THEN $6 ELSE c.approved_by
        END,
        executed_at = CASE WHEN last.to_state = 'done' THEN $7 ELSE c.executed_at END
    FROM last
    WHERE c.card_id = last.card_id
    RETURNING c.*
)
SELECT moves.version AS move_version, moves.from_state, moves.to_state, moved.*
FROM moves JOIN moved USING (card_id)
ORDER BY card_id, moves.version

-- name: change_card
-- Change what a locked card ($1) says or whose it is; NULL leaves a thing as it is, but $2 (who has it) is as it will be.
-- $11: assigned or edited, $12: which fields, $13: by whom, $14: when.
WITH changed AS (
    UPDATE cards SET
        assigned_to = $2,
        type = coalesce($3, type),
        queue = coalesce($4, queue),
        priority = coalesce($5, priority),
        title = coalesce($6, title),
        description = coalesce($7, description),
        rationale = coalesce($8, rationale),
        due_at = coalesce($9, due_at),
        action_payload = action_payload || coalesce($10::jsonb, '{}'),
        version = version + 1
    WHERE card_id = $1
    RETURNING *
), kept AS (
    INSERT INTO card_moves (card_id, version, from_state, to_state, actor, at, kind, assigned_to, fields)
    SELECT card_id, version, state, state, $13, $14, $11, assigned_to, $12 FROM changed
)
SELECT * FROM changed

-- name: write_note
-- Write a note ($1) on a card ($2).
INSERT INTO card_notes (note_id, card_id, author, body, at) VALUES ($1, $2, $3, $4, $5)

-- name: notes
-- What people wrote on a card, oldest first.
SELECT note_id, author, body, at FROM card_notes WHERE card_id = $1 ORDER BY at, note_id

-- name: card_history
-- Who changed a card, when and how.
SELECT version, kind, from_state, to_state, actor, at, assigned_to, fields, code
FROM card_moves WHERE card_id = $1 ORDER BY version

-- name: reply_review
-- Who may do what with the answers that are drafted for a campaign ($1), as it stands.
SELECT definition.spec ->> 'reply_review'
FROM definition_heads AS head JOIN definitions AS definition USING (kind, id, revision)
WHERE head.kind = 'campaign' AND head.id = $1
