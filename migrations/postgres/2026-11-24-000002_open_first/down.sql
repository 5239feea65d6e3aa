ALTER TABLE users DROP COLUMN opens_next;
DROP TABLE default_views;
