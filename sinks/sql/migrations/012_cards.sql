-- The board: what happened to each card, notes, a view for other people's boards; and events that are told in their order.

ALTER TABLE cards
    ADD CHECK (state IN ('suggested', 'in_review', 'approved', 'executing', 'done', 'blocked', 'rejected')),
    ADD CHECK (priority IN ('low', 'medium', 'high'));
UPDATE cards SET assigned_to = action_payload ->> 'assigned_to' WHERE assigned_to IS NULL AND action_payload ? 'assigned_to';

-- A row a version of a card after the first: a move, or (from and to the same state) an assignment or an edit.
ALTER TABLE card_moves
    ADD COLUMN kind text NOT NULL DEFAULT 'moved' CHECK (kind IN ('moved', 'assigned', 'edited')),
    ADD COLUMN assigned_to text,
    ADD COLUMN fields text[],
    ADD COLUMN code text;

-- What people wrote on a card: personal data, to be cleared with its lead.
CREATE TABLE card_notes (
    note_id uuid PRIMARY KEY,
    card_id uuid NOT NULL REFERENCES cards,
    author text NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX card_notes_card ON card_notes (card_id, at);

CREATE INDEX cards_newest ON cards (created_at DESC, card_id);
CREATE INDEX cards_assigned ON cards (assigned_to, state) WHERE assigned_to IS NOT NULL;
CREATE INDEX cards_due ON cards (due_at) WHERE state NOT IN ('done', 'rejected');
CREATE INDEX cards_campaign ON cards (campaign_id, created_at);

-- No change without its history: whoever moves a card by hand in SQL is refused when the transaction ends.
CREATE FUNCTION card_changes_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.version <= old.version OR new.version - old.version <> (
        SELECT count(*) FROM card_moves WHERE card_id = new.card_id AND version > old.version AND version <= new.version
    ) OR new.state <> (SELECT to_state FROM card_moves WHERE card_id = new.card_id AND version = new.version) THEN
        RAISE EXCEPTION 'card % is not changed by SQL', new.card_id
            USING HINT = 'Move it by POST /api/cards/ID/move/STATE or `touchline cards move`: docs/operations.md, A board of your own.';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER cards_kept
    AFTER UPDATE OF state, version, assigned_to, approved_by, executed_at, due_at, queue, priority, type ON cards
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW
    WHEN ((old.state, old.version, old.assigned_to, old.approved_by, old.executed_at, old.due_at, old.queue, old.priority, old.type)
        IS DISTINCT FROM
        (new.state, new.version, new.assigned_to, new.approved_by, new.executed_at, new.due_at, new.queue, new.priority, new.type))
    EXECUTE FUNCTION card_changes_are_kept();

-- What is noted for one key is told in the order in which it was noted.
ALTER TABLE untold_events ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX untold_events_in_order ON untold_events (topic, key, seq);

-- For a team's own board: read only, with columns that stay.
CREATE VIEW board_cards AS
SELECT
    c.card_id,
    c.version,
    c.type,
    c.state,
    c.state NOT IN ('done', 'rejected') AS is_open,
    c.queue,
    c.priority,
    c.title,
    c.description,
    c.rationale,
    c.assigned_to,
    c.approved_by,
    c.campaign_id,
    c.lead_id,
    c.enrollment_id,
    c.step_id,
    c.send_id,
    c.reply_id,
    coalesce(r.disposition, c.action_payload ->> 'disposition') AS disposition,
    coalesce(r.category, c.action_payload ->> 'category') AS category,
    c.action_payload ->> 'draft_reply' AS draft_reply,
    c.due_at,
    c.created_at,
    c.moved_at,
    c.executed_at,
    last.actor AS changed_by,
    coalesce(last.at, c.created_at) AS changed_at,
    (SELECT count(*) FROM card_notes AS n WHERE n.card_id = c.card_id) AS notes
FROM cards AS c
LEFT JOIN replies AS r ON r.reply_id = c.reply_id
LEFT JOIN card_moves AS last ON last.card_id = c.card_id AND last.version = c.version;

COMMENT ON VIEW board_cards IS
    'Every card, one row each, for a board outside of Touchline. Columns are only ever added. Read it; cards are moved through the API.';
COMMENT ON COLUMN board_cards.card_id IS 'The card, for ever. Say it, with version, when you move the card.';
COMMENT ON COLUMN board_cards.version IS 'Counts the changes of the card from 1; a move that names another version is refused.';
COMMENT ON COLUMN board_cards.type IS
    'send_email, schedule_call, research, create_task, follow_up, create_deal, reply_to_email or needs_human_response.';
COMMENT ON COLUMN board_cards.state IS 'suggested, in_review, approved, executing, done, blocked or rejected.';
COMMENT ON COLUMN board_cards.is_open IS 'Whether something is still to be done: neither done nor rejected.';
COMMENT ON COLUMN board_cards.queue IS 'The team whose card it is.';
COMMENT ON COLUMN board_cards.priority IS 'low, medium or high.';
COMMENT ON COLUMN board_cards.title IS 'What is to be done, in a line. May name the lead: personal data.';
COMMENT ON COLUMN board_cards.description IS 'More of it, or the summary of the reply. Personal data.';
COMMENT ON COLUMN board_cards.rationale IS 'Why there is a card.';
COMMENT ON COLUMN board_cards.assigned_to IS 'Whoever has it; NULL: nobody.';
COMMENT ON COLUMN board_cards.approved_by IS 'Who approved it last.';
COMMENT ON COLUMN board_cards.campaign_id IS 'The campaign that it came of.';
COMMENT ON COLUMN board_cards.lead_id IS 'The lead that it is about.';
COMMENT ON COLUMN board_cards.enrollment_id IS 'The lead''s entry into the campaign.';
COMMENT ON COLUMN board_cards.step_id IS 'The step that fell due, or that was answered.';
COMMENT ON COLUMN board_cards.send_id IS 'The touch that it is about, or that was answered.';
COMMENT ON COLUMN board_cards.reply_id IS 'The reply that made it; NULL: no reply did.';
COMMENT ON COLUMN board_cards.disposition IS 'What the reply was judged to be.';
COMMENT ON COLUMN board_cards.category IS 'What the reply is about, where that was judged.';
COMMENT ON COLUMN board_cards.draft_reply IS 'The answer that stands for approval. Personal data.';
COMMENT ON COLUMN board_cards.due_at IS 'By when. Overdue: is_open AND due_at < now().';
COMMENT ON COLUMN board_cards.created_at IS 'When it was put up.';
COMMENT ON COLUMN board_cards.moved_at IS 'When it came to its state.';
COMMENT ON COLUMN board_cards.executed_at IS 'When it was done.';
COMMENT ON COLUMN board_cards.changed_by IS 'Who changed it last; NULL: nobody has.';
COMMENT ON COLUMN board_cards.changed_at IS 'When that was, or when it was put up.';
COMMENT ON COLUMN board_cards.notes IS 'How many notes people wrote on it.';
