-- name: insert_engagements
-- Store facts and answer with the ids of those that were not there before.
INSERT INTO engagements_log (
    event_id, type, lead_id, campaign_id, campaign_version, enrollment_id, entry_no, step_id, send_id, mailbox_id,
    variant, status, previous_status, code, first, next_at, data, at
)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::uuid[], $7::int[], $8::text[], $9::uuid[], $10::text[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::bool[], $16::timestamptz[], $17::jsonb[], $18::timestamptz[]
)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id

-- name: tellings
-- What was stored under these ids: status, status before, instant, and a score's points after it.
SELECT event_id, status, previous_status, at, data ->> 'points' FROM engagements_log WHERE event_id = ANY($1::uuid[])

-- name: place_enrollments
-- Note where enrollments stand now; answers how many of which campaign went from which status to which (none: new ones).
WITH moved AS (
    INSERT INTO enrollment_places AS p (enrollment_id, campaign_id, lead_id, status)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
    ON CONFLICT (enrollment_id) DO UPDATE SET was = p.status, status = excluded.status
        WHERE p.status <> excluded.status
    RETURNING campaign_id, was, status
)
SELECT campaign_id, was, status, count(*) FROM moved GROUP BY campaign_id, was, status

-- name: add_figures
-- Add changes to figures. Callers sort the rows by key, so that two workers lock them in one order.
INSERT INTO figures (campaign_id, step_id, variant, name, value)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
ON CONFLICT (campaign_id, step_id, variant, name) DO UPDATE SET value = figures.value + excluded.value

-- name: insert_dispositions
-- Store classified replies once each.
INSERT INTO dispositions_log (
    event_id, reply_id, lead_id, campaign_id, enrollment_id, step_id, send_id, disposition, category, confidence,
    sentiment, matched_by, decided_by, rule_id, return_at, bounce_kind, bounce_code, at, revision
)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::float8[],
    $11::float8[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::text[], $17::text[], $18::timestamptz[], $19::int[]
)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id

-- name: insert_hits
-- Keep raw hits once each.
INSERT INTO tracking_log (
    event_id, type, lead_id, campaign_id, step_id, entry_no, send_id, method, agent, network, scope, at, wall
)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::uuid[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::timestamptz[], $13::timestamptz[]
)
ON CONFLICT (event_id) DO NOTHING

-- name: judge_hits
-- Note what hits are taken for; a later judgement replaces an earlier one.
INSERT INTO hit_verdicts (hit_id, verdict, judged_at)
SELECT DISTINCT ON (hit_id) hit_id, verdict, judged_at
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS told (hit_id, verdict, judged_at)
ORDER BY hit_id, judged_at DESC
ON CONFLICT (hit_id) DO UPDATE SET verdict = excluded.verdict, judged_at = excluded.judged_at

-- name: progress
-- One campaign's figures (docs/behaviour.md 6.4).
SELECT * FROM campaign_progress WHERE campaign_id = $1

-- name: steps
-- One campaign's figures by step and variant.
SELECT * FROM step_progress WHERE campaign_id = $1 ORDER BY step_id, variant

-- name: disposition_mix
-- How often each disposition was given in a campaign.
SELECT disposition, count(*) AS n FROM latest_dispositions WHERE campaign_id = $1 GROUP BY disposition ORDER BY n DESC, disposition

-- name: timeline
-- All that happened to a lead, in order.
SELECT * FROM lead_timeline WHERE lead_id = $1 ORDER BY at, seq

-- name: leads_known
-- Which of these leads have a history.
SELECT DISTINCT lead_id FROM engagements_log WHERE lead_id = ANY($1::text[])

-- name: open_leads
-- Leads whose enrollment in a campaign can still move.
SELECT DISTINCT lead_id FROM enrollment_places
WHERE campaign_id = $1 AND status IN ('enrolled', 'active', 'paused')
ORDER BY lead_id

-- name: ambiguous
-- Touches of a campaign whose outcome cannot be known and has not been proved since. (A walk over the ledger: no column
-- that changes on a touch's way is indexed.)
SELECT send_id, lead_id, step_id, mailbox_id, granted_at, outcome_at, message_id, code FROM sends
WHERE campaign_id = $1 AND state = 'ambiguous'
ORDER BY granted_at, send_id
