-- name: note
-- Note what is still to be told ($1 ids, $2 topics, $3 keys, $4 values). One that is noted already stays as it is.
insert into untold_events (event_id, topic, key, value)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing;

-- name: untold
-- The oldest of it ($1: at most so many), for this process alone until it has told it. What another process is telling holds
-- back what was noted after it under the same key: it may not come first.
with taken as materialized (
    select event_id, topic, key, value, seq from untold_events order by seq limit $1 for update skip locked
)
select event_id, topic, key, value
from taken
where not exists (
    select from untold_events as before
    where before.topic = taken.topic and before.key = taken.key and before.seq < taken.seq
        and before.event_id not in (select event_id from taken)
)
order by seq;

-- name: told
-- The broker has these ($1).
delete from untold_events where event_id = any($1::text[]);
