-- Calls after COMMIT: what is queued, what comes of it, and what is refused. (The sessions' tests show the rest.)

ALTER DATABASE regress SET neon_auth_admin.queue_linger = -1; -- no worker
\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER queue FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-queue', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'queue');
ALTER ROLE app_owner SET neon_auth_admin.server = 'queue';
\c - app_owner

SELECT operation, neon_auth_admin.enqueue(operation, arguments) > 0 AS queued
FROM (VALUES
    ('create_user', '{"email": "queued@example.com", "name": "Queued"}'::jsonb),
    ('create_user', '{"email": "queued@example.com"}'),
    ('add_domain', '{"domain": "https://queued.example.com"}'),
    ('delete_domain', '{"domain": "https://queued.example.com"}'),
    ('delete_user', '{"id": "d2f2a9e5-0000-4000-8000-000000000000"}')
) AS calls (operation, arguments);
CALL neon_auth_admin.run_queue();
SELECT operation, arguments, server, role, state, attempts, next_attempt_at, result - 'id' AS result, sqlstate, message
FROM neon_auth_admin.queue ORDER BY id;
SELECT (neon_auth_admin.wait_for_queued(id)).state FROM neon_auth_admin.queue WHERE state = 'failed' ORDER BY id;
SELECT neon_auth_admin.cancel_queued(id) = id AS cancelled FROM neon_auth_admin.queue WHERE sqlstate = '23505';
SELECT neon_auth_admin.retry_queued(id) = id AS again FROM neon_auth_admin.queue WHERE state = 'cancelled';
CALL neon_auth_admin.run_queue('1 min');
SELECT state, attempts, sqlstate FROM neon_auth_admin.queue WHERE attempts > 1;
SELECT neon_auth_admin.adopt_queued();

-- What is refused.
\set VERBOSITY terse
SELECT neon_auth_admin.enqueue('list_users', '{}');
SELECT neon_auth_admin.enqueue(NULL, '{}');
SELECT neon_auth_admin.enqueue('create_user', NULL);
SELECT neon_auth_admin.enqueue('create_user', '[]');
SELECT neon_auth_admin.enqueue('create_user', '{"email": "queued"}');
SELECT neon_auth_admin.enqueue('create_user', '{"email": "a@b", "server": "neon"}');
SELECT neon_auth_admin.enqueue('create_user', '{"Email": "a@b"}');
SELECT neon_auth_admin.enqueue('create_user', jsonb_build_object('email', repeat('x', 100000)));
SELECT neon_auth_admin.enqueue('create_user', '{"email": "a@b"}', 'nowhere');
SELECT neon_auth_admin.wait_for_queued(1000000);
SELECT neon_auth_admin.cancel_queued(1000000);
SELECT neon_auth_admin.retry_queued(NULL);
CALL neon_auth_admin.run_queue('-1 s');
INSERT INTO neon_auth_admin.queued_calls (operation) VALUES ('create_user');
