-- INSERT OR REPLACE takes the old row away without asking the triggers of DELETE. PostgreSQL has no such statement.
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the audit log can''t be changed'); END;
CREATE TRIGGER adjustments_no_replace BEFORE INSERT ON adjustments
WHEN EXISTS (SELECT 1 FROM adjustments WHERE id = NEW.id OR reverses_id = NEW.reverses_id)
BEGIN SELECT RAISE(ABORT, 'adjustments can''t be changed'); END;
