ALTER TABLE disputes DROP COLUMN seconds_to_decision;
