-- What Claude costs, replies that wait for it, and replies that were judged anew (docs/behaviour.md 7.6).

-- A row a day (UTC, of this server's clock): what all processes together have spent, calls under way counted at their most.
CREATE TABLE claude_spend (
    day date PRIMARY KEY,
    usd double precision NOT NULL DEFAULT 0,
    calls bigint NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_read_tokens bigint NOT NULL DEFAULT 0,
    cache_write_tokens bigint NOT NULL DEFAULT 0
);

-- Since when a reply waits because the model is away; the event that tells its verdict is of this revision.
ALTER TABLE replies ADD COLUMN reading_since timestamptz;
ALTER TABLE replies ADD COLUMN revision integer NOT NULL DEFAULT 0;

-- A reply that was judged anew stands once more, with the next revision: the highest counts.
ALTER TABLE dispositions_log ADD COLUMN revision integer NOT NULL DEFAULT 0;
CREATE INDEX dispositions_log_reply ON dispositions_log (reply_id);
CREATE VIEW latest_dispositions AS
SELECT * FROM dispositions_log AS d
WHERE NOT EXISTS (SELECT 1 FROM dispositions_log AS later WHERE later.reply_id = d.reply_id AND later.revision > d.revision);
