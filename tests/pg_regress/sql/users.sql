-- Users: create_user and delete_user, and their way into neon_auth.users_sync.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER users FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-users', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'users');
ALTER ROLE app_owner SET neon_auth_admin.server = 'users';
\c - app_owner

-- The row is the new id, and e-mail and name as given.

CREATE TABLE test.users AS SELECT * FROM neon_auth_admin.create_user('ada@example.com', 'Ada');
SELECT test.is_uuid(id) AS is_uuid, email, name FROM test.users;
INSERT INTO test.users SELECT * FROM neon_auth_admin.create_user('Grace.Hopper@Example.com');
INSERT INTO test.users SELECT * FROM neon_auth_admin.create_user(
    name => E'Zoë "O''Neil" \\ {"json": true} ☃', email => 'zoë+test@example.com', server => 'users');
SELECT test.is_uuid(id) AS is_uuid, email, name FROM test.users ORDER BY email COLLATE "C";

-- One row of the composite type, whatever way it is called.
SELECT (create_user).email FROM neon_auth_admin.create_user('alan@example.com') AS create_user;
SELECT pg_typeof(neon_auth_admin.create_user('edsger@example.com'));

-- An e-mail address is taken once, in whatever case; other projects have their own users.

\set VERBOSITY terse
SELECT * FROM neon_auth_admin.create_user('ada@example.com');
SELECT * FROM neon_auth_admin.create_user('ADA@example.com', 'Another Ada');
\set VERBOSITY default
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.create_user(''ada@example.com'')');
\x off

-- Users arrive in neon_auth.users_sync.

SELECT test.wait_for('SELECT count(*) = 3 FROM neon_auth.users_sync JOIN test.users USING (id)');
SELECT users.email, users_sync.name, users_sync.id = users.id AS same_id, users_sync.deleted_at IS NULL AS is_there,
    users_sync.created_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour' AS is_new
FROM test.users JOIN neon_auth.users_sync USING (id) ORDER BY users.email COLLATE "C";

-- Deleted ones stay there, with the time.

SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.users WHERE email = 'ada@example.com';
SELECT test.wait_for('SELECT count(deleted_at) = 1 FROM neon_auth.users_sync JOIN test.users USING (id)');
SELECT users_sync.email, users_sync.deleted_at >= users_sync.created_at AS deleted_after_created
FROM test.users JOIN neon_auth.users_sync USING (id) WHERE users_sync.deleted_at IS NOT NULL;

-- Not there, or not any more.
\set VERBOSITY terse
SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.users WHERE email = 'ada@example.com';
SELECT neon_auth_admin.delete_user('00000000-0000-4000-8000-000000000000', 'users');
\set VERBOSITY default
\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.delete_user(''00000000-0000-4000-8000-000000000000'')');
\x off
-- The address is free again, for another id.
SELECT create_user.id <> users.id AS has_another_id
FROM neon_auth_admin.create_user('ada@example.com') JOIN test.users USING (email);

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER users OPTIONS (SET project_id 'fault-500--users');

SELECT neon_auth_admin.create_user(NULL);
SELECT neon_auth_admin.create_user('ada');
SELECT neon_auth_admin.delete_user(NULL);
SELECT neon_auth_admin.delete_user('a/b');

SELECT neon_auth_admin.create_user('ada@example.com', '');
SELECT neon_auth_admin.create_user('ada@example.com', repeat('é', 256));

-- What cannot be seen is named, and so is the row that fails, in DETAIL alone: its address, escaped and cut. What
-- is no address may be something else in its place.
SELECT code, message, detail
FROM unnest(ARRAY[E'\ufeffada@example.com', E'ada@exam\u200bple.com', 'ada@example.com ', E'ada@example.com\r',
    'ada@', 'napi_1', repeat('a', 300) || '@example.com']) AS address,
    test.failure(format('SELECT neon_auth_admin.create_user(%L)', address));
SELECT neon_auth_admin.create_user(address, name => repeat('n', 256))
FROM (VALUES ('grace"@example.com')) AS new(address);

-- The longest that are allowed, and any id that cannot change the path, are sent.

ALTER SERVER users OPTIONS (SET project_id 'test-users');
SELECT length(email), char_length(name)
FROM neon_auth_admin.create_user(repeat('a', 244) || '@example.com', repeat('é', 255));
SELECT id, failure.code, failure.message
FROM unnest(ARRAY[$$'a'$$, $$'-_'$$, $$'AZaz09'$$, $$repeat('a', 128)$$]) AS id,
    test.failure(format('SELECT neon_auth_admin.delete_user(%s)', id)) AS failure;

-- The server's own limits may be other ones: its message is in the detail.

ALTER SERVER users OPTIONS (SET project_id 'fault-400--users');
\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.create_user(''ada@example.com'', ''Ada'')');
\x off

DROP TABLE test.users;
ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER users CASCADE;
