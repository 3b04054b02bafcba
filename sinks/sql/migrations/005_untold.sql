-- What was decided in Postgres and is still to be told on a topic: written in the transaction of the change, deleted when
-- the broker has it.
CREATE TABLE untold_events (
    event_id text PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    noted_wall timestamptz NOT NULL DEFAULT now()
);
