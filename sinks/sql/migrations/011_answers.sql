-- Answers to replies, and companies at which somebody has answered.

-- An answer that a person approved: a row a reply, with its words. Personal data, to be cleared with its lead.
--   approved -> sent | blocked; blocked -> approved, when it is approved once more
create table reply_answers (
    reply_id uuid primary key,
    send_id uuid not null,
    card_id uuid not null,
    lead_id text collate "C" not null,
    body text not null,
    approved_by text not null,
    approved_at timestamptz not null,
    rounds int not null default 1,
    state text collate "C" not null default 'approved' check (state in ('approved', 'sent', 'blocked')),
    code text
) with (fillfactor = 70);

create index reply_answers_by_send on reply_answers (send_id);
create index reply_answers_by_lead on reply_answers (lead_id);

-- The id that a relay gave a mail when it took it, where it writes that over the Message-ID (Amazon SES): answers name it.
alter table sends add column relay_id text collate "C";
create index sends_by_relay on sends (relay_id) where relay_id is not null;

-- Who matched an untracked mail by hand.
alter table replies add column matched_hand text;

-- An enrollment's thread finds its mails by this.
create index replies_by_enrollment on replies (enrollment_id, at);

-- Which leads of a campaign are written to at which company (keyed hash of campaign and domain), where the campaign minds
-- colleagues: a consent row of that key holds what stops them.
create table campaign_companies (
    company_key bytea not null,
    lead_id text collate "C" not null,
    campaign_id text collate "C" not null,
    primary key (company_key, lead_id)
);

create index campaign_companies_by_lead on campaign_companies (campaign_id, lead_id);
