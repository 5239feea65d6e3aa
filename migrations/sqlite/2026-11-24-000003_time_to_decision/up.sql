-- Whole seconds from Send to the decision. Instants are text whose fraction, if there is one, begins at the twentieth character.
ALTER TABLE disputes ADD COLUMN seconds_to_decision BIGINT GENERATED ALWAYS AS (
    CAST(strftime('%s', substr(decided_at, 1, 19)) AS INTEGER) - CAST(strftime('%s', substr(listed_at, 1, 19)) AS INTEGER)
        - (substr(decided_at, 20) < substr(listed_at, 20))) VIRTUAL;
