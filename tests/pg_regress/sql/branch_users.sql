-- Users of a branch: create, set roles, delete. Better Auth keeps them in neon_auth."user".

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER branch_users FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-branch-users', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'branch_users');
ALTER ROLE app_owner SET neon_auth_admin.server = 'branch_users';
\c - app_owner

CREATE TABLE test.branch_users AS SELECT * FROM neon_auth_admin.create_user('grace@example.com', 'Grace Hopper');
INSERT INTO test.branch_users SELECT * FROM neon_auth_admin.create_user('edsger@example.com', server => 'branch_users');
SELECT test.is_uuid(id), email, name FROM test.branch_users;
SELECT test.wait_for('SELECT count(*) = 2 FROM neon_auth."user" AS u JOIN test.branch_users AS b ON u.id::text = b.id');
SELECT u.email, u.name, u.role FROM neon_auth."user" AS u JOIN test.branch_users AS b ON u.id::text = b.id
ORDER BY u.email COLLATE "C";

-- Roles: the ones given replace the others.

SELECT neon_auth_admin.set_user_roles(id, ARRAY['admin', 'user']) = id AS returns_id FROM test.branch_users WHERE email = 'grace@example.com';
SELECT test.wait_for('SELECT role = ''admin,user'' FROM neon_auth."user" WHERE email = ''grace@example.com''');
SELECT neon_auth_admin.set_user_roles(id, '{editor}', 'branch_users') = id AS returns_id FROM test.branch_users WHERE email = 'grace@example.com';
SELECT test.wait_for('SELECT role = ''editor'' FROM neon_auth."user" WHERE email = ''grace@example.com''');
SELECT name, role FROM neon_auth."user" WHERE email IN ('grace@example.com', 'edsger@example.com') ORDER BY name COLLATE "C";

-- Deleted ones vanish.

SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.branch_users WHERE email = 'edsger@example.com';
SELECT test.wait_for('SELECT count(*) = 0 FROM neon_auth."user" WHERE email = ''edsger@example.com''');

-- What Neon refuses.

\set VERBOSITY terse
SELECT * FROM neon_auth_admin.create_user('GRACE@example.com');
SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.branch_users WHERE email = 'edsger@example.com';
SELECT neon_auth_admin.set_user_roles(id, '{admin}') = id AS returns_id FROM test.branch_users WHERE email = 'edsger@example.com';
\set VERBOSITY default
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.create_user(''grace@example.com'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.set_user_roles(''00000000-0000-4000-8000-000000000000'', ''{admin}'')');
\x off

-- Another branch has its own users, and the project level too.

ALTER SERVER branch_users OPTIONS (SET branch_id 'br-other-2');
\set VERBOSITY terse
SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.branch_users WHERE email = 'grace@example.com';
ALTER SERVER branch_users OPTIONS (DROP branch_id);
SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.branch_users WHERE email = 'grace@example.com';
\set VERBOSITY default
ALTER SERVER branch_users OPTIONS (ADD branch_id 'br-main-000001');
SELECT neon_auth_admin.delete_user(id) = id AS returns_id FROM test.branch_users WHERE email = 'grace@example.com';

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER branch_users OPTIONS (SET project_id 'fault-500--branch-users');

SELECT call, failure.code, failure.message, failure.detail
FROM unnest(ARRAY[
    $$set_user_roles('u-1', NULL)$$, $$set_user_roles('u-1', '{}')$$,
    $$set_user_roles('u-1', ARRAY['admin', NULL])$$, $$set_user_roles('u-1', ARRAY['admin', ''])$$,
    $$set_user_roles('u-1', array_fill('admin'::text, ARRAY[1001]))$$
]) AS call,
    test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;

DROP TABLE test.branch_users;
ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER branch_users CASCADE;
