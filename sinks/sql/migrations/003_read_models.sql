-- Facts and figures for people: ids, codes, instants and scores, never an address, a name or a text.
-- Facts are unique by event_id; figures add only rows that were really inserted.

CREATE TABLE engagements_log (
    event_id uuid PRIMARY KEY,
    type text NOT NULL,
    lead_id text NOT NULL,
    campaign_id text,
    campaign_version integer,
    enrollment_id uuid,
    entry_no integer,
    step_id text,
    send_id uuid,
    mailbox_id text,
    variant text,
    status text,
    previous_status text,
    code text,
    first boolean,
    next_at timestamptz,
    data jsonb,
    at timestamptz NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX engagements_log_lead ON engagements_log (lead_id, at);

-- Where each enrollment stands: figures count an enrollment's moves from here, not from what facts say it was before.
CREATE TABLE enrollment_places (
    enrollment_id uuid PRIMARY KEY,
    campaign_id text NOT NULL,
    lead_id text NOT NULL,
    status text NOT NULL,
    was text
) WITH (fillfactor = 50);

CREATE TABLE dispositions_log (
    event_id uuid PRIMARY KEY,
    reply_id uuid NOT NULL,
    lead_id text NOT NULL,
    campaign_id text NOT NULL,
    enrollment_id uuid NOT NULL,
    step_id text NOT NULL,
    send_id uuid NOT NULL,
    disposition text NOT NULL,
    category text,
    confidence double precision NOT NULL,
    sentiment double precision,
    matched_by text NOT NULL,
    decided_by text NOT NULL,
    rule_id text,
    return_at timestamptz,
    bounce_kind text,
    bounce_code text,
    at timestamptz NOT NULL
);
CREATE INDEX dispositions_log_lead ON dispositions_log (lead_id, at);

-- Every raw hit is kept. What it is taken for is a separate judgement, which can be made again.
CREATE TABLE tracking_log (
    event_id uuid PRIMARY KEY,
    type text NOT NULL,
    lead_id text NOT NULL,
    campaign_id text NOT NULL,
    step_id text NOT NULL,
    entry_no integer NOT NULL,
    send_id uuid NOT NULL,
    method text NOT NULL,
    agent text NOT NULL,
    network text NOT NULL,
    scope text NOT NULL,
    at timestamptz NOT NULL,
    wall timestamptz NOT NULL
);
CREATE INDEX tracking_log_lead ON tracking_log (lead_id, at);

CREATE TABLE hit_verdicts (
    hit_id uuid PRIMARY KEY,
    verdict text NOT NULL,
    judged_at timestamptz NOT NULL
);

-- One row a figure: of a campaign (step_id '' and variant ''), or of one of its steps and variants.
CREATE TABLE figures (
    campaign_id text NOT NULL,
    step_id text NOT NULL DEFAULT '',
    variant text NOT NULL DEFAULT '',
    name text NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (campaign_id, step_id, variant, name)
) WITH (fillfactor = 50);

CREATE TABLE cards (
    card_id uuid PRIMARY KEY,
    type text NOT NULL,
    queue text NOT NULL,
    priority text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    rationale text NOT NULL,
    action_payload jsonb NOT NULL DEFAULT '{}',
    campaign_id text,
    lead_id text NOT NULL,
    enrollment_id uuid,
    step_id text,
    send_id uuid,
    reply_id uuid,
    state text NOT NULL DEFAULT 'suggested',
    assigned_to text,
    approved_by text,
    executed_at timestamptz,
    due_at timestamptz,
    created_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX cards_reply_type ON cards (reply_id, type) WHERE reply_id IS NOT NULL;
CREATE INDEX cards_board ON cards (queue, state, created_at);
CREATE INDEX cards_lead ON cards (lead_id);

CREATE TABLE card_moves (
    card_id uuid NOT NULL REFERENCES cards,
    version integer NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (card_id, version)
);

CREATE VIEW campaign_progress AS
SELECT
    campaign_id,
    coalesce(sum(value) FILTER (WHERE name = 'asked'), 0)::bigint AS asked,
    coalesce(sum(value) FILTER (WHERE name = 'enrolled'), 0)::bigint AS enrolled,
    coalesce(sum(value) FILTER (WHERE name = 'active'), 0)::bigint AS active,
    coalesce(sum(value) FILTER (WHERE name = 'completed'), 0)::bigint AS completed,
    coalesce(sum(value) FILTER (WHERE name = 'paused'), 0)::bigint AS paused,
    coalesce(sum(value) FILTER (WHERE name = 'exited'), 0)::bigint AS exited,
    coalesce(sum(value) FILTER (WHERE name = 'refused'), 0)::bigint AS refused,
    coalesce(sum(value) FILTER (WHERE name = 'emails_sent'), 0)::bigint AS emails_sent,
    (coalesce(sum(value) FILTER (WHERE name = 'emails_sent'), 0)
        - coalesce(sum(value) FILTER (WHERE name = 'undelivered'), 0))::bigint AS emails_delivered,
    coalesce(sum(value) FILTER (WHERE name = 'emails_opened'), 0)::bigint AS emails_opened,
    coalesce(sum(value) FILTER (WHERE name = 'emails_clicked'), 0)::bigint AS emails_clicked,
    coalesce(sum(value) FILTER (WHERE name = 'emails_replied'), 0)::bigint AS emails_replied,
    coalesce(sum(value) FILTER (WHERE name = 'sms_sent'), 0)::bigint AS sms_sent,
    coalesce(sum(value) FILTER (WHERE name = 'sms_replied'), 0)::bigint AS sms_replied,
    coalesce(sum(value) FILTER (WHERE name = 'calls_completed'), 0)::bigint AS calls_completed,
    (coalesce(sum(value) FILTER (WHERE name = 'tasks_due'), 0)
        - coalesce(sum(value) FILTER (WHERE name = 'tasks_completed'), 0))::bigint AS tasks_pending,
    coalesce(sum(value) FILTER (WHERE name = 'tasks_completed'), 0)::bigint AS tasks_completed,
    round(coalesce(sum(value) FILTER (WHERE name = 'score'), 0)
        / nullif(sum(value) FILTER (WHERE name = 'enrolled'), 0), 2) AS avg_score,
    coalesce(sum(value) FILTER (WHERE name = 'bounced'), 0)::bigint AS bounced,
    coalesce(sum(value) FILTER (WHERE name = 'soft_bounced'), 0)::bigint AS soft_bounced,
    coalesce(sum(value) FILTER (WHERE name = 'complained'), 0)::bigint AS complained,
    coalesce(sum(value) FILTER (WHERE name = 'unsubscribed'), 0)::bigint AS unsubscribed,
    coalesce(sum(value) FILTER (WHERE name = 'deferred'), 0)::bigint AS deferred,
    coalesce(sum(value) FILTER (WHERE name = 'failed'), 0)::bigint AS failed,
    coalesce(sum(value) FILTER (WHERE name = 'ambiguous'), 0)::bigint AS ambiguous,
    coalesce(sum(value) FILTER (WHERE name = 'skipped'), 0)::bigint AS skipped
FROM figures
WHERE step_id = '' AND variant = ''
GROUP BY campaign_id;

CREATE VIEW step_progress AS
SELECT
    campaign_id,
    step_id,
    variant,
    coalesce(sum(value) FILTER (WHERE name = 'emails_sent'), 0)::bigint AS sent,
    coalesce(sum(value) FILTER (WHERE name = 'emails_opened'), 0)::bigint AS opened,
    coalesce(sum(value) FILTER (WHERE name = 'emails_clicked'), 0)::bigint AS clicked,
    coalesce(sum(value) FILTER (WHERE name = 'emails_replied'), 0)::bigint AS replied,
    coalesce(sum(value) FILTER (WHERE name = 'bounced'), 0)::bigint AS bounced,
    coalesce(sum(value) FILTER (WHERE name = 'unsubscribed'), 0)::bigint AS unsubscribed,
    coalesce(sum(value) FILTER (WHERE name = 'deferred'), 0)::bigint AS deferred,
    coalesce(sum(value) FILTER (WHERE name = 'failed'), 0)::bigint AS failed,
    coalesce(sum(value) FILTER (WHERE name = 'ambiguous'), 0)::bigint AS ambiguous,
    coalesce(sum(value) FILTER (WHERE name = 'skipped'), 0)::bigint AS skipped,
    coalesce(sum(value) FILTER (WHERE name = 'tasks_due'), 0)::bigint AS tasks
FROM figures
WHERE step_id <> ''
GROUP BY campaign_id, step_id, variant;

CREATE VIEW lead_timeline AS
SELECT lead_id, at, type, campaign_id, entry_no, step_id, variant, mailbox_id, status, code, next_at, data, event_id, seq
FROM engagements_log;

-- The last that happened to a lead in a campaign, and where it stands there.
CREATE VIEW campaign_contact_status AS
SELECT DISTINCT ON (campaign_id, lead_id)
    campaign_id, lead_id, entry_no, status, type AS last_event, at AS last_event_at, step_id, next_at
FROM engagements_log
WHERE campaign_id IS NOT NULL
ORDER BY campaign_id, lead_id, seq DESC;

-- One row a touch: when it was sent, and what came of it.
CREATE VIEW job_tasks AS
SELECT
    send_id AS task_id,
    min(campaign_id) AS campaign_id,
    min(lead_id) AS lead_id,
    min(step_id) AS step_id,
    min(variant) AS variant,
    min(mailbox_id) AS mailbox_id,
    min(at) FILTER (WHERE type = 'sent') AS sent_at,
    min(at) FILTER (WHERE type = 'opened') AS opened_at,
    min(at) FILTER (WHERE type = 'clicked') AS clicked_at,
    min(at) FILTER (WHERE type = 'replied') AS replied_at,
    min(at) FILTER (WHERE type = 'bounced') AS bounced_at,
    (array_agg(type ORDER BY at DESC, seq DESC))[1] AS last_event
FROM engagements_log
WHERE send_id IS NOT NULL
GROUP BY send_id;
