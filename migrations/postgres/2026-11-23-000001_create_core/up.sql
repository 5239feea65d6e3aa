-- The whole core: people, calls, disputes, money, audit. Instants are UTC timestamps cut to microseconds,
-- money is integer minor units beside its currency, ids are 64-bit and time-ordered.

-- One row: the platform and its policy. First in the lock order.
CREATE TABLE policy (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    platform_name TEXT COLLATE "C" NOT NULL,
    dispute_window_days INTEGER NOT NULL CHECK (dispute_window_days BETWEEN 0 AND 3650),
    disputable_statuses TEXT COLLATE "C" NOT NULL,
    reasons TEXT COLLATE "C" NOT NULL,
    reply_reopens BOOLEAN NOT NULL,
    decision_deadline_days INTEGER NOT NULL CHECK (decision_deadline_days BETWEEN 1 AND 3650),
    is_live BOOLEAN NOT NULL,
    -- Raised by every change, so that of two who edit at once the second is told.
    version INTEGER NOT NULL
);
INSERT INTO policy VALUES (
    1, 'Fairdial', 7, 'completed_with_conversion,not_connected_with_conversion',
    '[{"code":"caller_hung_up","label":"Caller hung up immediately"},{"code":"not_connected","label":"Call was not connected"},{"code":"invalid_caller","label":"Invalid Caller (Bot/Spam)"},{"code":"duplicate_call","label":"Duplicate call"},{"code":"not_qualified","label":"Did not meet qualification criteria"},{"code":"technical_issues","label":"Technical issues"},{"code":"other","label":"Other"}]',
    TRUE, 10, TRUE, 1
);

