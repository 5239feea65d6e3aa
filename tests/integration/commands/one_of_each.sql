-- A row for every table, written into the SQLite form: what isn't said is ordinary, and what could be lost on the way is odd.
INSERT INTO buyers VALUES (101, 'Łódź "Clean" Müller''s', 'lodz', NULL, '2026-11-01 08:00:00');
INSERT INTO buyers VALUES (102, 'Harrowfield', 'harrowfield', 0, '2026-11-01 08:00:00.123456');
INSERT INTO counters (buyer_key, pending, sent, calls) VALUES (101, 1, 2, 1), (102, 0, 0, 0);
UPDATE counters SET pending = 1, sent = 2, calls = 1 WHERE buyer_key = 0;
UPDATE policy SET platform_name = 'Hill & Dale', reply_reopens = 0, version = 7;
INSERT INTO buyer_aliases VALUES ('ringba', 'lodz', ' LODZ ', 101);
INSERT INTO publishers VALUES (201, 'Northwind', 'northwind');
INSERT INTO campaigns VALUES (301, 'Roofing', 'roofing');
INSERT INTO users (id, email, email_key, name, password_hash, role, buyer_id, dispute_calls, created_at, last_signed_in_at)
    VALUES (401, 'Maren@lodz.example', 'maren@lodz.example', 'Maren', '$argon2id$x', 'buyer', 101, 1, '2026-11-01 08:00:00', '2026-11-02 08:00:00.500');
INSERT INTO users (id, email, email_key, name, role, disputes_view, disputes_edit, settings, created_at, opens_next)
    VALUES (402, 'dana@desk.example', 'dana@desk.example', 'Dana', 'manager', 1, 1, 1, '2026-11-01 08:00:00', 1);
INSERT INTO table_settings VALUES (401, 'calls', 'payout,status', 25, '-payout');
INSERT INTO sessions VALUES ('5e55', 501, 401, 3, '{"user":"401"}', '192.0.2.7', 'Firefox', '2026-11-20 08:00:00', '2026-11-20 09:00:00.000001');
INSERT INTO sessions VALUES ('5e56', 502, NULL, 0, '{}', '192.0.2.8', '', '2026-11-20 08:00:00', '2026-11-20 09:00:00');
INSERT INTO one_time_links VALUES ('11ab', 'invitation', 401, '2026-11-20 08:00:00', '2026-11-27 08:00:00');
INSERT INTO tokens VALUES (601, 402, 'Export', 'fairdial_12345678', '70ce', '', '2026-11-20 08:00:00', NULL, NULL, '2026-11-21 08:00:00');
INSERT INTO throttles VALUES ('account maren', 3, '2026-11-20 08:00:00');
INSERT INTO answers VALUES (401, 'key', 'print', 303, '/disputes/1', '', '2026-11-20 08:00:00');
INSERT INTO calls (id, source, external_id, buyer_id, publisher_id, campaign_id, started_at, caller_id, caller_last7, dialed,
        destination_number, destination, currency, payout, payout_sort, publisher_payout, duration_s, connected_s, status, hangup_by,
        hangup_cause, is_duplicate, recording_url, has_recording, dispute_state, net_credit, net_clawback, created_at, updated_at)
    VALUES (9223372036854775807, 'ringba', 'EXT-1', 101, 201, 301, '2026-11-18 23:59:59.999999', '+12145550164', '5550164', '', '', 'Dallas 😀 intake',
        'KWD', 9007199254740993, 9007199254740993, -5, NULL, 0, 'completed_with_conversion', 'unknown', '', 0, '', 1, 'disputed', 0, 0,
        '2026-11-19 08:00:00', '2026-11-19 08:00:00');
INSERT INTO call_raws VALUES (9223372036854775807, 'a,b' || char(13, 10) || '"c",\d	e', 'LODZ');
INSERT INTO buyer_destinations VALUES (101, 'Dallas 😀 intake');
INSERT INTO buyer_campaigns VALUES (101, 301);
INSERT INTO recordings VALUES (9223372036854775807, '0f', 'audio/wav', 4, 'ab', '2026-11-19 08:00:00');
INSERT INTO disputes (id, call_id, buyer_id, status, status_rank, reason, additional_information, source, external_id, call_started_at,
        caller_id, destination, currency, payout, payout_sort, publisher_payout_sort, duration_sort, call_status, hangup_by, hangup_cause,
        has_recording, has_evidence, created_by, created_at, updated_at, listed_at, submitted_by, submitted_at, due_at, credit, clawback,
        decided_by, decided_at, version)
    VALUES (701, 9223372036854775807, 101, 'rejected', 3, 'other', '', 'ringba', 'EXT-1', '2026-11-18 23:59:59.999999', '', '', 'USD', 500, 500, -1, -1,
        'completed_with_conversion', 'unknown', '', 0, 0, 401, '2026-11-19 08:00:00', '2026-11-19 08:00:00', '2026-11-19 08:00:00.250',
        401, '2026-11-19 08:00:00.250', '9999-12-31 00:00:00', 0, 0, 402, '2026-11-19 09:00:00', 2);
