-- name: reserve
-- Set aside what a call may cost ($1, USD) where the day's budget ($2; NULL: none) allows it; answers the day.
insert into claude_spend as s (day, usd, calls)
select (now() at time zone 'utc')::date, $1::float8, 1 where $2::float8 is null or $1::float8 <= $2::float8
on conflict (day) do update set usd = s.usd + excluded.usd, calls = s.calls + 1
    where $2::float8 is null or s.usd + excluded.usd <= $2::float8
returning day

-- name: settle
-- Put what a call of that day ($1) did cost ($3) in place of what was set aside for it ($2), with its tokens.
update claude_spend
set usd = greatest(0, usd - $2 + $3), input_tokens = input_tokens + $4, output_tokens = output_tokens + $5,
    cache_read_tokens = cache_read_tokens + $6, cache_write_tokens = cache_write_tokens + $7
where day = $1

-- name: spent
-- What was spent lately, newest first.
select * from claude_spend order by day desc limit $1
