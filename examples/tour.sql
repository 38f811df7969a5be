-- A tour of neon_auth_admin, as the owner of the database, who is not a superuser. For psql, whose commands
-- begin with a backslash. make demo runs it against a simulator of the Neon API, and sets the variables of the
-- environment that it reads: NEON_PROJECT_ID, NEON_BRANCH_ID, NEON_SIMULATOR_URL and NEON_API_KEY. It creates and
-- deletes users and changes settings, so do not point it at a project of your own; tour_real.sql only reads.
CREATE EXTENSION neon_auth_admin;

-- Where: a foreign server, for one branch. Its api_url is the simulator here; without that option
-- it is Neon.
\set project `printenv NEON_PROJECT_ID`
\set branch `printenv NEON_BRANCH_ID`
\set url `printenv NEON_SIMULATOR_URL`
CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id :'project', branch_id :'branch', api_url :'url');

-- As whom: an API key in the user mapping of this role.
\set key `printenv NEON_API_KEY`
SELECT neon_auth_admin.set_api_key(:'key');

-- Users: created at Neon, and a moment later in this database.
SELECT * FROM neon_auth_admin.create_user('ada@example.com', 'Ada Lovelace') \gset
SELECT * FROM neon_auth_admin.wait_for_user(:'id');

-- Several users from local rows: a call for each row that the query keeps, and then each user once it has
-- arrived. In FROM, beside a table, a function may be called for rows that are dropped afterwards; in a
-- SELECT list it is not.
CREATE TABLE invitations (id integer PRIMARY KEY, email text, name text);
INSERT INTO invitations
    VALUES (1, 'grace@example.com', 'Grace Hopper'), (2, 'alan@example.com', 'Alan Turing');
CREATE TEMP TABLE invited AS
    WITH created AS MATERIALIZED (
        SELECT id, neon_auth_admin.create_user(email, name) AS u FROM invitations
    )
    SELECT id AS invitation_id, (u).id AS user_id FROM created;
WITH arrived AS MATERIALIZED (SELECT neon_auth_admin.wait_for_user(user_id) AS u FROM invited)
SELECT (u).email, (u).created_at::timestamp(0) AS arrived FROM arrived;

-- Roles, and the users of this database.
SELECT neon_auth_admin.set_user_roles(user_id, '{admin}') FROM invited WHERE invitation_id = 1;
SELECT pg_sleep(1) \g /dev/null
SELECT email, name, role FROM neon_auth_admin.list_users() ORDER BY email;

-- The same as views, for tools that only know tables: each row that is written is a call.
INSERT INTO neon_auth_admin.users (email, name) VALUES ('emmy@example.com', 'Emmy Noether') RETURNING id, email, name;
UPDATE neon_auth_admin.users SET role = 'admin, user' WHERE email = 'alan@example.com' RETURNING email, role;

-- OAuth providers: secrets are masked.
SELECT * FROM neon_auth_admin.add_oauth_provider(
    'microsoft', 'demo-client', 'demo-secret', microsoft_tenant_id => 'demo-tenant');
SELECT * FROM neon_auth_admin.list_oauth_providers();

-- Neon's configuration against what this database expects of it.
CREATE TABLE expected_providers (id text, type text);
INSERT INTO expected_providers
    VALUES ('github', 'standard'), ('google', 'shared'), ('vercel', 'standard');
SELECT id, expected.type AS expected, actual.type AS actual
    FROM expected_providers AS expected
    FULL JOIN neon_auth_admin.list_oauth_providers() AS actual USING (id)
    WHERE expected.type IS DISTINCT FROM actual.type ORDER BY id;

-- Redirect domains.
SELECT neon_auth_admin.add_domain('https://app.example.com');
SELECT * FROM neon_auth_admin.list_domains();

-- The email server, first all of it and then one field, and a test e-mail through it.
SELECT type, host, port, username, password FROM neon_auth_admin.update_email_server(
    'standard', 'smtp.example.com', 587, 'mailer', 'demo-password',
    sender_email => 'noreply@example.com', sender_name => 'Example');
