-- name: take
-- The epoch in force for ($1 scope, $2 owner, $3 generation); no row when another owner holds it in this or a newer
-- generation. A lease that its owner has not renewed for a day counts as abandoned: a group that stood empty for long is
-- forgotten by the brokers, and its generations start over.
insert into partition_leases as l (scope, epoch, owner, generation)
values ($1, 1, $2, $3)
on conflict (scope) do update set
    epoch = case when l.owner = excluded.owner then l.epoch else l.epoch + 1 end,
    taken_at = case when l.owner = excluded.owner then l.taken_at else now() end,
    generation = case
        when l.owner = excluded.owner then greatest(l.generation, excluded.generation)
        else excluded.generation
    end,
    owner = excluded.owner,
    renewed_at = now()
where l.owner = excluded.owner
    or l.generation < excluded.generation
    or l.renewed_at < now() - interval '1 day'
returning epoch;

-- name: renew
-- Notes that leases ($1 scopes) are still held by their owner ($2). They are locked in the order in which the gate locks them.
with mine as materialized (
    select scope from partition_leases where scope = any($1) and owner = $2 order by scope for no key update
)
update partition_leases l set renewed_at = now() from mine where l.scope = mine.scope;

-- name: held
-- Owner, generation and epoch of a scope.
select owner, generation, epoch from partition_leases where scope = $1;

-- name: set_gate
-- Opens or closes a gate ($1 scope, $2 open). Waits for the gate transactions in flight, so that when it returns none
-- that saw the old value is still undecided.
insert into campaign_gates as g (scope, is_open) values ($1, $2)
on conflict (scope) do update set is_open = excluded.is_open, changed_at = now();
