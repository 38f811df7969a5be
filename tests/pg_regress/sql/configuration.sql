-- The configuration as a document: plan, apply, export, at both levels.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER documents FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-documents', branch_id 'br-main-000001', api_url :'url');
CREATE SERVER documents_of_project FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-documents', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), server) FROM unnest('{documents,documents_of_project}'::text[]) AS server;
ALTER ROLE app_owner SET neon_auth_admin.server = 'documents';
\c - app_owner

-- Nothing is changed by a plan, and a second apply has nothing to do.

SELECT jsonb_pretty(neon_auth_admin.export_configuration());
\set document '{"name": "Example", "domains": ["https://app.example.com", "myapp://callback"], "allow_localhost": false, "oauth_providers": {"google": {"client_id": "id", "client_secret": "s3cret"}, "microsoft": {"client_id": "id", "client_secret": "s3cret", "microsoft_tenant_id": "common"}}, "email_server": {"type": "standard", "host": "smtp.example.com", "port": 587.0, "username": "", "password": "s3cret", "sender_email": "no-reply@example.com", "sender_name": "Example"}, "email_and_password": {"require_email_verification": true}, "organization": {"enabled": false}, "webhooks": {"enabled": true, "webhook_url": "https://hooks.example.com", "enabled_events": ["user.created"]}}'
SELECT * FROM neon_auth_admin.plan(:'document');
SELECT * FROM neon_auth_admin.apply(:'document', unmanaged => true);
SELECT * FROM neon_auth_admin.plan(:'document');
SELECT * FROM neon_auth_admin.apply(:'document');
SELECT * FROM neon_auth_admin.apply(:'document', resend => true);
SELECT jsonb_pretty(neon_auth_admin.export_configuration());
SELECT * FROM neon_auth_admin.plan(neon_auth_admin.export_configuration(), prune => '{domains,oauth_providers}');
SELECT * FROM neon_auth_admin.apply('{"domains": ["https://APP.example.com/"], "oauth_providers": {"google": {}}}', prune => '{domains}');
SELECT * FROM neon_auth_admin.apply('{"domains": ["https://APP.example.com/"], "oauth_providers": {"google": {"client_secret": "********"}}}', prune => '{domains,oauth_providers}');
SELECT * FROM neon_auth_admin.plan('{}');

-- The OAuth server keeps what its clients have until they have changed. Clients are not created.

SELECT * FROM neon_auth_admin.apply('{"oauth_server": {"enabled": true, "mcp": {"resource": "https://mcp.example.com"}, "resources": ["https://old.example.com"]}}');
SELECT client_id FROM neon_auth_admin.create_oauth_client('https://client.example.com/id', '{https://client.example.com/back}', 'public', '{https://old.example.com}');
\set document '{"oauth_server": {"resources": ["https://new.example.com"]}, "oauth_clients": {"https://client.example.com/id": {"name": "Client", "resources": ["https://new.example.com"]}}}'
SELECT * FROM neon_auth_admin.apply(:'document');
SELECT * FROM neon_auth_admin.apply(:'document');
SELECT name, value FROM jsonb_each(neon_auth_admin.export_configuration()) AS section (name, value) WHERE name LIKE 'oauth_%' ORDER BY name;
SELECT * FROM neon_auth_admin.plan('{"oauth_clients": {"nobody": {"disabled": true}}}');
SELECT * FROM neon_auth_admin.apply('{"oauth_clients": {}}', prune => '{oauth_clients}');

-- The project level has fewer sections; there, the email server is replaced as a whole.

SELECT jsonb_pretty(neon_auth_admin.export_configuration('documents_of_project'));
SELECT object, field, current, wanted FROM neon_auth_admin.plan(
    neon_auth_admin.export_configuration() - '{integration,oauth_providers,name,allow_localhost,email_and_password,organization,magic_link,phone_number,webhooks,oauth_server,oauth_clients}'::text[]
        #- '{email_server,password}' || '{"oauth_providers": {}}',
    unmanaged => true, server => 'documents_of_project');
SELECT object, field, current, wanted FROM neon_auth_admin.apply(
    '{"email_server": {"type": "shared", "sender_name": "Example"}}', server => 'documents_of_project');

-- What is wrong is named by its path, and no value is repeated.

\x on
SELECT document, failure.code, failure.message, failure.detail, failure.hint
FROM unnest(ARRAY[
    '[]', '{"domain": []}', '{"magic_link": {"enable": true}}', '{"domains": null}', '{"name": 5}',
    '{"domains": ["https://app.example.com", "https://App.example.com:443/"]}', '{"domains": ["app.example.com"]}',
    '{"oauth_providers": {"google": {"client_secret": 5}}}', '{"oauth_providers": {"vercel": {"client_secret": "********"}}}',
    '{"oauth_providers": {"vercel": {"client_id": "id", "client_secret": "********"}}}',
    '{"oauth_providers": {"google": {}}}', '{"integration": {"auth_provider": "stack"}}',
    '{"email_server": {"type": "shared", "host": "smtp.example.com"}}', '{"organization": {"creator_role": "king"}}'
]) AS document,
    test.failure(format('SELECT neon_auth_admin.plan(%L)', document)) AS failure;
SELECT call, failure.code, failure.message, failure.detail, failure.hint
FROM unnest(ARRAY[
    $$plan('{"name": "Example"}', server => 'documents_of_project')$$,
    $$plan('{"email_server": {"type": "standard", "host": "smtp.example.com"}}', server => 'documents_of_project')$$,
    $$apply('{"domains": []}', prune => '{domain}')$$, $$apply('{"domains": []}', prune => '{oauth_providers}')$$,
    $$apply(NULL)$$, $$apply('{}', unmanaged => NULL)$$, $$plan('{}', resend => NULL)$$
]) AS call,
    test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;

-- A failure says what was made and what was not tried.

SELECT * FROM test.failure(
    $$SELECT neon_auth_admin.apply('{"name": "Other", "oauth_providers": {"vercel": {}}, "webhooks": {"timeout_seconds": 3}}')$$);
SELECT object, field FROM neon_auth_admin.plan('{"name": "Other", "webhooks": {"timeout_seconds": 3}}');
\x off

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER documents, documents_of_project CASCADE;
