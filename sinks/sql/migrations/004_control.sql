-- What people decided: definitions at every revision, which leads were asked for, which webhook calls were taken.

CREATE TABLE definitions (
    kind text NOT NULL,
    id text NOT NULL,
    revision integer NOT NULL,
    spec jsonb NOT NULL,
    status text,
    launched_at timestamptz,
    job_id text,
    deleted boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL,
    published_wall timestamptz,
    PRIMARY KEY (kind, id, revision)
);

-- The revision in force of each definition, and what must be unique among them.
CREATE TABLE definition_heads (
    kind text NOT NULL,
    id text NOT NULL,
    revision integer NOT NULL,
    name_key text,
    PRIMARY KEY (kind, id),
    FOREIGN KEY (kind, id, revision) REFERENCES definitions
);
CREATE UNIQUE INDEX definition_heads_name ON definition_heads (kind, name_key) WHERE name_key IS NOT NULL;

-- Which leads a campaign was asked to take: one row each, acknowledged once the broker has the enrollment.
CREATE TABLE campaign_asks (
    campaign_id text NOT NULL,
    lead_id text NOT NULL,
    asked_wall timestamptz NOT NULL DEFAULT now(),
    acked_wall timestamptz,
    PRIMARY KEY (campaign_id, lead_id)
);

-- Webhook calls by their id: a call that was taken is refused when it comes again.
CREATE TABLE webhook_calls (
    provider text NOT NULL,
    call_id text NOT NULL,
    received_wall timestamptz NOT NULL DEFAULT now(),
    taken_wall timestamptz,
    PRIMARY KEY (provider, call_id)
);
CREATE INDEX webhook_calls_age ON webhook_calls (received_wall);

CREATE VIEW jobs AS
SELECT
    definition.job_id,
    definition.id AS campaign_id,
    definition.spec ->> 'name' AS name,
    definition.status,
    definition.launched_at,
    definition.revision AS campaign_version
FROM definition_heads AS head
JOIN definitions AS definition USING (kind, id, revision)
WHERE head.kind = 'campaign' AND definition.job_id IS NOT NULL;
