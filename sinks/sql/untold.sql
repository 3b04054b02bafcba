-- name: note
-- Note what is still to be told ($1 ids, $2 topics, $3 keys, $4 values). One that is noted already stays as it is.
insert into untold_events (event_id, topic, key, value)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing;

-- name: untold
-- The oldest of it ($1: at most so many), for this process alone until it has told it.
select event_id, topic, key, value from untold_events order by noted_wall, event_id limit $1 for update skip locked;

-- name: told
-- The broker has these ($1).
delete from untold_events where event_id = any($1::text[]);
