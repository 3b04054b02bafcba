-- name: find_certificate
-- The certificate that is kept for an address.
select pem from inbound_certificates where url = $1

-- name: keep_certificate
-- Keep a certificate unless one is kept already; the one that is kept.
insert into inbound_certificates (url, pem) values ($1, $2)
on conflict (url) do update set pem = inbound_certificates.pem
returning pem

-- name: note_subscription
-- What became of a subscription.
insert into inbound_subscriptions (topic, state) values ($1, $2)
on conflict (topic) do update set state = excluded.state, changed_wall = now()

-- name: subscriptions
-- What was said last about each topic.
select topic, state, changed_wall from inbound_subscriptions order by topic
