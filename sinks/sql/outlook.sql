-- name: standing
-- The last fact that says where an enrollment stands, of at most $2 open ones of a campaign ($1). $3 what tells it of one that
-- is paused, $4 of the others.
SELECT place.status, fact.type, fact.step_id, fact.mailbox_id, fact.code, fact.at, fact.next_at
FROM (
    SELECT enrollment_id, lead_id, status FROM enrollment_places
    WHERE campaign_id = $1 AND status IN ('enrolled', 'active', 'paused')
    LIMIT $2
) AS place
CROSS JOIN LATERAL (
    SELECT type, step_id, mailbox_id, code, at, next_at FROM engagements_log
    WHERE lead_id = place.lead_id AND enrollment_id = place.enrollment_id
        AND type = ANY(CASE WHEN place.status = 'paused' THEN $3::text[] ELSE $4::text[] END)
    ORDER BY at DESC, seq DESC
    LIMIT 1
) AS fact

-- name: unpublished_asks
-- How many leads a campaign ($1) was asked to take whose enrollment the broker has never acknowledged.
SELECT count(*) FROM campaign_asks WHERE campaign_id = $1 AND acked_wall IS NULL

-- name: unanswered_asks
-- Leads that the broker has taken for a campaign ($1) more than a minute ago and that were neither enrolled nor refused since:
-- how many, and the first of them.
SELECT count(*), coalesce((array_agg(ask.lead_id ORDER BY ask.lead_id))[:20], '{}') AS leads FROM campaign_asks AS ask
WHERE ask.campaign_id = $1 AND ask.acked_wall < now() - interval '1 minute' AND NOT EXISTS (
    SELECT FROM engagements_log AS fact
    WHERE fact.lead_id = ask.lead_id AND fact.campaign_id = $1 AND fact.type IN ('enrolled', 'refused')
)

-- name: gates
-- Whether everything, and the campaign ($1, its scope), may pass the gate.
SELECT scope, is_open FROM campaign_gates WHERE scope = ANY($1::text[])

-- name: grants_before
-- The grants of a pool partition ($1) in the 25 hours up to an instant ($2) that were used, or may be. (A walk over the
-- ledger: a person asks, and rarely.)
SELECT send_id, mailbox_id, campaign_id, coalesce(domain, '') AS domain, granted_at FROM sends
WHERE pool_partition = $1 AND granted_at <= $2 AND granted_at > $2 - interval '25 hours' AND used IS NOT FALSE
ORDER BY granted_at
