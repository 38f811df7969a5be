-- A tour of neon_auth_admin, as the owner of the database, who is no superuser.
CREATE EXTENSION neon_auth_admin;

-- Where: a foreign server. Its api_url is the simulator here; without that option it is Neon.
\set project `printenv NEON_PROJECT_ID`
\set url `printenv NEON_SIMULATOR_URL`
CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id :'project', api_url :'url');

-- As whom: an API key in the user mapping of this role.
\set key `printenv NEON_API_KEY`
SELECT neon_auth_admin.set_api_key(:'key');

-- Users: created at Neon, and a moment later in this database.
SELECT * FROM neon_auth_admin.create_user('ada@example.com', 'Ada Lovelace') \gset
SELECT * FROM neon_auth_admin.wait_for_user(:'id');

-- Several users from local rows: a call for each row, and each user when it has arrived.
CREATE TABLE invitations (email text, name text);
INSERT INTO invitations
    VALUES ('grace@example.com', 'Grace Hopper'), ('alan@example.com', 'Alan Turing');
CREATE TEMP TABLE invited AS
    SELECT created.* FROM invitations AS i, neon_auth_admin.create_user(i.email, i.name) AS created;
SELECT invited.email, arrived.created_at::timestamp(0) AS arrived
    FROM invited, neon_auth_admin.wait_for_user(invited.id) AS arrived;
SELECT email, name FROM neon_auth_admin.list_users() ORDER BY email;

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

-- The email server.
SELECT * FROM neon_auth_admin.get_email_server();
SELECT type, host, port, username, password FROM neon_auth_admin.update_email_server(
    'standard', 'smtp.example.com', 587, 'mailer', 'demo-password',
    sender_email => 'noreply@example.com', sender_name => 'Example');

-- Errors have an SQLSTATE, and a hint when there is something to do.
\set ON_ERROR_STOP off
SELECT * FROM neon_auth_admin.create_user('ada@example.com');
\echo SQLSTATE :LAST_ERROR_SQLSTATE
SELECT * FROM neon_auth_admin.update_oauth_provider('microsoft', client_secret => '********');
\set ON_ERROR_STOP on
