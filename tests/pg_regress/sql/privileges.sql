-- Who may call what, as whom, and who can see a key.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER shop FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-privileges', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'shop');

-- Without a grant nothing can be called, made or stored, but what the manual reads, which sends nothing.

\c - stranger
SELECT * FROM neon_auth_admin.list_domains('shop');
\c - postgres
SELECT proname FROM pg_proc
WHERE pronamespace = 'neon_auth_admin'::regnamespace AND has_function_privilege('stranger', oid, 'EXECUTE');
SET SESSION AUTHORIZATION stranger;
SELECT neon_auth_admin.set_api_key('napi_1', 'shop');
CREATE SERVER mine FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-privileges');
CREATE USER MAPPING FOR stranger SERVER shop OPTIONS (api_key 'napi_1');
ALTER SERVER shop OPTIONS (SET api_url 'https://evil.example');
RESET SESSION AUTHORIZATION;

-- The owner of the database, who installed the extension and is no superuser, grants what he has.

\c - app_owner
GRANT USAGE ON SCHEMA neon_auth_admin TO app, stranger;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO app, stranger;
GRANT USAGE ON FOREIGN SERVER shop TO app;

-- EXECUTE without USAGE on the server.

\c - stranger
SELECT * FROM neon_auth_admin.list_domains('shop');
SELECT neon_auth_admin.create_user('ada@example.com', server => 'shop');
SELECT neon_auth_admin.set_api_key('napi_1', 'shop');

-- USAGE without a key.

\c - app
SELECT * FROM neon_auth_admin.list_domains('shop');

-- With a key of its own a role does everything.

SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'shop');
SELECT email FROM neon_auth_admin.create_user('app@example.com', server => 'shop');
SELECT id FROM neon_auth_admin.add_oauth_provider('google', 'id', 'secret', server => 'shop');
SELECT neon_auth_admin.add_domain('https://app.example.com', 'shop');
SELECT sender_name FROM neon_auth_admin.update_email_server('shared', sender_name => 'App', server => 'shop');
SELECT db_name FROM neon_auth_admin.get_integration('shop');
-- But it stores none for others, and changes no server.
SELECT neon_auth_admin.set_api_key('napi_1', 'shop', role => 'app_owner');
SELECT neon_auth_admin.set_api_key('napi_1', 'shop', role => 'public');
ALTER SERVER shop OPTIONS (SET api_url 'https://evil.example');

-- A role sees its own key sealed, a superuser every one so, and nobody else any, the server's owner
-- included. The key itself is nowhere.

\c - postgres
CREATE FUNCTION test.keys_in_sight() RETURNS TABLE (place text, who text, what text)
LANGUAGE sql
AS $$
    SELECT place, who, CASE WHEN position(current_setting('test.api_key') IN text) > 0 THEN 'the key' ELSE 'sealed' END
    FROM (
        SELECT 'pg_user_mappings', usename::text, umoptions::text FROM pg_user_mappings WHERE srvname = 'shop'
        UNION ALL SELECT 'information_schema', authorization_identifier, option_value
            FROM information_schema.user_mapping_options WHERE foreign_server_name = 'shop'
        UNION ALL SELECT 'pg_foreign_server', srvname, srvoptions::text FROM pg_foreign_server
        UNION ALL SELECT 'pg_settings', name, concat(setting, boot_val, reset_val) FROM pg_settings
        UNION ALL SELECT 'pg_stat_activity', application_name, query FROM pg_stat_activity
            WHERE pid <> pg_backend_pid()
    ) AS seen (place, who, text)
    WHERE position(current_setting('test.api_key') IN text) > 0 OR text ~ '(^|=)sealed:v1:'
    ORDER BY 1, 2
$$;
SET SESSION AUTHORIZATION stranger;
SELECT * FROM test.keys_in_sight();
SELECT usename, umoptions FROM pg_user_mappings WHERE srvname = 'shop' ORDER BY usename COLLATE "C";
SELECT umoptions FROM pg_user_mapping;
SET SESSION AUTHORIZATION app;
SELECT * FROM test.keys_in_sight();
SET SESSION AUTHORIZATION app_owner;
SELECT * FROM test.keys_in_sight();
RESET SESSION AUTHORIZATION;
SELECT * FROM test.keys_in_sight();

-- A SECURITY DEFINER function lends a key without showing it.

\c - app_owner
CREATE FUNCTION test.invite(email text) RETURNS text
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT email FROM neon_auth_admin.create_user(email, server => 'shop') $$;
\c - stranger
SELECT test.invite('invited@example.com');
SELECT neon_auth_admin.create_user('other@example.com', server => 'shop');

-- The key is that of the role in effect, call by call.

\c - postgres
GRANT app, stranger TO app_owner;
\c - app_owner
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
SET ROLE stranger;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
SET ROLE app;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
DROP USER MAPPING FOR app SERVER shop;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
RESET ROLE;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
\c - postgres
REVOKE app, stranger FROM app_owner;
-- A superuser has no key unless he is given one.
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'shop');
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
SELECT email FROM neon_auth_admin.create_user('postgres@example.com', server => 'shop');
SET SESSION AUTHORIZATION app;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');

-- What is revoked is gone at once.

\c - app_owner
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'shop', role => 'app');
\c - app
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
\c - app_owner
REVOKE USAGE ON FOREIGN SERVER shop FROM app;
\c - app
SELECT count(*) FROM neon_auth_admin.list_domains('shop');

-- Where a key may go is out of reach: once the library is loaded, and before.

SET neon_auth_admin.allowed_hosts = 'evil.example';
SET neon_auth_admin.ca_file = '/tmp/evil.pem';
SET neon_auth_admin.proxy = 'http://evil.example:3128';
-- Everybody sees every setting, so none is a secret.
SELECT name FROM pg_settings WHERE name LIKE 'neon\_auth\_admin.%' ORDER BY name COLLATE "C";

\c - app_owner
SET client_min_messages = error;
SET neon_auth_admin.allowed_hosts = 'evil.example';
SET neon_auth_admin.ca_file = '/tmp/evil.pem';
SET neon_auth_admin.proxy = 'http://evil.example:3128';
RESET client_min_messages;
SELECT count(*) FROM neon_auth_admin.list_domains('shop');
SELECT current_setting('neon_auth_admin.allowed_hosts') LIKE '%evil%' AS points_elsewhere;

ALTER ROLE app_owner SET neon_auth_admin.allowed_hosts = 'evil.example';
ALTER ROLE app_owner SET neon_auth_admin.proxy = 'http://evil.example:3128';
ALTER DATABASE regress SET neon_auth_admin.ca_file = '/tmp/evil.pem';

-- Clean up.

\c - app_owner
SET client_min_messages = warning;
DROP FUNCTION test.invite;
DROP SERVER shop CASCADE;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin FROM app, stranger;
REVOKE USAGE ON SCHEMA neon_auth_admin FROM app, stranger;
\c - postgres
DROP FUNCTION test.keys_in_sight;
SELECT nspacl FROM pg_namespace WHERE nspname = 'neon_auth_admin';
SELECT fdwacl FROM pg_foreign_data_wrapper WHERE fdwname = 'neon_auth_admin';
