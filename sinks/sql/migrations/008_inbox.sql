-- == Reply mailboxes that are read by IMAP (docs/behaviour.md 7.1) ==

-- A row a mailbox on a server. Who reads it (until when, by this database's clock), where it stands, how it fares.
--   last_uid: every mail up to it is on the broker, was not wanted, is gone, or stands in inbox_stuck
create table inboxes (
    account text collate "C" primary key,
    mailboxes text[] not null,
    owner uuid,
    held_until timestamptz,
    uid_validity bigint,
    last_uid bigint not null default 0,
    filtered_below bigint not null default 0,
    since timestamptz not null,
    read_at timestamptz,
    state text collate "C" not null default 'connecting' check (
        state in ('connecting', 'reading', 'watching', 'away', 'refused')
    ),
    why text,
    detail text,
    state_at timestamptz not null default now(),
    retry_at timestamptz,
    taken bigint not null default 0
) with (fillfactor = 70);

-- Mails that the server could not give us: the rest went on, these are tried again, ever more rarely, for as long as they are there.
create table inbox_stuck (
    account text collate "C" not null references inboxes on delete cascade,
    uid_validity bigint not null,
    uid bigint not null,
    size bigint not null,
    tries int not null,
    detail text not null,
    first_at timestamptz not null default now(),
    next_at timestamptz not null,
    primary key (account, uid_validity, uid)
);
