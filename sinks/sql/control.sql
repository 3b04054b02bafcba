-- name: lock
-- Everybody who does a named thing does it one after another, across processes.
SELECT pg_advisory_lock(hashtextextended($1, 0))

-- name: unlock
-- Let the next one in.
SELECT pg_advisory_unlock(hashtextextended($1, 0))

-- name: lock_shared
-- Whoever does a named thing waits until this transaction ends, and this one waits for whoever is at it.
SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))

-- name: status
-- The status of a campaign ($1) in force.
SELECT definition.status FROM definition_heads AS head JOIN definitions AS definition USING (kind, id, revision)
WHERE head.kind = 'campaign' AND head.id = $1

-- name: asked
-- How many leads a campaign ($1) was asked to take.
SELECT value FROM figures WHERE campaign_id = $1 AND step_id = '' AND variant = '' AND name = 'asked'

-- name: answers
-- Which of these leads ($2) a campaign ($1) has enrolled (no code), and which it has refused and why. Who was ever enrolled
-- counts as enrolled: a later refusal is of a second ask.
SELECT DISTINCT ON (lead_id) lead_id, CASE WHEN type = 'refused' THEN code END AS code FROM engagements_log
WHERE lead_id = ANY($2::text[]) AND campaign_id = $1 AND type IN ('enrolled', 'refused')
ORDER BY lead_id, type, seq

-- name: may_stand
-- Whether any lead is in a campaign ($1) that can still move in it, or is on its way there.
SELECT coalesce(sum(value) FILTER (WHERE name IN ('active', 'paused')), 0) > 0
    OR coalesce(sum(value) FILTER (WHERE name = 'asked'), 0)
    > coalesce(sum(value) FILTER (WHERE name IN ('enrolled', 'refused')), 0)
FROM figures WHERE campaign_id = $1 AND step_id = '' AND variant = ''

-- name: heads
-- Every definition in force.
SELECT definition.* FROM definition_heads AS head JOIN definitions AS definition USING (kind, id, revision)
ORDER BY definition.kind, definition.id

-- name: head
-- One definition in force.
SELECT definition.* FROM definition_heads AS head JOIN definitions AS definition USING (kind, id, revision)
WHERE head.kind = $1 AND head.id = $2

-- name: revisions
-- Every revision of a definition, oldest first.
SELECT * FROM definitions WHERE kind = $1 AND id = $2 ORDER BY revision

-- name: insert_revision
-- Store a revision.
INSERT INTO definitions (kind, id, revision, spec, status, launched_at, job_id, deleted, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: set_head
-- Put a revision in force.
INSERT INTO definition_heads (kind, id, revision, name_key) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, name_key = excluded.name_key

-- name: unpublished
-- Definitions in force that the topic does not have yet.
SELECT definition.* FROM definition_heads AS head JOIN definitions AS definition USING (kind, id, revision)
WHERE definition.published_wall IS NULL
ORDER BY definition.at, definition.kind, definition.id

-- name: mark_published
-- The broker has acknowledged these revisions.
UPDATE definitions SET published_wall = now()
FROM unnest($1::text[], $2::text[], $3::int[]) AS done (kind, id, revision)
WHERE definitions.kind = done.kind AND definitions.id = done.id AND definitions.revision = done.revision

-- name: ask_leads
-- Note which leads a campaign is asked to take, and answer with those it was not asked for before.
INSERT INTO campaign_asks (campaign_id, lead_id)
SELECT $1, unnest($2::text[])
ON CONFLICT DO NOTHING
RETURNING lead_id

-- name: count_asked
-- Add to the number of leads a campaign was asked to take.
INSERT INTO figures (campaign_id, name, value) VALUES ($1, 'asked', $2)
ON CONFLICT (campaign_id, step_id, variant, name) DO UPDATE SET value = figures.value + excluded.value

-- name: unacked_asks
-- Which of these leads the broker has not acknowledged yet.
SELECT lead_id FROM campaign_asks WHERE campaign_id = $1 AND lead_id = ANY($2::text[]) AND acked_wall IS NULL

-- name: ack_asks
-- The broker has these enrollments.
UPDATE campaign_asks SET acked_wall = now() WHERE campaign_id = $1 AND lead_id = ANY($2::text[])

-- name: awaits_leads
-- Whether a lead that a campaign ($1) was asked to take has neither been enrolled nor refused yet.
SELECT EXISTS (
    SELECT FROM campaign_asks AS ask
    WHERE ask.campaign_id = $1 AND NOT EXISTS (
        SELECT FROM engagements_log AS fact
        WHERE fact.lead_id = ask.lead_id AND fact.campaign_id = $1 AND fact.type IN ('enrolled', 'refused')
    )
)

-- name: take_call
-- Note a webhook call. Answers whether an earlier one with this id was taken.
INSERT INTO webhook_calls (provider, call_id) VALUES ($1, $2)
ON CONFLICT (provider, call_id) DO UPDATE SET received_wall = webhook_calls.received_wall
RETURNING taken_wall IS NOT NULL AS taken

-- name: call_taken
-- A webhook call is on the broker.
UPDATE webhook_calls SET taken_wall = now() WHERE provider = $1 AND call_id = $2

-- name: forget_calls
-- Webhook ids are needed only as long as their signature is accepted; a day is ample.
DELETE FROM webhook_calls WHERE received_wall < now() - interval '1 day'
