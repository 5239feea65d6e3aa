-- Whole seconds from Send to the decision.
ALTER TABLE disputes ADD COLUMN seconds_to_decision BIGINT GENERATED ALWAYS AS (
    floor(extract(epoch FROM decided_at - listed_at))::BIGINT) STORED;
