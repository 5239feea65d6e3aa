ALTER TABLE counters DROP COLUMN withdrawn;
ALTER TABLE counters DROP COLUMN rejected;
ALTER TABLE counters DROP COLUMN accepted_partial;
ALTER TABLE counters DROP COLUMN accepted;
