-- Files of calls, as they come in by the page or by the command line: how far each is, and what it came to.
CREATE TABLE imports (
    id INTEGER NOT NULL PRIMARY KEY,
    -- Who sent the file, then who said that it goes in. Empty: the command line.
    user_id BIGINT REFERENCES users (id),
    state TEXT NOT NULL CHECK (state IN ('staged', 'looking', 'looked', 'running', 'stopped', 'done')),
    -- The file, for as long as it is needed.
    file_id TEXT UNIQUE,
    file_name TEXT NOT NULL,
    file_size BIGINT NOT NULL CHECK (file_size >= 0),
    file_sha256 TEXT NOT NULL,
    -- How it is to be read, as JSON. The version is raised by every change of it.
    settings TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    -- The format and the source it was found to have, and the shape of its rows, as JSON.
    format TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    layout TEXT NOT NULL DEFAULT '',
    -- Moved in the transaction that stores: a file that broke off goes on where it was.
    next_row BIGINT NOT NULL DEFAULT 0,
    bytes_read BIGINT NOT NULL DEFAULT 0,
    new_calls BIGINT NOT NULL DEFAULT 0 CHECK (new_calls >= 0),
    updated_calls BIGINT NOT NULL DEFAULT 0 CHECK (updated_calls >= 0),
    unchanged_calls BIGINT NOT NULL DEFAULT 0 CHECK (unchanged_calls >= 0),
    failed_rows BIGINT NOT NULL DEFAULT 0 CHECK (failed_rows >= 0),
    ambiguous_times BIGINT NOT NULL DEFAULT 0 CHECK (ambiguous_times >= 0),
    -- Names that were created, or would be, as JSON; the first of them, and how many there are.
    created_names TEXT NOT NULL DEFAULT '[]',
    created_count BIGINT NOT NULL DEFAULT 0 CHECK (created_count >= 0),
    -- Why it can't go on, and the field of the form that would help, if one does.
    trouble TEXT NOT NULL DEFAULT '',
    trouble_field TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    request_id TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    CONSTRAINT imports_rows_add_up CHECK (next_row = new_calls + updated_calls + unchanged_calls + failed_rows),
    CONSTRAINT imports_file_until_done CHECK ((state = 'done') = (file_id IS NULL)),
    CONSTRAINT imports_done_has_end CHECK ((state = 'done') = (finished_at IS NOT NULL)),
    CONSTRAINT imports_stopped_says_why CHECK (state <> 'stopped' OR trouble <> ''),
    CONSTRAINT imports_at_work_has_no_trouble CHECK (state NOT IN ('looking', 'looked', 'running') OR trouble = '')
);
CREATE INDEX imports_user ON imports (user_id);
CREATE INDEX imports_state ON imports (state, changed_at);

-- Rows that failed, as they came, for the errors file.
CREATE TABLE import_failures (
    import_id BIGINT NOT NULL REFERENCES imports (id),
    position BIGINT NOT NULL,
    line BIGINT NOT NULL,
    raw TEXT NOT NULL,
    -- Column, value and what was expected, of each thing that is wrong, as JSON.
    errors TEXT NOT NULL,
    PRIMARY KEY (import_id, position)
);