CREATE TABLE buyers (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    dispute_window_days INTEGER CHECK (dispute_window_days BETWEEN 0 AND 3650),
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE buyer_aliases (
    source TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    buyer_id BIGINT NOT NULL REFERENCES buyers (id),
    PRIMARY KEY (source, name_key)
);
CREATE INDEX buyer_aliases_buyer ON buyer_aliases (buyer_id);

CREATE TABLE publishers (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key TEXT COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE campaigns (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key TEXT COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE users (
    id BIGINT NOT NULL PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    email_key TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    password_hash TEXT COLLATE "C",
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('buyer', 'manager')),
    buyer_id BIGINT REFERENCES buyers (id),
    dispute_calls BOOLEAN NOT NULL DEFAULT FALSE,
    disputes_view BOOLEAN NOT NULL DEFAULT FALSE,
    disputes_edit BOOLEAN NOT NULL DEFAULT FALSE,
    calls_import BOOLEAN NOT NULL DEFAULT FALSE,
    settings BOOLEAN NOT NULL DEFAULT FALSE,
    is_disabled BOOLEAN NOT NULL DEFAULT FALSE,
    -- Sessions of an older epoch are dead: raised by a password change, disabling and "sign out everywhere".
    epoch INTEGER NOT NULL DEFAULT 0,
    time_zone TEXT COLLATE "C" NOT NULL DEFAULT 'America/New_York',
    theme TEXT COLLATE "C" NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    keyboard_shortcuts BOOLEAN NOT NULL DEFAULT TRUE,
    -- Whether notifications come by e-mail too, where the platform sends any.
    mail_notifications BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMP NOT NULL,
    last_signed_in_at TIMESTAMP,
    CONSTRAINT users_role_fits_buyer CHECK ((role = 'buyer') = (buyer_id IS NOT NULL)),
    CONSTRAINT users_permissions_fit_role CHECK (
        (role = 'buyer' AND NOT disputes_view AND NOT disputes_edit AND NOT calls_import AND NOT settings)
        OR (role = 'manager' AND NOT dispute_calls)),
    CONSTRAINT users_edit_needs_view CHECK (disputes_view OR NOT disputes_edit)
);
CREATE INDEX users_buyer ON users (buyer_id);
CREATE INDEX users_by_name ON users (name, id);

-- Which columns, in which order, how many rows: the saved state of a bare list URL.
CREATE TABLE table_settings (
    user_id BIGINT NOT NULL REFERENCES users (id),
    table_name TEXT COLLATE "C" NOT NULL CHECK (table_name IN ('calls', 'disputes')),
    column_list TEXT COLLATE "C" NOT NULL,
    per_page INTEGER NOT NULL CHECK (per_page BETWEEN 1 AND 100),
    sort TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, table_name)
);

CREATE TABLE sessions (
    -- SHA-256 of the cookie's token: the database never holds what opens a session.
    token_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id BIGINT NOT NULL UNIQUE,
    user_id BIGINT REFERENCES users (id),
    epoch INTEGER NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_created ON sessions (created_at);

-- Links that work once: set-up of the first manager, invitations, password resets.
CREATE TABLE one_time_links (
    token_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('setup', 'invitation')),
    user_id BIGINT REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX one_time_links_user ON one_time_links (user_id);

-- What programs send instead of a password: the database holds a digest, and the beginning to find a leaked one by.
CREATE TABLE tokens (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    prefix TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    -- Scopes, separated by blanks; empty: all that its user may do.
    scopes TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    last_used_at TIMESTAMP,
    revoked_at TIMESTAMP
);
CREATE INDEX tokens_user ON tokens (user_id, id);

-- Failed sign-ins by account and by address.
CREATE TABLE throttles (
    throttle_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    window_started_at TIMESTAMP NOT NULL
);

-- What a form token or an Idempotency-Key was answered with: same user, same key, same answer.
CREATE TABLE answers (
    user_id BIGINT NOT NULL REFERENCES users (id),
    answer_key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, answer_key)
);
CREATE INDEX answers_created ON answers (created_at);

CREATE TABLE calls (
    id BIGINT NOT NULL PRIMARY KEY,
    source TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    buyer_id BIGINT NOT NULL REFERENCES buyers (id),
    publisher_id BIGINT REFERENCES publishers (id),
    campaign_id BIGINT REFERENCES campaigns (id),
    started_at TIMESTAMP NOT NULL,
    caller_id TEXT COLLATE "C" NOT NULL,
    -- The last seven digits of caller_id, for searching what people read out.
    caller_last7 TEXT COLLATE "C" NOT NULL,
    dialed TEXT COLLATE "C" NOT NULL,
    destination_number TEXT COLLATE "C" NOT NULL,
    -- What is shown and filtered by: the destination's name, or its number where it has none.
    destination TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    payout BIGINT,
    -- payout, or -1 where unknown, so that unknown sorts last and no sort key is null.
    payout_sort BIGINT NOT NULL,
    publisher_payout BIGINT,
    duration_s INTEGER CHECK (duration_s >= 0),
    connected_s INTEGER CHECK (connected_s >= 0),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('completed_with_conversion', 'completed_without_conversion',
        'not_connected_with_conversion', 'not_connected_without_conversion', 'in_progress', 'failed')),
    hangup_by TEXT COLLATE "C" NOT NULL CHECK (hangup_by IN ('caller', 'destination', 'system', 'unknown')),
    hangup_cause TEXT COLLATE "C" NOT NULL,
    is_duplicate BOOLEAN NOT NULL,
    recording_url TEXT COLLATE "C" NOT NULL,
    has_recording BOOLEAN NOT NULL,
    dispute_state TEXT COLLATE "C" NOT NULL DEFAULT 'none' CHECK (dispute_state IN ('none', 'disputed', 'adjusted')),
    -- Sums of the adjustments of this call, in the call's currency.
    net_credit BIGINT NOT NULL DEFAULT 0 CHECK (net_credit >= 0),
    net_clawback BIGINT NOT NULL DEFAULT 0 CHECK (net_clawback >= 0),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (source, external_id)
);
CREATE INDEX calls_by_buyer ON calls (buyer_id, started_at DESC, id DESC);
CREATE INDEX calls_by_date ON calls (started_at DESC, id DESC);
CREATE INDEX calls_by_caller ON calls (caller_id, id);
CREATE INDEX calls_by_buyer_caller ON calls (buyer_id, caller_id, id);
CREATE INDEX calls_by_last7 ON calls (caller_last7, started_at DESC, id DESC);
CREATE INDEX calls_by_buyer_status ON calls (buyer_id, status, started_at DESC, id DESC);
CREATE INDEX calls_by_status ON calls (status, started_at DESC, id DESC);
CREATE INDEX calls_by_buyer_payout ON calls (buyer_id, payout_sort, id);
CREATE INDEX calls_by_payout ON calls (payout_sort, id);
-- Few calls have a dispute state.
CREATE INDEX calls_by_dispute_state ON calls (dispute_state, started_at DESC, id DESC) WHERE dispute_state <> 'none';

