-- == Touches that Claude writes (docs/behaviour.md 1.4, 8.2) ==

-- A row a touch, by its send_id. It keeps a person's facts and the words written for them: personal data, to be cleared with its lead.
--   wanted -> review -> approved -> sent | ambiguous | failed    held for a person, who approves or rejects
--   wanted -> held                                               only a person can write it: the model would not, or could not
--   wanted, review, held -> rejected | dropped                   rejected by a person; dropped: the sequence does not need it any more
create table drafts (
    send_id uuid primary key,
    state text collate "C" not null default 'wanted' check (
        state in ('wanted', 'review', 'held', 'approved', 'rejected', 'sent', 'ambiguous', 'failed', 'dropped')
    ),
    reason text,
    round int not null default 1,
    version int not null default 1,
    lead_id text collate "C" not null,
    campaign_id text collate "C" not null,
    enrollment_id uuid not null,
    step_id text collate "C" not null,
    variant text not null,
    campaign_version int not null,
    merge jsonb not null,
    person jsonb not null,
    thread_subject text,
    wanted_at timestamptz not null,
    attempts int not null default 0,
    next_at timestamptz not null default now(),
    claimed_by uuid,
    claimed_until timestamptz,
    review text,
    has_subject boolean not null default true,
    subject text,
    body text,
    faults text[] not null default '{}',
    model text,
    written_at timestamptz,
    card_id uuid,
    edited_by text,
    decided_by text,
    decided_at timestamptz,
    event jsonb,
    told_at timestamptz
) with (fillfactor = 70);

create index drafts_to_write on drafts (next_at, send_id) where state = 'wanted';
create index drafts_untold on drafts (decided_at) where told_at is null and state in ('approved', 'rejected');
create index drafts_open on drafts (campaign_id, wanted_at) where state in ('wanted', 'review', 'held');
create index drafts_by_lead on drafts (lead_id);

-- channels: a text that was sent counts as sent for its step, as an email does.
CREATE OR REPLACE VIEW step_progress AS
SELECT
    campaign_id,
    step_id,
    variant,
    coalesce(sum(value) FILTER (WHERE name IN ('emails_sent', 'sms_sent')), 0)::bigint AS sent,
    coalesce(sum(value) FILTER (WHERE name = 'emails_opened'), 0)::bigint AS opened,
    coalesce(sum(value) FILTER (WHERE name = 'emails_clicked'), 0)::bigint AS clicked,
    coalesce(sum(value) FILTER (WHERE name IN ('emails_replied', 'sms_replied')), 0)::bigint AS replied,
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

-- ---- scores: what rules gave each lead, change by change, and where it stands --------------------------------------
-- What a rule has given a lead. leads say the sum after each change; the changes recorded below always add up to it.
CREATE TABLE lead_scores (
    lead_id text NOT NULL,
    campaign_id text NOT NULL,
    rule_id text NOT NULL,
    points bigint NOT NULL,
    PRIMARY KEY (lead_id, campaign_id, rule_id)
) WITH (fillfactor = 50);

CREATE TABLE score_changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id text NOT NULL,
    campaign_id text NOT NULL,
    rule_id text NOT NULL,
    change bigint NOT NULL,
    half_life_days double precision,
    code text,
    cause text NOT NULL,
    event_id uuid NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX score_changes_lead ON score_changes (lead_id, at);

-- Where a lead stands over all campaigns: its pipeline stage, and what it last said.
CREATE TABLE lead_standings (
    lead_id text PRIMARY KEY,
    stage text,
    stage_at timestamptz,
    assigned_to text,
    assigned_at timestamptz,
    last_positive_interaction_at timestamptz,
    replied_at timestamptz,
    disposition text,
    sentiment double precision
) WITH (fillfactor = 50);