INSERT INTO disputes (id, call_id, buyer_id, status, status_rank, reason, additional_information, source, external_id, call_started_at,
        caller_id, destination, currency, payout, payout_sort, publisher_payout_sort, duration_sort, call_status, hangup_by, hangup_cause,
        has_recording, has_evidence, created_by, created_at, updated_at, listed_at, submitted_by, submitted_at, due_at, metadata, version)
    VALUES (702, 9223372036854775807, 101, 'pending', 0, 'other', 'Nobody spoke.' || char(10) || 'Twice.', 'ringba', 'EXT-1', '2026-11-18 23:59:59.999999',
        '', '', 'USD', 500, 500, -1, -1, 'completed_with_conversion', 'unknown', '', 0, 1, 401, '2026-11-20 08:00:00', '2026-11-20 08:00:00',
        '2026-11-20 08:00:00', 401, '2026-11-20 08:00:00', '2026-11-30 08:00:00', '{"k":"NULL"}', 1);
INSERT INTO dispute_suffixes VALUES ('0164', 702, 101), ('50164', 702, 101), ('0164', 701, 101);
INSERT INTO facts VALUES (702, 'customer_name', 0, 'NULL', '2026-11-20 08:00:00'), (702, 'customer_name', 1, '', '2026-11-20 08:00:00');
INSERT INTO evidence VALUES ('0e', 702, 'note.txt', 'text/plain', 12, 'cd', 401, '2026-11-20 08:00:00');
INSERT INTO staged_uploads VALUES ('0d', 401, 9223372036854775807, 'b.txt', 'text/plain', 1, 'ef', '2026-11-20 08:00:00');
INSERT INTO messages VALUES (801, 702, 402, 'platform', 1, 'Listen to 0:12.', '2026-11-20 08:00:00');
-- The clock stood back in between: the row that is taken back has the larger number.
INSERT INTO adjustments VALUES (902, 9223372036854775807, 701, 'decision', NULL, 'USD', 100, 0, 402, '2026-11-19 09:00:00');
INSERT INTO adjustments VALUES (901, 9223372036854775807, 701, 'reversal', 902, 'USD', -100, 0, 402, '2026-11-19 10:00:00');
INSERT INTO saved_views VALUES (1001, 402, 'Mine', 'status=pending', 1, '2026-11-20 08:00:00');
INSERT INTO default_views VALUES (402, 1001);
INSERT INTO presences VALUES (702, 402, 1, '2026-11-20 08:00:00');
INSERT INTO canned_notes VALUES (1101, 'Sorry', 'We heard {caller_id}.', 402, '2026-11-20 08:00:00');
INSERT INTO bulk_jobs (id, user_id, state, list_query, total, created_at) VALUES (1201, 402, 'selected', '', 1, '2026-11-20 08:00:00');
INSERT INTO bulk_items VALUES (1201, 0, 702, 1, '');
INSERT INTO notifications VALUES (1301, 402, 702, 'sent', '', '2026-11-20 08:00:00', NULL, '2026-11-20 08:01:00');
INSERT INTO outbox VALUES (1401, 'dispute.created', 702, 101, '{"a":1.50}', '2026-11-20 08:00:00');
INSERT INTO webhook_endpoints (id, url, buyer_id, topics, secret, rests_until, created_at)
    VALUES (1501, 'https://hooks.example/in', NULL, ' dispute.created ', 'whsec_x', '2026-11-20 08:00:00', '2026-11-20 08:00:00');
INSERT INTO webhook_deliveries (id, endpoint_id, event_id, next_at, give_up_at, created_at)
    VALUES (1601, 1501, 1401, '2026-11-20 08:00:00', '2026-11-21 08:00:00', '2026-11-20 08:00:00');
INSERT INTO webhook_attempts VALUES (1601, 1, '2026-11-20 08:00:00', 120, 'v1,x', NULL, 'no answer');
INSERT INTO imports (id, user_id, state, file_id, file_name, file_size, file_sha256, settings, format, next_row, new_calls, failed_rows,
        created_at, changed_at)
    VALUES (1701, 402, 'looked', '0c', 'calls ü.csv', 9007199254740993, '0f', '{"timezone":null}', 'ringba', 2, 1, 1, '2026-11-20 08:00:00',
        '2026-11-20 08:00:00.500');
INSERT INTO import_failures VALUES (1701, 1, 3, 'a,"b' || char(10) || '"', '[{"column":"Revenue"}]');