-- The row as the source sent it.
CREATE TABLE call_raws (
    call_id BIGINT NOT NULL PRIMARY KEY REFERENCES calls (id),
    raw TEXT COLLATE "C" NOT NULL,
    -- The buyer as the source called it: what an alias is about.
    buyer_name TEXT COLLATE "C" NOT NULL
);

-- What a buyer's filter menus offer, kept by the import.
CREATE TABLE buyer_destinations (
    buyer_id BIGINT NOT NULL REFERENCES buyers (id),
    destination TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (buyer_id, destination)
);
CREATE TABLE buyer_campaigns (
    buyer_id BIGINT NOT NULL REFERENCES buyers (id),
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id),
    PRIMARY KEY (buyer_id, campaign_id)
);
CREATE INDEX buyer_campaigns_campaign ON buyer_campaigns (campaign_id);

CREATE TABLE recordings (
    call_id BIGINT NOT NULL PRIMARY KEY REFERENCES calls (id),
    file_id TEXT COLLATE "C" NOT NULL UNIQUE,
    media_type TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL CHECK (size > 0),
    sha256 TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE disputes (
    id BIGINT NOT NULL PRIMARY KEY,
    call_id BIGINT NOT NULL REFERENCES calls (id),
    buyer_id BIGINT NOT NULL REFERENCES buyers (id),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'pending', 'accepted', 'accepted_partial', 'rejected', 'withdrawn')),
    -- Default order: Pending 0, Accepted 1, Accepted Partial 2, Rejected 3, Withdrawn 4; Drafts 9, never in the table.
    status_rank INTEGER NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    additional_information TEXT COLLATE "C" NOT NULL CHECK (length(additional_information) <= 5000),
    -- The call as it was at Send (as it is now, for a Draft).
    source TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    call_started_at TIMESTAMP NOT NULL,
    caller_id TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    campaign_id BIGINT REFERENCES campaigns (id),
    publisher_id BIGINT REFERENCES publishers (id),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    payout BIGINT,
    payout_sort BIGINT NOT NULL,
    publisher_payout BIGINT,
    publisher_payout_sort BIGINT NOT NULL,
    duration_s INTEGER,
    duration_sort INTEGER NOT NULL,
    call_status TEXT COLLATE "C" NOT NULL,
    hangup_by TEXT COLLATE "C" NOT NULL,
    hangup_cause TEXT COLLATE "C" NOT NULL,
    has_recording BOOLEAN NOT NULL,
    has_evidence BOOLEAN NOT NULL,
    created_by BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    -- When saved, then when submitted.
    listed_at TIMESTAMP NOT NULL,
    submitted_by BIGINT REFERENCES users (id),
    submitted_at TIMESTAMP,
    -- When a decision is due; far in the future for a Draft, so that no sort key is null.
    due_at TIMESTAMP NOT NULL,
    -- A manager who filed it on the buyer's behalf can't decide it.
    filed_by_manager BIGINT REFERENCES users (id),
    credit BIGINT,
    clawback BIGINT,
    decision_note TEXT COLLATE "C" NOT NULL DEFAULT '',
    decided_by BIGINT REFERENCES users (id),
    decided_at TIMESTAMP,
    last_speaker TEXT COLLATE "C" NOT NULL DEFAULT 'buyer' CHECK (last_speaker IN ('buyer', 'platform')),
    assignee_id BIGINT REFERENCES users (id),
    metadata TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL,
    CONSTRAINT disputes_rank_fits_status CHECK (status_rank = CASE status WHEN 'pending' THEN 0 WHEN 'accepted' THEN 1
        WHEN 'accepted_partial' THEN 2 WHEN 'rejected' THEN 3 WHEN 'withdrawn' THEN 4 ELSE 9 END),
    CONSTRAINT disputes_sent_is_complete CHECK (status = 'draft'
        OR (submitted_at IS NOT NULL AND submitted_by IS NOT NULL AND reason <> '' AND payout IS NOT NULL AND payout > 0)),
    CONSTRAINT disputes_decided_has_decider CHECK (
        (status IN ('accepted', 'accepted_partial', 'rejected'))
        = (decided_by IS NOT NULL AND decided_at IS NOT NULL AND credit IS NOT NULL AND clawback IS NOT NULL)),
    CONSTRAINT disputes_undecided_has_no_decision CHECK (
        status IN ('accepted', 'accepted_partial', 'rejected')
        OR (decided_by IS NULL AND decided_at IS NULL AND credit IS NULL AND clawback IS NULL)),
    CONSTRAINT disputes_credit_fits_verdict CHECK (CASE status WHEN 'accepted' THEN credit = payout
        WHEN 'accepted_partial' THEN credit > 0 AND credit < payout WHEN 'rejected' THEN credit = 0 ELSE TRUE END),
    CONSTRAINT disputes_clawback_in_range CHECK (clawback IS NULL OR (clawback >= 0
        AND clawback <= CASE WHEN publisher_payout > 0 THEN publisher_payout ELSE 0 END))
);
-- A call has at most one active dispute.
CREATE UNIQUE INDEX disputes_one_active_per_call ON disputes (call_id) WHERE status NOT IN ('rejected', 'withdrawn');
CREATE INDEX disputes_by_call ON disputes (call_id, listed_at DESC, id DESC);
CREATE INDEX disputes_buyer_default ON disputes (buyer_id, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_default ON disputes (status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_buyer_reason ON disputes (buyer_id, reason, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_reason ON disputes (reason, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_buyer_by_reason ON disputes (buyer_id, reason, id);
CREATE INDEX disputes_by_reason ON disputes (reason, id);
CREATE INDEX disputes_campaign ON disputes (campaign_id, status_rank, listed_at DESC, id DESC, buyer_id);
CREATE INDEX disputes_publisher ON disputes (publisher_id, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_decider ON disputes (decided_by, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_destination ON disputes (destination, status_rank, listed_at DESC, id DESC, buyer_id);
CREATE INDEX disputes_buyer_recording ON disputes (buyer_id, has_recording, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_recording ON disputes (has_recording, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_buyer_evidence ON disputes (buyer_id, has_evidence, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_evidence ON disputes (has_evidence, status_rank, listed_at DESC, id DESC);
CREATE INDEX disputes_buyer_submitted ON disputes (buyer_id, listed_at, id);
CREATE INDEX disputes_submitted ON disputes (listed_at, id);
CREATE INDEX disputes_buyer_call_date ON disputes (buyer_id, call_started_at, id);
CREATE INDEX disputes_call_date ON disputes (call_started_at, id);
CREATE INDEX disputes_buyer_caller ON disputes (buyer_id, caller_id, id);
CREATE INDEX disputes_caller ON disputes (caller_id, id);
CREATE INDEX disputes_buyer_destination ON disputes (buyer_id, destination, id);
CREATE INDEX disputes_by_destination ON disputes (destination, id);
CREATE INDEX disputes_buyer_payout ON disputes (buyer_id, payout_sort, id);
CREATE INDEX disputes_payout ON disputes (payout_sort, id);
CREATE INDEX disputes_publisher_payout ON disputes (publisher_payout_sort, id);
CREATE INDEX disputes_buyer_duration ON disputes (buyer_id, duration_sort, id);
CREATE INDEX disputes_duration ON disputes (duration_sort, id);
CREATE INDEX disputes_due ON disputes (due_at, id);
CREATE INDEX disputes_buyer_created ON disputes (buyer_id, created_at, id);
CREATE INDEX disputes_external ON disputes (external_id, id);
CREATE INDEX disputes_created ON disputes (created_at, id);
-- The review queue: what is Pending, oldest due first.
CREATE INDEX disputes_rank_due ON disputes (status_rank, due_at, id);
CREATE INDEX disputes_assignee ON disputes (assignee_id, status_rank, listed_at DESC, id DESC);

-- Every suffix (four digits or more) of the numbers a dispute is searched by: a substring is a prefix of a suffix.
CREATE TABLE dispute_suffixes (
    suffix TEXT COLLATE "C" NOT NULL,
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    buyer_id BIGINT NOT NULL REFERENCES buyers (id),
    PRIMARY KEY (suffix, dispute_id)
);
CREATE INDEX dispute_suffixes_buyer ON dispute_suffixes (buyer_id, suffix, dispute_id);
CREATE INDEX dispute_suffixes_dispute ON dispute_suffixes (dispute_id);

-- Named evidence facts. A staged fact is seen by the buyer alone until it is sent.
CREATE TABLE facts (
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    name TEXT COLLATE "C" NOT NULL,
    is_staged BOOLEAN NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (dispute_id, name, is_staged)
);

CREATE TABLE evidence (
    -- 128 random bits; also the name of the file.
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    name TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL CHECK (size > 0),
    sha256 TEXT COLLATE "C" NOT NULL,
    uploaded_by BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX evidence_by_dispute ON evidence (dispute_id, created_at, id);

-- Files kept after a form error: bound to user and call for 24 hours.
CREATE TABLE staged_uploads (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    call_id BIGINT NOT NULL REFERENCES calls (id),
    name TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL CHECK (size > 0),
    sha256 TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX staged_uploads_owner ON staged_uploads (user_id, call_id);
CREATE INDEX staged_uploads_created ON staged_uploads (created_at);

CREATE TABLE messages (
    id BIGINT NOT NULL PRIMARY KEY,
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    author_id BIGINT NOT NULL REFERENCES users (id),
    author_side TEXT COLLATE "C" NOT NULL CHECK (author_side IN ('buyer', 'platform')),
    is_internal BOOLEAN NOT NULL,
    body TEXT COLLATE "C" NOT NULL CHECK (length(body) BETWEEN 1 AND 5000),
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT messages_internal_is_the_platforms CHECK (author_side = 'platform' OR NOT is_internal)
);
CREATE INDEX messages_by_dispute ON messages (dispute_id, created_at, id);

-- The money: rows are only ever added. A reversal names the row it takes back.
CREATE TABLE adjustments (
    id BIGINT NOT NULL PRIMARY KEY,
    call_id BIGINT NOT NULL REFERENCES calls (id),
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('decision', 'reversal')),
    reverses_id BIGINT UNIQUE REFERENCES adjustments (id),
    currency TEXT COLLATE "C" NOT NULL,
    credit BIGINT NOT NULL,
    clawback BIGINT NOT NULL,
    created_by BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT adjustments_sign CHECK (
        (kind = 'decision' AND credit >= 0 AND clawback >= 0 AND reverses_id IS NULL)
        OR (kind = 'reversal' AND credit <= 0 AND clawback <= 0 AND reverses_id IS NOT NULL))
);
CREATE INDEX adjustments_by_call ON adjustments (call_id);
CREATE INDEX adjustments_by_dispute ON adjustments (dispute_id);

-- A list by name: the query of a manager's Disputes table, own or shared with the other managers.
CREATE TABLE saved_views (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    list_query TEXT NOT NULL,
    is_shared BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX saved_views_user ON saved_views (user_id, name, id);
CREATE INDEX saved_views_shared ON saved_views (name, id) WHERE is_shared;

-- Which managers have a dispute open, and who of them writes a decision. A row ends soon after the page last spoke.
CREATE TABLE presences (
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    is_writing BOOLEAN NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    PRIMARY KEY (dispute_id, user_id)
);
CREATE INDEX presences_user ON presences (user_id);
CREATE INDEX presences_end ON presences (ends_at, dispute_id, user_id);

-- Texts that managers use again and again in notes to buyers, with variables such as {caller_id}.
CREATE TABLE canned_notes (
    id BIGINT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 60),
    body TEXT NOT NULL CHECK (length(body) BETWEEN 1 AND 5000),
    created_by BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX canned_notes_title ON canned_notes (title, id);
CREATE INDEX canned_notes_creator ON canned_notes (created_by);

-- What a manager selected to decide at once, and how far that has come. `next_position` moves in the transaction that decides.
CREATE TABLE bulk_jobs (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    state TEXT NOT NULL CHECK (state IN ('selected', 'running', 'stopped', 'done')),
    -- The query of the list it was selected from, to go back to.
    list_query TEXT NOT NULL,
    total BIGINT NOT NULL CHECK (total >= 0),
    next_position BIGINT NOT NULL DEFAULT 0,
    decided BIGINT NOT NULL DEFAULT 0,
    verdict TEXT CHECK (verdict IN ('accepted', 'accepted_partial', 'rejected')),
    -- Hundredths of a percent of the payout.
    credit_percent BIGINT CHECK (credit_percent BETWEEN 1 AND 9999),
    note TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    request_id TEXT NOT NULL DEFAULT '',
    -- Why it stopped before its end, in the words of the database.
    trouble TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    CONSTRAINT bulk_jobs_trouble CHECK ((state = 'stopped') = (trouble <> '')),
    CONSTRAINT bulk_jobs_progress CHECK (next_position BETWEEN 0 AND total AND decided BETWEEN 0 AND next_position),
    CONSTRAINT bulk_jobs_verdict CHECK (state = 'selected' OR verdict IS NOT NULL),
    CONSTRAINT bulk_jobs_percent CHECK ((verdict = 'accepted_partial') = (credit_percent IS NOT NULL) OR verdict IS NULL)
);
CREATE INDEX bulk_jobs_state ON bulk_jobs (state, created_at);
CREATE INDEX bulk_jobs_user ON bulk_jobs (user_id);
CREATE TABLE bulk_items (
    job_id BIGINT NOT NULL REFERENCES bulk_jobs (id),
    position BIGINT NOT NULL,
    dispute_id BIGINT NOT NULL REFERENCES disputes (id),
    -- The version that was confirmed.
    version INTEGER NOT NULL,
    -- Empty until it was its turn, then `decided` or why it was skipped.
    outcome TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, position)
);
CREATE INDEX bulk_items_dispute ON bulk_items (dispute_id);

CREATE TABLE notifications (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    -- Empty: it is not about a dispute.
    dispute_id BIGINT REFERENCES disputes (id),
    kind TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL,
    read_at TIMESTAMP,
    -- When it is to be sent by e-mail, or tried again; empty: not, or done.
    mail_due_at TIMESTAMP
);
CREATE INDEX notifications_by_user ON notifications (user_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread ON notifications (user_id) WHERE read_at IS NULL;
CREATE INDEX notifications_to_mail ON notifications (mail_due_at, user_id) WHERE mail_due_at IS NOT NULL;
CREATE INDEX notifications_dispute ON notifications (dispute_id);

-- Events for webhooks and e-mail, written with the change they tell of.
CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    topic TEXT COLLATE "C" NOT NULL,
    -- Empty: a test of a receiver.
    dispute_id BIGINT REFERENCES disputes (id),
    buyer_id BIGINT REFERENCES buyers (id),
    payload TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX outbox_dispute ON outbox (dispute_id, id);
CREATE INDEX outbox_created ON outbox (created_at);

-- Receivers of events: of the whole platform, or of one buyer.
CREATE TABLE webhook_endpoints (
    id BIGINT NOT NULL PRIMARY KEY,
    url TEXT COLLATE "C" NOT NULL CHECK (length(url) BETWEEN 8 AND 2000),
    buyer_id BIGINT REFERENCES buyers (id),
    -- Their codes, each with a space on both sides.
    topics TEXT COLLATE "C" NOT NULL CHECK (topics LIKE ' % '),
    secret TEXT COLLATE "C" NOT NULL,
    -- Signs too, until then.
    old_secret TEXT COLLATE "C",
    old_secret_until TIMESTAMP,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    -- Why it was switched off, where nobody did it by hand.
    off_reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- Failures in a row, and since when.
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since TIMESTAMP,
    -- Nothing is sent before: a process is at work on it, or it rests after a failure.
    rests_until TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
    CHECK ((failures = 0) = (failing_since IS NULL))
);

-- An event on its way to a receiver.
CREATE TABLE webhook_deliveries (
    id BIGINT NOT NULL PRIMARY KEY,
    endpoint_id BIGINT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event_id BIGINT NOT NULL REFERENCES outbox (id),
    dispute_id BIGINT,
    -- When it is tried next; empty: delivered, or given up.
    next_at TIMESTAMP,
    give_up_at TIMESTAMP NOT NULL,
    is_delivered BOOLEAN NOT NULL DEFAULT FALSE,
    -- Since it was written, or sent again by hand.
    tries INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (endpoint_id, event_id)
);
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (endpoint_id, next_at, event_id) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (endpoint_id, dispute_id, event_id) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id);

CREATE TABLE webhook_attempts (
    delivery_id BIGINT NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at TIMESTAMP NOT NULL,
    milliseconds INTEGER NOT NULL,
    signature TEXT COLLATE "C" NOT NULL,
    -- Empty: there was no answer, and `answer` says why.
    status INTEGER,
    answer TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- How many disputes are Pending, how many were ever sent, how many calls there are: a row a buyer, and buyer 0 for the whole network.
CREATE TABLE counters (
    buyer_key BIGINT NOT NULL PRIMARY KEY,
    pending BIGINT NOT NULL DEFAULT 0 CHECK (pending BETWEEN 0 AND sent),
    sent BIGINT NOT NULL DEFAULT 0,
    calls BIGINT NOT NULL DEFAULT 0 CHECK (calls >= 0)
);
INSERT INTO counters (buyer_key) VALUES (0);

-- Append-only, hash-chained. The head row gives the next number: last in the lock order.
CREATE TABLE audit_log (
    seq BIGINT NOT NULL PRIMARY KEY,
    at TIMESTAMP NOT NULL,
    actor_id BIGINT REFERENCES users (id),
    actor_name TEXT COLLATE "C" NOT NULL,
    via TEXT COLLATE "C" NOT NULL CHECK (via IN ('browser', 'api', 'command', 'system')),
    address TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    entity TEXT COLLATE "C" NOT NULL,
    entity_id TEXT COLLATE "C" NOT NULL,
    -- No foreign key: the log outlives a discarded Draft.
    dispute_id BIGINT,
    old_values TEXT COLLATE "C" NOT NULL,
    new_values TEXT COLLATE "C" NOT NULL,
    previous_hash TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_log_dispute ON audit_log (dispute_id, seq);
CREATE INDEX audit_log_at ON audit_log (at, seq);
CREATE INDEX audit_log_actor ON audit_log (actor_id, at, seq);
CREATE INDEX audit_log_entity ON audit_log (entity, at, seq);
CREATE INDEX audit_log_thing ON audit_log (entity, entity_id, at, seq);
CREATE INDEX audit_log_action ON audit_log (action, at, seq);
CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);
INSERT INTO audit_head VALUES (1, 0, '');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % can''t be changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER adjustments_no_change BEFORE UPDATE OR DELETE ON adjustments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER adjustments_no_truncate BEFORE TRUNCATE ON adjustments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
