-- What each level has: every function on a server of each, whose every request would be answered 500.
-- What a level lacks is said before anything is sent.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER branch FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'fault-500--branch', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'branch');
CREATE SERVER project FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'fault-500--project', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'project');

CREATE TEMPORARY TABLE calls (call text);
INSERT INTO calls VALUES
    ($$add_domain('https://app.example.com')$$),
    ($$add_oauth_provider('google')$$),
    ($$create_integration('br-main-000001')$$),
    ($$create_sdk_keys()$$),
    ($$create_user('ada@example.com')$$),
    ($$delete_domain('https://app.example.com')$$),
    ($$delete_domains('{https://app.example.com}')$$),
    ($$delete_integration()$$),
    ($$delete_oauth_provider('google')$$),
    ($$delete_user('u-1')$$),
    ($$get_allow_localhost()$$),
    ($$get_email_and_password()$$),
    ($$get_email_server()$$),
    ($$get_integration()$$),
    ($$get_phone_number()$$),
    ($$get_plugins()$$),
    ($$get_webhooks()$$),
    ($$list_domains()$$),
    ($$list_integrations()$$),
    ($$list_oauth_providers()$$),
    ($$send_test_email('ada@example.com', 'smtp.example.com', 587, 'mailer', 's3cret', 'no-reply@example.com', 'Example')$$),
    ($$set_user_roles('u-1', '{admin}')$$),
    ($$test_email_server('ada@example.com')$$),
    ($$transfer_ownership()$$),
    ($$update_allow_localhost(true)$$),
    ($$update_config('Example')$$),
    ($$update_email_and_password(enabled => true)$$),
    ($$update_email_server('shared')$$),
    ($$update_magic_link(enabled => true)$$),
    ($$update_oauth_provider('google', 'google-id')$$),
    ($$update_organization(enabled => true)$$),
    ($$update_phone_number(enabled => true)$$),
    ($$update_webhooks(enabled => true)$$);

CREATE FUNCTION test.failures(server text) RETURNS TABLE (function text, code text, message text, detail text, hint text)
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY SELECT split_part(call, '(', 1), failure.*
        FROM calls, LATERAL (
            SELECT CASE WHEN call LIKE '%()' THEN '' ELSE ', ' END || format('server => %L)', server)
        ) AS naming (ending),
        test.failure('SELECT neon_auth_admin.' || left(call, -1) || ending) AS failure;
END
$$;

SELECT project.function, project.code AS project_level, branch.code AS branch_level
FROM test.failures('project') AS project JOIN test.failures('branch') AS branch USING (function)
ORDER BY function COLLATE "C";
SELECT DISTINCT replace(message, function, '<function>') AS message, detail, hint FROM test.failures('project') WHERE code = '0A000';
SELECT DISTINCT replace(message, function, '<function>') AS message, detail, hint FROM test.failures('branch') WHERE code = '0A000';

-- No function that Neon is needed for is missing in this list; check_connection raises nothing.
SELECT proname FROM pg_proc
WHERE pronamespace = 'neon_auth_admin'::regnamespace
    AND proname NOT IN ('set_api_key', 'list_users', 'wait_for_user', 'check_connection')
    AND proname NOT IN (SELECT split_part(call, '(', 1) FROM calls);

DROP FUNCTION test.failures;
SET client_min_messages = warning;
DROP SERVER branch CASCADE;
DROP SERVER project CASCADE;
