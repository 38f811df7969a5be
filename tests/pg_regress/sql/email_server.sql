-- The email server: get and update.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER email FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-email', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'email');
ALTER ROLE app_owner SET neon_auth_admin.server = 'email';
\c - app_owner

-- Neon's own, with or without a sender.

SELECT * FROM neon_auth_admin.get_email_server();
SELECT * FROM neon_auth_admin.update_email_server('shared', sender_email => 'no-reply@example.com', sender_name => 'Example');
SELECT * FROM neon_auth_admin.update_email_server('shared', sender_name => 'Example', server => 'email');
SELECT * FROM neon_auth_admin.update_email_server('shared');

-- One's own. The password is shown only to who asks for it, and by a writer never.

SELECT * FROM neon_auth_admin.update_email_server(
    type => 'standard', host => 'smtp.example.com', port => 587, username => 'mailer', password => 's3cret',
    sender_email => 'no-reply@example.com', sender_name => 'Example "Ω"', server => 'email');
SELECT * FROM neon_auth_admin.get_email_server();
SELECT * FROM neon_auth_admin.get_email_server(show_secrets => true, server => 'email');
SELECT password FROM neon_auth_admin.update_email_server(
    'standard', 'smtp.example.com', 65535, 'mailer', 'other', 'no-reply@example.com', 'Example');
SELECT password FROM neon_auth_admin.get_email_server(true);
SELECT password FROM neon_auth_admin.get_email_server(false);
SELECT password FROM neon_auth_admin.get_email_server(NULL);

-- What was shown in place of a password is not taken for one.

SELECT * FROM neon_auth_admin.update_email_server(
    'standard', 'smtp.example.com', 25, 'mailer', '********', 'no-reply@example.com', 'Example');
SELECT updated.*
FROM neon_auth_admin.get_email_server() AS old, neon_auth_admin.update_email_server(
    'standard', old.host, 25, old.username, old.password, old.sender_email, old.sender_name) AS updated;
SELECT port FROM neon_auth_admin.get_email_server();

-- What Neon refuses: the password that its answer repeats is blanked out.

ALTER SERVER email OPTIONS (SET project_id 'fault-echo--email');
\x on
SELECT * FROM test.failure($$
    SELECT neon_auth_admin.update_email_server(
        'standard', 'smtp.example.com', 587, 'mailer', 'p4ss"w\ord', 'no-reply@example.com', 'Example')
$$);
ALTER SERVER email OPTIONS (SET project_id 'test-empty-email');
SELECT * FROM test.failure('SELECT neon_auth_admin.get_email_server()');
\x off

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER email OPTIONS (SET project_id 'fault-500--email');

SELECT neon_auth_admin.update_email_server(NULL);
SELECT neon_auth_admin.update_email_server('smtp');
SELECT neon_auth_admin.update_email_server('standard', 'smtp.example.com', 587);
SELECT neon_auth_admin.update_email_server('shared', host => 'smtp.example.com');

-- Type standard needs each field.
SELECT arguments, failure.code, failure.message, failure.detail
FROM unnest(ARRAY[
    $$NULL, 587, 'mailer', 's3cret', 'no-reply@example.com', 'Example'$$,
    $$'smtp.example.com', NULL, 'mailer', 's3cret', 'no-reply@example.com', 'Example'$$,
    $$'smtp.example.com', 587, NULL, 's3cret', 'no-reply@example.com', 'Example'$$,
    $$'smtp.example.com', 587, 'mailer', NULL, 'no-reply@example.com', 'Example'$$,
    $$'smtp.example.com', 587, 'mailer', 's3cret', NULL, 'Example'$$,
    $$'smtp.example.com', 587, 'mailer', 's3cret', 'no-reply@example.com', NULL$$,
    $$'smtp.example.com', 65536, 'mailer', 's3cret', 'no-reply@example.com', 'Example'$$
]) AS arguments,
    test.failure(format('SELECT neon_auth_admin.update_email_server(''standard'', %s)', arguments)) AS failure;

-- Type shared takes a sender at most.
SELECT arguments, failure.code, failure.message, failure.detail
FROM unnest(ARRAY[
    $$host => 'smtp.example.com'$$, $$port => 587$$, $$username => 'mailer'$$, $$password => 's3cret'$$
]) AS arguments,
    test.failure(format('SELECT neon_auth_admin.update_email_server(''shared'', %s)', arguments)) AS failure;

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER email CASCADE;
