-- Which saved view a manager's Disputes page opens with.
CREATE TABLE default_views (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
    view_id BIGINT NOT NULL REFERENCES saved_views (id)
);
CREATE INDEX default_views_view ON default_views (view_id);

-- Whether the next Pending dispute opens after a decision.
ALTER TABLE users ADD COLUMN opens_next BOOLEAN NOT NULL DEFAULT FALSE;
