-- The ledger: what may leave the building, what has left, and who may decide it.

-- Who owns a partition of a role (`dispatch:3`, `sender:0`). The epoch grows by one with every change of owner, and the
-- gate locks these rows: work under an older epoch is refused.
create table partition_leases (
    scope text collate "C" primary key,
    epoch bigint not null,
    owner uuid not null,
    generation bigint not null,
    taken_at timestamptz not null default now(),
    renewed_at timestamptz not null default now()
) with (fillfactor = 50);

-- `*` is everything, `campaign:ID` one campaign. A campaign without a row is closed.
create table campaign_gates (
    scope text collate "C" primary key,
    is_open boolean not null,
    changed_at timestamptz not null default now()
) with (fillfactor = 50);

insert into campaign_gates (scope, is_open) values ('*', true);

-- A row an address and a row a lead (keyed hashes): the flags that the gate reads under its locks. They repeat what
-- `stops` and `suppressions` tell at length.
create table consents (
    key bytea primary key,
    active_stops jsonb not null default '[]',
    suppressions text[] not null default '{}'
) with (fillfactor = 80);

-- Every stop ever made. Released on its own name only, never deleted.
create table stops (
    lead_key bytea not null,
    source_id text collate "C" not null,
    enrollment_id uuid,
    reason text not null,
    stopped_at timestamptz not null default now(),
    released_at timestamptz,
    unique nulls not distinct (lead_key, source_id, enrollment_id)
);

-- Every suppression ever made, of an address or of a lead (keyed hash): `all`, `campaign:ID` or `goal:NAME`.
create table suppressions (
    key bytea not null,
    scope text collate "C" not null,
    source_id text collate "C" not null,
    reason text not null,
    suppressed_at timestamptz not null default now(),
    lifted_at timestamptz,
    primary key (key, scope, source_id)
);

-- The first lead with an address owns it in a campaign; rows never change.
create table campaign_addresses (
    campaign_id text collate "C" not null,
    address_key bytea not null,
    lead_key bytea not null,
    primary key (campaign_id, address_key)
);

-- A row a touch. Ids and outcomes are never dropped; `touch` (the grant with its personal data) goes with the outcome,
-- `subject`, `detail` and `domain` an hour after.
--   claimed -> sending -> sent | deferred | failed | ambiguous
--   claimed -> expired | suppressed | stopped | paused | stale
-- deferred, expired, stale, stopped and paused reopen for a newer grant. No column that changes on the way is indexed, so
-- the updates stay within their page.
create table sends (
    send_id uuid primary key,
    enrollment_id uuid not null,
    claimed_at timestamptz not null default now(),
    granted_at timestamptz not null,
    expires_at timestamptz not null,
    grant_order bigint not null,
    pool_epoch bigint not null,
    sender_epoch bigint not null,
    gate_no bigint,
    sending_at timestamptz,
    finished_at timestamptz,
    outcome_at timestamptz,
    campaign_version int not null,
    entry_no int not null,
    ask_no int not null,
    attempt int not null,
    pool_partition int not null,
    sender_partition int not null,
    owns_address boolean not null,
    used boolean,
    state text collate "C" not null,
    lead_key bytea not null,
    address_key bytea not null,
    subject_key bytea,
    lead_id text collate "C" not null,
    campaign_id text collate "C" not null,
    goal text collate "C" not null,
    step_id text collate "C" not null,
    variant text collate "C" not null,
    pool_id text collate "C" not null,
    mailbox_id text collate "C" not null,
    grant_id text collate "C" not null,
    message_id text collate "C" not null,
    timezone text,
    code text,
    after_stops jsonb,
    domain text,
    subject text,
    detail text,
    touch text
) with (fillfactor = 50, toast_tuple_target = 4080);

alter table sends alter column touch set storage external;

create index sends_by_partition on sends (sender_partition, claimed_at);
create index sends_by_pool on sends (pool_partition, granted_at);
create index sends_by_message on sends (message_id);
create index sends_by_address on sends (address_key);

-- How far a sender partition's rows are all finished and told, and how far they are cleared of personal data.
create table sender_progress (
    partition int primary key,
    settled_at timestamptz not null default '-infinity',
    forgotten_at timestamptz not null default '-infinity'
) with (fillfactor = 50);