SELECT type, host, port, username FROM neon_auth_admin.update_email_server('standard', port => 2525);
SELECT * FROM neon_auth_admin.test_email_server('ops@example.com');

-- How people sign in, and plugins: what is not named stays as it is.
SELECT enabled, email_verification_method, require_email_verification
    FROM neon_auth_admin.update_email_and_password(require_email_verification => true);
SELECT * FROM neon_auth_admin.update_magic_link(enabled => true, expires_in => 15);
SELECT organization, magic_link, allow_localhost FROM neon_auth_admin.get_plugins() \gx

-- The configuration as a document: what differs, making it so, and nothing that is left to do.
\set configuration '{"name": "Demo", "domains": ["https://App.example.com/", "https://admin.example.com"], "allow_localhost": false, "magic_link": {"enabled": true}}'
SELECT step, action, object, field, current, wanted FROM neon_auth_admin.plan(:'configuration');
SELECT step, action, object FROM neon_auth_admin.apply(:'configuration');
SELECT * FROM neon_auth_admin.plan(:'configuration');

-- A table and its users: what its rows need is called after COMMIT, with the key of the table's owner.
SET neon_auth_admin.queue_linger = -1; -- by no worker: it is called when this tour says so
CREATE TABLE members (id int PRIMARY KEY, email text, auth_user_id text);
CREATE UNIQUE INDEX ON members (lower(email)); -- to Neon, upper and lower case are the same
CREATE TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON members
    FOR EACH ROW EXECUTE FUNCTION neon_auth_admin.sync_user('email', '', 'auth_user_id');
INSERT INTO members VALUES (1, 'kay@example.com'), (2, 'lin@example.com');
CALL neon_auth_admin.run_queue();
DELETE FROM members WHERE id = 2;
CALL neon_auth_admin.run_queue();
SELECT operation, arguments, state FROM neon_auth_admin.queue ORDER BY id;
SELECT * FROM members;
RESET neon_auth_admin.queue_linger;

-- By a worker of the server's, after COMMIT. A call that failed is kept with its error, and is made again when that
-- is mended: here the address is somebody else's, who then goes.
SELECT neon_auth_admin.enqueue('create_user', '{"email": "alan@example.com", "name": "Alan Kay"}') AS call \gset
SELECT state, sqlstate, message FROM neon_auth_admin.wait_for_queued(:call);
SELECT neon_auth_admin.delete_user(user_id) FROM invited WHERE invitation_id = 2;
SELECT neon_auth_admin.retry_queued(:call);
SELECT state, attempts, result->>'name' AS name FROM neon_auth_admin.wait_for_queued(:call);
SELECT step, ok, detail FROM neon_auth_admin.check_connection() WHERE step = 'queue';

-- Webhooks.
SELECT * FROM neon_auth_admin.update_webhooks(true, 'https://app.example.com/hooks', '{user.created}');

-- Errors have an SQLSTATE, and a hint when there is something to do.
\set ON_ERROR_STOP off
SELECT * FROM neon_auth_admin.create_user('ada@example.com');
\echo SQLSTATE :LAST_ERROR_SQLSTATE
SELECT * FROM neon_auth_admin.update_oauth_provider('microsoft', client_secret => '********');
\set ON_ERROR_STOP on

-- A project on Stack Auth has no branch_id, users in another table, and SDK keys of its own.
CREATE SERVER stack FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id :'project', api_url :'url');
SELECT neon_auth_admin.set_api_key(:'key', server => 'stack') \g /dev/null
SELECT * FROM neon_auth_admin.create_user('mary@example.com', 'Mary Somerville', server => 'stack') \gset
SELECT email FROM neon_auth_admin.wait_for_user(:'id') \g /dev/null
SELECT id, email, name FROM neon_auth.users_sync WHERE deleted_at IS NULL;
SELECT auth_provider, pub_client_key FROM neon_auth_admin.create_sdk_keys(server => 'stack');

-- A level says so where it has no such operation; nothing is sent then.
\set ON_ERROR_STOP off
SELECT * FROM neon_auth_admin.get_webhooks(server => 'stack');
\set ON_ERROR_STOP on
