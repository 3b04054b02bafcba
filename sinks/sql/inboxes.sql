-- name: claim
-- Makes $2 the reader of account $1 for $3 seconds, where nobody else is; its row, or none. $4: the mailboxes that name it,
-- $5: from when on mail is wanted, where it was never read before.
insert into inboxes as i (account, mailboxes, owner, held_until, since)
values ($1, $4, $2, now() + make_interval(secs => $3), $5)
on conflict (account) do update set
    owner = excluded.owner, held_until = excluded.held_until, mailboxes = excluded.mailboxes
where i.owner = excluded.owner or i.held_until is null or i.held_until < now()
returning uid_validity, last_uid, filtered_below, since, read_at;

-- name: renew
-- Keeps accounts ($1) for $3 more seconds for their reader $2; those that are still its own.
update inboxes set held_until = now() + make_interval(secs => $3) where account = any($1) and owner = $2 returning account;

-- name: let_go
-- $1 reads none of these accounts ($2) any more.
update inboxes set held_until = null, owner = null where owner = $1 and account = any($2);

-- name: begin
-- Account $1 of reader $2 stands here: $3 UIDVALIDITY, $4 last UID, $5 UIDs below which mail may be too old, $6 since when.
-- Mails that were set aside under other UIDs are forgotten: they are read again.
with own as (
    update inboxes set uid_validity = $3, last_uid = $4, filtered_below = $5, since = $6
    where account = $1 and owner = $2 returning account
), forgotten as (
    delete from inbox_stuck s using own where s.account = own.account and s.uid_validity <> $3
)
select count(*) from own;

-- name: advance
-- Everything in account $1 up to UID $3 is done with, under UIDVALIDITY $2; $4 mails more went to the broker. Whoever says so is
-- right, also when another reads by now: the position never goes back.
update inboxes set last_uid = greatest(last_uid, $3), taken = taken + $4 where account = $1 and uid_validity = $2;

-- name: note
-- How account $1 of reader $2 fares: $3 state, $4 why, $5 detail, $6 seconds until it is tried again; $7: everything is read.
update inboxes set
    state = $3, why = $4, detail = $5, retry_at = now() + make_interval(secs => $6::float8),
    state_at = case when state = $3 and why is not distinct from $4 then state_at else now() end,
    read_at = case when $7 then now() else read_at end
where account = $1 and owner = $2;

-- name: set_aside
-- A mail that the server does not give ($1 account, $2 UIDVALIDITY, $3 UID, $4 size, $5 tries, $6 the server's words) is tried
-- again in $7 seconds.
insert into inbox_stuck as s (account, uid_validity, uid, size, tries, detail, next_at)
values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
on conflict (account, uid_validity, uid) do update set
    tries = excluded.tries, detail = excluded.detail, next_at = excluded.next_at;

-- name: stuck
-- The mails of account $1 under UIDVALIDITY $2 that are to be tried again now.
select uid, size, tries from inbox_stuck
where account = $1 and uid_validity = $2 and next_at <= now() order by next_at, uid limit 20;

-- name: unstuck
-- A mail is on the broker, or gone: $1 account, $2 UIDVALIDITY, $3 UID.
delete from inbox_stuck where account = $1 and uid_validity = $2 and uid = $3;

-- name: all
-- How every mailbox fares, worst first; `is_read`: somebody reads it.
select i.account, i.mailboxes, i.state, i.why, i.detail, i.state_at, i.retry_at, i.read_at, i.taken, i.last_uid,
    coalesce(i.held_until > now(), false) as is_read,
    (select count(*) from inbox_stuck s where s.account = i.account) as stuck
from inboxes i
order by array_position(array['refused', 'away', 'connecting', 'reading', 'watching'], i.state), i.mailboxes, i.account;
