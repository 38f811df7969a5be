-- Redirect domains: list, add, delete one, delete several.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER domains FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-domains', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'domains');
ALTER ROLE app_owner SET neon_auth_admin.server = 'domains';
\c - app_owner

SELECT * FROM neon_auth_admin.list_domains();
SELECT neon_auth_admin.add_domain('https://app.example.com');
SELECT neon_auth_admin.add_domain('http://localhost:3000', server => 'domains');
SELECT neon_auth_admin.add_domain(domain) FROM (VALUES ('https://a.example.com'), ('myapp://callback'), ('https://b.example.com/x?y=z')) AS new(domain);
SELECT * FROM neon_auth_admin.list_domains();

-- Rows of the API and of a table.
CREATE TEMPORARY TABLE wanted (domain text PRIMARY KEY);
INSERT INTO wanted VALUES ('https://app.example.com'), ('https://new.example.com');
SELECT domain, wanted.domain IS NOT NULL AS wanted, listed.domain IS NOT NULL AS there
FROM wanted FULL JOIN neon_auth_admin.list_domains() AS listed USING (domain)
ORDER BY domain COLLATE "C";
SELECT count(neon_auth_admin.add_domain(domain))
FROM (SELECT domain FROM wanted EXCEPT SELECT domain FROM neon_auth_admin.list_domains()) AS missing;
SELECT count(*) FROM wanted NATURAL JOIN neon_auth_admin.list_domains();

-- Neon has no error for domains that are not there; a notice says so.
SELECT neon_auth_admin.delete_domain('http://localhost:3000');
SELECT neon_auth_admin.delete_domain('http://localhost:3000', server => 'domains');
SELECT neon_auth_admin.delete_domains(ARRAY['https://a.example.com', 'myapp://callback', 'https://never.example.com']);
SELECT domain FROM neon_auth_admin.list_domains();
SELECT neon_auth_admin.delete_domains(array_agg(domain), 'domains') FROM neon_auth_admin.list_domains();
SELECT * FROM neon_auth_admin.list_domains();

-- Every URI is sent, whatever comes after its scheme; and whatever is listed can be deleted.
SELECT neon_auth_admin.add_domain(domain)
FROM (VALUES ('myapp://'), ('com.example.app:/callback'), ('localhost:3000')) AS new(domain);
SELECT neon_auth_admin.delete_domain('myapp:///');
SELECT neon_auth_admin.delete_domain(domain) FROM neon_auth_admin.list_domains();
SELECT neon_auth_admin.delete_domain('no URI, and not there');
SELECT count(*) FROM neon_auth_admin.list_domains();

-- What Neon refuses.

SELECT neon_auth_admin.add_domain('https://app.example.com');
\set VERBOSITY terse
SELECT neon_auth_admin.add_domain('https://app.example.com');
\set VERBOSITY default
\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.add_domain(''https://app.example.com'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.add_domain(''https://['')');
\x off

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER domains OPTIONS (SET project_id 'fault-500--domains');

SELECT neon_auth_admin.add_domain(NULL);
SELECT neon_auth_admin.add_domain('app.example.com');
SELECT neon_auth_admin.delete_domain('');
SELECT neon_auth_admin.delete_domains('{}');
SELECT neon_auth_admin.delete_domains(ARRAY['https://app.example.com', NULL]);
SELECT neon_auth_admin.delete_domains(ARRAY[['https://app.example.com'], ['']]);

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER domains CASCADE;
