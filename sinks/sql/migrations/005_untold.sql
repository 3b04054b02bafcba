-- What a lead's story still has to be told of: written in the transaction of the suppression it tells of, and deleted when
-- the broker has it. Ids, a scope and instants, in the form of the topic.
CREATE TABLE untold_hits (
    event_id text PRIMARY KEY,
    hit text NOT NULL,
    noted_wall timestamptz NOT NULL DEFAULT now()
);
