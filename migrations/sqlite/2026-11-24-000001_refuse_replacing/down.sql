DROP TRIGGER adjustments_no_replace;
DROP TRIGGER audit_log_no_replace;
