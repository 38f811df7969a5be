-- The email server of a branch: get, update, and the two ways to try one out.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER branch_email FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-branch-email', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'branch_email');
ALTER ROLE app_owner SET neon_auth_admin.server = 'branch_email';
\c - app_owner

-- Neon's own, with or without a sender.

SELECT * FROM neon_auth_admin.get_email_server();
SELECT * FROM neon_auth_admin.update_email_server('shared', sender_email => 'no-reply@example.com', sender_name => 'Example');
SELECT * FROM neon_auth_admin.test_email_server('ada@example.com');

-- One's own. Neon does not give the password back at this level.

SELECT * FROM neon_auth_admin.update_email_server(
    type => 'standard', host => 'smtp.example.com', port => 587, username => 'mailer', password => 's3cret',
    sender_email => 'no-reply@example.com', sender_name => 'Example "Ω"', server => 'branch_email');
SELECT * FROM neon_auth_admin.get_email_server(show_secrets => true, server => 'branch_email');

-- NULL leaves a field as it is, also the password.

SELECT * FROM neon_auth_admin.update_email_server('standard', port => 2525);
SELECT * FROM neon_auth_admin.update_email_server('standard', password => 'other', sender_name => 'Other');
SELECT * FROM neon_auth_admin.update_email_server('standard');
SELECT * FROM neon_auth_admin.get_email_server();

-- A test e-mail: that it fails is an answer and no error.

SELECT * FROM neon_auth_admin.test_email_server('ada@example.com', server => 'branch_email');
SELECT * FROM neon_auth_admin.test_email_server('fail@example.com');
SELECT * FROM neon_auth_admin.send_test_email(
    'ada@example.com', 'smtp.example.com', 587, 'mailer', 's3cret', 'no-reply@example.com', 'Example');
SELECT * FROM neon_auth_admin.send_test_email(
    recipient_email => 'ada@example.com', host => 'smtp.fail.example', port => 587, username => 'mailer',
    password => 's3cret', sender_email => 'no-reply@example.com', sender_name => 'Example', server => 'branch_email');
-- A mail server that repeats the password.
SELECT * FROM neon_auth_admin.send_test_email(
    'ada@example.com', 'smtp.refuse.example', 587, 'mailer', 's3cret', 'no-reply@example.com', 'Example');
SELECT * FROM neon_auth_admin.update_email_server('standard', host => 'smtp.fail.example');
SELECT * FROM neon_auth_admin.test_email_server('ada@example.com');

-- What Neon refuses: a server of one's own needs all fields at first. A password that an answer
-- repeats is blanked out.

SELECT * FROM neon_auth_admin.update_email_server('shared');
\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.update_email_server(''standard'', port => 25)');
ALTER SERVER branch_email OPTIONS (SET project_id 'fault-echo--branch-email');
SELECT * FROM test.failure($$
    SELECT neon_auth_admin.send_test_email(
        'ada@example.com', 'smtp.example.com', 587, 'mailer', 'p4ss"w\ord', 'no-reply@example.com', 'Example')
$$);
ALTER SERVER branch_email OPTIONS (SET project_id 'test-branch-email', SET branch_id 'br-empty-1');
SELECT * FROM test.failure('SELECT neon_auth_admin.test_email_server(''ada@example.com'')');
\x off

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER branch_email OPTIONS (SET project_id 'fault-500--branch-email', SET branch_id 'br-main-000001');

-- Stack Auth keeps no field that is left out.
ALTER SERVER branch_email OPTIONS (ADD auth_provider 'stack');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_email_server(''standard'', port => 2525)');
ALTER SERVER branch_email OPTIONS (DROP auth_provider);

SELECT call, failure.code, failure.message, failure.detail
FROM unnest(ARRAY[
    $$update_email_server('smtp')$$, $$update_email_server('shared', port => 25)$$,
    $$update_email_server('standard', port => 0)$$, $$update_email_server('standard', password => '********')$$,
    $$test_email_server('ada')$$,
    $$send_test_email('ada@example.com', 'smtp.example.com', 587, 'mailer', 's3cret', 'no-reply@example.com', NULL)$$
]) AS call,
    test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER branch_email CASCADE;
