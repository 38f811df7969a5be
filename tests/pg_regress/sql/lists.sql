-- Projects and branches: how their ids are found with nothing but a key.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER lists FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'lists');
ALTER ROLE app_owner SET neon_auth_admin.server = 'lists';
\c - app_owner

SELECT * FROM neon_auth_admin.list_projects('org-quiet-forest-123456');
SELECT id, name FROM neon_auth_admin.list_projects('org-quiet-forest-123456', search => 'staging');
SELECT * FROM neon_auth_admin.list_projects('org-quiet-forest-123456', 'nowhere', server => 'lists');
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_branches()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_domains()');
\x off
ALTER SERVER lists OPTIONS (ADD project_id 'test-lists', ADD branch_id 'br-gone-1');
SELECT * FROM neon_auth_admin.list_branches();
SELECT id, is_default FROM neon_auth_admin.list_branches('preview/');
SELECT count(*) FROM neon_auth_admin.list_branches(search => 'nowhere', server => 'lists');

-- In either shape: several pages, none, an empty one, one that names itself as the next, and one that does
-- not come.

SELECT count(*), count(DISTINCT id), min(name), max(created_at) FROM neon_auth_admin.list_projects('org-projects-120');
SELECT count(*) FROM neon_auth_admin.list_projects('org-projects-0');
SELECT count(*) FROM neon_auth_admin.list_projects('fault-pages-empty--projects-120');
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects(''fault-pages-same--projects-120'')');
ALTER SERVER lists OPTIONS (ADD timeout '3s');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects(''fault-pages-silent--projects-120'')');
ALTER SERVER lists OPTIONS (SET project_id 'fault-pages-silent--branches-120');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_branches()');
ALTER SERVER lists OPTIONS (DROP timeout, SET project_id 'fault-pages-same--branches-120');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_branches()');
\x off
ALTER SERVER lists OPTIONS (SET project_id 'fault-pages-empty--branches-120');
SELECT count(*) FROM neon_auth_admin.list_branches();
ALTER SERVER lists OPTIONS (SET project_id 'test-branches-0');
SELECT count(*) FROM neon_auth_admin.list_branches();
ALTER SERVER lists OPTIONS (SET project_id 'test-branches-120');
SELECT count(*), count(DISTINCT id), min(name), max(created_at) FROM neon_auth_admin.list_branches();
BEGIN READ ONLY;
SELECT count(*) FROM neon_auth_admin.list_branches('branch 11');
COMMIT;

-- A personal key needs an organization, the key of one needs none, that of a project lists no projects, and
-- one that was stored for a project is not used for more.

\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects(''org-missing-1'')');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects(''org/1'')');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects(search => '''')');
\x off
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key') || '_org') \g /dev/null
SELECT id, org_id FROM neon_auth_admin.list_projects();
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key') || '_project') \g /dev/null
SELECT count(*) FROM neon_auth_admin.list_branches();
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects()');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), project_id => 'test-branches-120') \g /dev/null
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_projects(''org-quiet-forest-123456'')');
\x off
SELECT count(*) FROM neon_auth_admin.list_branches();
ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER lists CASCADE;
