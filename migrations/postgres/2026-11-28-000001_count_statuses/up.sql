-- How many disputes have each status: what a list filtered by status says without counting its rows.
ALTER TABLE counters ADD COLUMN accepted BIGINT NOT NULL DEFAULT 0 CHECK (accepted >= 0);
ALTER TABLE counters ADD COLUMN accepted_partial BIGINT NOT NULL DEFAULT 0 CHECK (accepted_partial >= 0);
ALTER TABLE counters ADD COLUMN rejected BIGINT NOT NULL DEFAULT 0 CHECK (rejected >= 0);
ALTER TABLE counters ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0 CHECK (withdrawn >= 0);
UPDATE counters SET
    accepted = (SELECT COUNT(*) FROM disputes WHERE buyer_id = buyer_key AND status_rank = 1),
    accepted_partial = (SELECT COUNT(*) FROM disputes WHERE buyer_id = buyer_key AND status_rank = 2),
    rejected = (SELECT COUNT(*) FROM disputes WHERE buyer_id = buyer_key AND status_rank = 3),
    withdrawn = (SELECT COUNT(*) FROM disputes WHERE buyer_id = buyer_key AND status_rank = 4)
WHERE buyer_key <> 0;
UPDATE counters SET
    accepted = (SELECT COUNT(*) FROM disputes WHERE status_rank = 1),
    accepted_partial = (SELECT COUNT(*) FROM disputes WHERE status_rank = 2),
    rejected = (SELECT COUNT(*) FROM disputes WHERE status_rank = 3),
    withdrawn = (SELECT COUNT(*) FROM disputes WHERE status_rank = 4)
WHERE buyer_key = 0;
