-- name: points
-- What rules have given leads so far: lead, campaign, rule, points.
SELECT s.lead_id, s.campaign_id, s.rule_id, s.points
FROM lead_scores AS s
JOIN unnest($1::text[], $2::text[], $3::text[]) AS asked (lead_id, campaign_id, rule_id) USING (lead_id, campaign_id, rule_id)

-- name: put_points
-- What rules have given leads now. Callers sort the rows by key, so that two workers lock them in one order.
INSERT INTO lead_scores (lead_id, campaign_id, rule_id, points)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (lead_id, campaign_id, rule_id) DO UPDATE SET points = excluded.points

-- name: insert_changes
-- Record changes, in order.
INSERT INTO score_changes (lead_id, campaign_id, rule_id, change, half_life_days, code, cause, event_id, at)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::float8[], $6::text[], $7::text[], $8::uuid[], $9::timestamptz[]
)

-- name: put_standings
-- Note where leads stand, one row a lead. What is older than what is known changes nothing. (GREATEST passes over NULL.)
INSERT INTO lead_standings AS known (
    lead_id, stage, stage_at, assigned_to, assigned_at, last_positive_interaction_at, replied_at, disposition, sentiment
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
    $8::text[], $9::float8[]
)
ON CONFLICT (lead_id) DO UPDATE SET
    stage = CASE WHEN excluded.stage_at >= coalesce(known.stage_at, '-infinity') THEN excluded.stage ELSE known.stage END,
    stage_at = greatest(known.stage_at, excluded.stage_at),
    assigned_to = CASE WHEN excluded.assigned_at >= coalesce(known.assigned_at, '-infinity') THEN excluded.assigned_to
        ELSE known.assigned_to END,
    assigned_at = greatest(known.assigned_at, excluded.assigned_at),
    last_positive_interaction_at = greatest(known.last_positive_interaction_at, excluded.last_positive_interaction_at),
    disposition = CASE WHEN excluded.replied_at >= coalesce(known.replied_at, '-infinity') THEN excluded.disposition
        ELSE known.disposition END,
    sentiment = CASE WHEN excluded.replied_at >= coalesce(known.replied_at, '-infinity') THEN excluded.sentiment
        ELSE known.sentiment END,
    replied_at = greatest(known.replied_at, excluded.replied_at)

-- name: standing
-- Where a lead stands; one row always.
SELECT
    coalesce((SELECT sum(points) FROM lead_scores WHERE lead_id = $1), 0)::bigint AS score,
    known.stage, known.stage_at, known.assigned_to, known.last_positive_interaction_at, known.replied_at, known.disposition,
    known.sentiment
FROM (SELECT 1) AS one
LEFT JOIN lead_standings AS known ON known.lead_id = $1

-- name: changes
-- A lead's score, change by change.
SELECT at, campaign_id, rule_id, change, half_life_days, code, cause, event_id
FROM score_changes WHERE lead_id = $1 ORDER BY seq

-- name: threads
-- Each of a lead's touches with what came of it, and the replies to it.
SELECT
    task.campaign_id, task.step_id, task.task_id AS send_id, task.variant, task.mailbox_id, task.sent_at, task.opened_at,
    task.clicked_at, task.replied_at, task.bounced_at,
    coalesce(
        (
            SELECT jsonb_agg(
                jsonb_build_object(
                    'reply_id', d.reply_id, 'at', d.at, 'disposition', d.disposition, 'category', d.category,
                    'sentiment', d.sentiment
                ) ORDER BY d.at
            )
            FROM latest_dispositions AS d WHERE d.lead_id = $1 AND d.send_id = task.task_id
        ),
        '[]'
    ) AS replies
FROM (
    SELECT
        send_id AS task_id, min(campaign_id) AS campaign_id, min(step_id) AS step_id, min(variant) AS variant,
        min(mailbox_id) AS mailbox_id,
        min(at) FILTER (WHERE type = 'sent') AS sent_at,
        min(at) FILTER (WHERE type = 'opened' AND first) AS opened_at,
        min(at) FILTER (WHERE type = 'clicked' AND first) AS clicked_at,
        min(at) FILTER (WHERE type = 'replied') AS replied_at,
        min(at) FILTER (WHERE type = 'bounced') AS bounced_at
    FROM engagements_log WHERE lead_id = $1 AND send_id IS NOT NULL
    GROUP BY send_id
) AS task
WHERE task.sent_at IS NOT NULL OR task.replied_at IS NOT NULL
ORDER BY task.sent_at, task.task_id

-- name: faults
-- Leads whose score is not the sum of its changes. Always none; `touchline check` asks.
SELECT lead_id, sum(points)::bigint AS score, sum(changed)::bigint AS changes FROM (
    SELECT lead_id, points, 0 AS changed FROM lead_scores
    UNION ALL
    SELECT lead_id, 0, change FROM score_changes
) AS both_sides
GROUP BY lead_id HAVING sum(points) <> sum(changed)
