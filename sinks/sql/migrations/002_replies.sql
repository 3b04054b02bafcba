-- Answers as they came in, and what was made of them. The one place that keeps their words: personal data, to be cleared with its lead.

-- A row a mail; reply_id is derived from the Message-ID, so a mail that comes again, or by two ways, is one row.
--   matched -> judged -> told             the rules know what it means
--   matched -> reading -> judged -> told  a model reads it
--   untracked                             it answers nothing of ours: kept and shown, nothing was stopped
create table replies (
    reply_id uuid primary key,
    message_id text not null,
    source text not null,
    state text collate "C" not null check (state in ('untracked', 'matched', 'reading', 'judged', 'told')),
    received_at timestamptz not null,
    received_wall timestamptz not null,
    at timestamptz not null,
    held boolean not null,
    matched_by text,
    match_confidence double precision,
    send_id uuid,
    enrollment_id uuid,
    lead_id text collate "C",
    campaign_id text collate "C",
    step_id text collate "C",
    pool_id text collate "C",
    mailbox_id text collate "C",
    lead_timezone text,
    address_key bytea,
    from_email text,
    from_name text,
    subject text not null,
    body text not null,
    quoted text not null,
    facts jsonb not null,
    claimed_by uuid,
    claimed_until timestamptz,
    attempts int not null default 0,
    disposition text collate "C",
    category text collate "C",
    bounce_kind text collate "C",
    bounce_code text,
    bounced_domain text collate "C",
    decided_by text,
    rule_id text,
    why text,
    event jsonb,
    judged_at timestamptz,
    told_at timestamptz
) with (fillfactor = 80);

create index replies_open on replies (at, reply_id) where state in ('matched', 'reading', 'judged');
create index replies_by_lead on replies (lead_id, at);
create index replies_refused on replies (mailbox_id, at) where bounce_kind = 'policy';
create index replies_untracked on replies (at) where state = 'untracked';
