-- How mail comes in by HTTP.

-- Certificates that sign what a provider sends: checked once, and kept by the address that they were fetched from (with their
-- chain, PEM), so that nothing else can stand there later and no process fetches twice. Public data.
create table inbound_certificates (
    url text collate "C" primary key,
    pem text not null,
    kept_wall timestamptz not null default now()
);

-- What was said last about a subscription to a provider's topic, for people who look whether mail can come.
create table inbound_subscriptions (
    topic text collate "C" primary key,
    state text collate "C" not null check (state in ('confirmed', 'ended')),
    changed_wall timestamptz not null default now()
);
