-- The settings of a branch: e-mail and password, localhost, the name, plugins, webhooks.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER branch_settings FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-branch-settings', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'branch_settings');
ALTER ROLE app_owner SET neon_auth_admin.server = 'branch_settings';
\c - app_owner

-- E-mail and password: NULL leaves a field as it is, here and below.

\x on
SELECT * FROM neon_auth_admin.get_email_and_password();
SELECT * FROM neon_auth_admin.update_email_and_password(disable_sign_up => true);
SELECT * FROM neon_auth_admin.update_email_and_password(
    enabled => true, email_verification_method => 'link', require_email_verification => true,
    auto_sign_in_after_verification => false, send_verification_email_on_sign_up => true,
    send_verification_email_on_sign_in => true, disable_sign_up => false, server => 'branch_settings');
SELECT * FROM neon_auth_admin.update_email_and_password(email_verification_method => 'otp');
SELECT * FROM neon_auth_admin.get_email_and_password('branch_settings');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_email_and_password(email_verification_method => ''carrier pigeon'')');
\x off

-- Localhost, and the name that people see.

SELECT neon_auth_admin.get_allow_localhost();
SELECT neon_auth_admin.update_allow_localhost(false);
SELECT neon_auth_admin.get_allow_localhost(server => 'branch_settings');
SELECT name FROM neon_auth_admin.get_integration();
SELECT neon_auth_admin.update_config('Example "Ω"');
SELECT name FROM neon_auth_admin.get_integration();

-- Plugins.

SELECT * FROM neon_auth_admin.update_organization(organization_limit => 3);
SELECT * FROM neon_auth_admin.update_organization(false, 5, 50, 'admin', true, 'branch_settings');
SELECT * FROM neon_auth_admin.update_organization(enabled => true);
SELECT * FROM neon_auth_admin.update_magic_link(enabled => true);
SELECT * FROM neon_auth_admin.update_magic_link(expires_in => 1440, disable_sign_up => true, server => 'branch_settings');
SELECT * FROM neon_auth_admin.get_phone_number();
SELECT * FROM neon_auth_admin.update_phone_number(otp_expires_in => 60);
SELECT * FROM neon_auth_admin.update_phone_number(true, server => 'branch_settings');
SELECT * FROM neon_auth_admin.get_phone_number();

-- Everything at once, each part as the API has it. Secrets are masked.

SELECT type FROM neon_auth_admin.add_oauth_provider('vercel', 'vercel-id', 'vercel-secret');
SELECT type FROM neon_auth_admin.update_email_server(
    'standard', 'smtp.example.com', 587, 'mailer', 's3cret', 'no-reply@example.com', 'Example');
\x on
SELECT * FROM neon_auth_admin.get_plugins();
SELECT oauth_providers FROM neon_auth_admin.get_plugins(show_secrets => true, server => 'branch_settings');
SELECT * FROM test.failure('SELECT neon_auth_admin.get_plugins(show_secrets => NULL)');
SELECT organization ->> 'creator_role' AS creator_role, (magic_link -> 'expires_in')::integer AS minutes,
    pg_typeof(phone_number) AS type
FROM neon_auth_admin.get_plugins();

-- Webhooks: events are an array.

SELECT * FROM neon_auth_admin.get_webhooks();
SELECT * FROM neon_auth_admin.update_webhooks(
    enabled => true, webhook_url => 'https://hooks.example.com/neon', enabled_events => '{user.created,send.otp}',
    timeout_seconds => 10, server => 'branch_settings');
SELECT * FROM neon_auth_admin.update_webhooks(timeout_seconds => 3);
SELECT * FROM neon_auth_admin.update_webhooks(enabled => false);
SELECT * FROM neon_auth_admin.update_webhooks(enabled_events => ARRAY(
    SELECT unnest(enabled_events) FROM neon_auth_admin.get_webhooks() UNION SELECT 'user.before_create' ORDER BY 1));
SELECT * FROM neon_auth_admin.update_webhooks(enabled_events => '{}');
SELECT * FROM neon_auth_admin.get_webhooks('branch_settings');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_webhooks(enabled_events => ''{user.promoted}'')');
SELECT * FROM neon_auth_admin.get_webhooks();

-- A branch without an integration has no settings, and one that does not exist neither.

ALTER SERVER branch_settings OPTIONS (SET branch_id 'br-empty-1');
SELECT * FROM test.failure('SELECT neon_auth_admin.get_email_and_password()');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_config(''Example'')');
\x off
SELECT call, failure.code, failure.message
FROM unnest(ARRAY[
    'get_allow_localhost()', 'update_allow_localhost(true)', 'get_plugins()', 'update_organization(true)',
    'update_magic_link(true)', 'get_phone_number()', 'update_phone_number(true)', 'get_webhooks()'
]) AS call,
    test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;
\x on
ALTER SERVER branch_settings OPTIONS (SET branch_id 'br-missing-1');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_webhooks(enabled => true)');
\x off

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER branch_settings OPTIONS (SET project_id 'fault-500--branch-settings', SET branch_id 'br-main-000001');

SELECT call, failure.code, failure.message, failure.detail, failure.hint
FROM unnest(ARRAY[
    $$update_email_and_password()$$, $$update_allow_localhost(NULL)$$, $$update_config(repeat('é', 257))$$,
    $$update_organization()$$, $$update_organization(organization_limit => 0)$$,
    $$update_organization(membership_limit => -1)$$, $$update_organization(creator_role => '')$$,
    $$update_magic_link()$$, $$update_magic_link(expires_in => 4)$$, $$update_magic_link(expires_in => 1441)$$,
    $$update_phone_number()$$, $$update_phone_number(otp_expires_in => 59)$$, $$update_phone_number(otp_expires_in => 601)$$,
    $$update_webhooks()$$, $$update_webhooks(webhook_url => 'hooks.example.com')$$,
    $$update_webhooks(enabled_events => ARRAY['user.created', NULL])$$, $$update_webhooks(enabled_events => '{""}')$$,
    $$update_webhooks(timeout_seconds => 0)$$, $$update_webhooks(timeout_seconds => 11)$$
]) AS call,
    test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER branch_settings CASCADE;
