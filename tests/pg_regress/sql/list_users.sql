-- Users next to the data: list_users and wait_for_user on both layouts of the table, in a database of
-- their own. (tests/sessions/synced_users.rs has what takes several sessions.)

\c - postgres
CREATE DATABASE regress_list_users OWNER app_owner;
CREATE ROLE auditor;
GRANT auditor TO app_owner;
\c regress_list_users app_owner
CREATE EXTENSION neon_auth_admin;
SET client_min_messages = warning;

-- Neither table: whether the schema is there or not.

SELECT * FROM neon_auth_admin.list_users();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM neon_auth_admin.wait_for_user('ada', '0');
\echo :LAST_ERROR_SQLSTATE
CREATE SCHEMA neon_auth;
CREATE SEQUENCE neon_auth."user"; -- no table, whatever its name
\set VERBOSITY terse
SELECT * FROM neon_auth_admin.list_users();
DROP SEQUENCE neon_auth."user";
\set VERBOSITY default

-- Project level: users_sync, as Neon makes it.

CREATE TABLE neon_auth.users_sync (
    raw_json jsonb NOT NULL,
    id text GENERATED ALWAYS AS (raw_json ->> 'id') STORED PRIMARY KEY,
    name text GENERATED ALWAYS AS (raw_json ->> 'display_name') STORED,
    email text GENERATED ALWAYS AS (raw_json ->> 'primary_email') STORED,
    created_at timestamptz GENERATED ALWAYS AS (to_timestamp(
        trunc((raw_json ->> 'signed_up_at_millis')::bigint::double precision) / 1000::double precision)) STORED,
    updated_at timestamptz,
    deleted_at timestamptz
);
SELECT * FROM neon_auth_admin.list_users();

INSERT INTO neon_auth.users_sync (raw_json, updated_at, deleted_at)
SELECT jsonb_build_object('id', id, 'display_name', name, 'primary_email', email, 'signed_up_at_millis', 1764000000000),
    '2026-01-01 UTC', deleted_at
FROM (VALUES
    ('ada', 'Ada Lovelace', 'ada@example.com', NULL::timestamptz),
    ('zoe', 'Zoë "O''Neil" ☃', 'zoë@example.com', NULL),
    ('nameless', NULL, NULL, NULL),
    ('gone', 'Gone', 'gone@example.com', '2026-02-01 UTC')
) AS users (id, name, email, deleted_at);

SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT * FROM neon_auth_admin.list_users() ORDER BY id;
SELECT id, deleted_at FROM neon_auth_admin.list_users(include_deleted => true) ORDER BY id;
SELECT * FROM neon_auth_admin.list_users() \gdesc

-- Some of them: whatever is in a text is data, whatever its case, and each user comes once.
INSERT INTO neon_auth.users_sync (raw_json)
SELECT jsonb_build_object('id', id, 'display_name', name, 'primary_email', email) FROM (VALUES
    ('percent', '100% \ done', 'a_b@example.com'),
    ('plain', '100 done', 'aXb@example.com')
) AS users (id, name, email);
SELECT id FROM neon_auth_admin.list_users('LOVE');
SELECT id FROM neon_auth_admin.list_users('DA@ex');
SELECT id FROM neon_auth_admin.list_users('zoë');
SELECT id FROM neon_auth_admin.list_users('0%');
SELECT id FROM neon_auth_admin.list_users('a_b');
SELECT id FROM neon_auth_admin.list_users('% \ d');
SELECT id FROM neon_auth_admin.list_users('gone');
SELECT id FROM neon_auth_admin.list_users('gone', include_deleted => true);
SELECT id FROM neon_auth_admin.list_users(ids => '{zoe,ada,zoe,gone,nobody,"; DROP"}') ORDER BY id;
SELECT id FROM neon_auth_admin.list_users(ids => '{zoe,gone}', include_deleted => true) ORDER BY id;
SELECT id FROM neon_auth_admin.list_users('ada', '{zoe,ada}');
SELECT count(*) FROM neon_auth_admin.list_users(ids => '{}');
SELECT count(*) FROM neon_auth_admin.list_users(NULL, NULL);
DELETE FROM neon_auth.users_sync WHERE id IN ('percent', 'plain');

-- It joins, and can be called wherever a set can.
CREATE TABLE orders (number integer, user_id text);
INSERT INTO orders VALUES (1, 'ada'), (2, 'ada'), (3, 'gone'), (4, 'zoe');
SELECT u.name, count(*) FROM neon_auth_admin.list_users() AS u JOIN orders AS o ON o.user_id = u.id
GROUP BY u.name ORDER BY u.name COLLATE "C";
SELECT o.number, u.name FROM orders AS o, neon_auth_admin.list_users(include_deleted => o.user_id = 'gone') AS u
WHERE u.id = o.user_id ORDER BY o.number;
SELECT (neon_auth_admin.list_users()).id ORDER BY 1 LIMIT 1;
CREATE MATERIALIZED VIEW user_names AS SELECT id, name FROM neon_auth_admin.list_users();
SELECT count(*) FROM user_names;

-- More than are fetched at a time, and what the statement's own snapshot sees.
BEGIN;
INSERT INTO neon_auth.users_sync (raw_json)
SELECT jsonb_build_object('id', 'many-' || n) FROM generate_series(1, 1000) AS n;
SELECT count(*), count(DISTINCT id) FROM neon_auth_admin.list_users();
WITH deleted AS (
    DELETE FROM neon_auth.users_sync WHERE id LIKE 'many-%' RETURNING id
)
SELECT (SELECT count(*) FROM deleted) AS deleted, count(*) AS listed FROM neon_auth_admin.list_users();
SELECT count(*) FROM neon_auth_admin.list_users();
ROLLBACK;

-- A user who is there need not be waited for; a deleted one does not count.
SELECT * FROM neon_auth_admin.wait_for_user('ada');
SELECT id FROM neon_auth_admin.wait_for_user('zoe', timeout => '0');
SELECT * FROM neon_auth_admin.wait_for_user('gone', '50 ms');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM neon_auth_admin.wait_for_user('Ada', '0');

-- Nothing stays locked after a wait.
BEGIN;
SELECT id FROM neon_auth_admin.wait_for_user('ada');
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass::text LIKE 'neon\_auth.%';
COMMIT;

-- With a fixed snapshot there is nothing to wait for.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT id FROM neon_auth_admin.wait_for_user('ada');
SELECT id FROM neon_auth_admin.wait_for_user('nobody', '1 min');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT id FROM neon_auth_admin.wait_for_user('ada');
\set VERBOSITY terse
SELECT id FROM neon_auth_admin.wait_for_user('nobody', '1 min');
ROLLBACK;

-- Arguments.
SELECT neon_auth_admin.list_users(include_deleted => NULL);
SELECT neon_auth_admin.list_users('');
SELECT neon_auth_admin.list_users(ids => '{ada,NULL}');
SELECT neon_auth_admin.list_users(ids => '{ada,""}');
SELECT neon_auth_admin.wait_for_user(NULL);
SELECT neon_auth_admin.wait_for_user('ada', NULL);
\set VERBOSITY default
SELECT neon_auth_admin.wait_for_user('../ada');
\echo :LAST_ERROR_SQLSTATE
SELECT neon_auth_admin.wait_for_user('ada', '-1 ms');
\echo :LAST_ERROR_SQLSTATE
SELECT neon_auth_admin.wait_for_user('ada', '601 s');
SELECT neon_auth_admin.wait_for_user('ada', '170000000 years');

-- They can be caught, and what was done before stays.
DO $$
BEGIN
    INSERT INTO orders VALUES (5, 'nobody');
    BEGIN
        PERFORM neon_auth_admin.wait_for_user('nobody', '20 ms');
    EXCEPTION WHEN no_data_found THEN
        RAISE WARNING 'not there';
    END;
    PERFORM neon_auth_admin.wait_for_user('ada');
END $$;
DELETE FROM orders WHERE number = 5 RETURNING *;

-- The caller's own rights count, column by column, and so does row security.

GRANT USAGE ON SCHEMA neon_auth_admin TO auditor;
GRANT EXECUTE ON FUNCTION neon_auth_admin.list_users, neon_auth_admin.wait_for_user TO auditor;
\set VERBOSITY terse
SET ROLE auditor;
SELECT * FROM neon_auth_admin.list_users();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM neon_auth_admin.wait_for_user('ada');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT USAGE ON SCHEMA neon_auth TO auditor;
SET ROLE auditor;
SELECT * FROM neon_auth_admin.list_users();
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SAVEPOINT before;
SELECT * FROM neon_auth_admin.wait_for_user('ada');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO before;
SELECT current_user;
COMMIT;
RESET ROLE;
GRANT SELECT (id, email, name, created_at, updated_at, deleted_at) ON neon_auth.users_sync TO auditor;
SET ROLE auditor;
SELECT id FROM neon_auth_admin.list_users() ORDER BY id;
SELECT id FROM neon_auth_admin.wait_for_user('ada');
SELECT raw_json FROM neon_auth.users_sync;
RESET ROLE;
ALTER TABLE neon_auth.users_sync ENABLE ROW LEVEL SECURITY;
CREATE POLICY ada ON neon_auth.users_sync FOR SELECT TO auditor USING (id = 'ada');
SET ROLE auditor;
SELECT id FROM neon_auth_admin.list_users();
SELECT id FROM neon_auth_admin.wait_for_user('zoe', '0');
RESET ROLE;
\set VERBOSITY default

-- Operators and types that somebody put into the search path are not used.

CREATE SCHEMA evil;
CREATE TYPE evil.text AS (evil boolean);
CREATE TYPE evil.uuid AS (evil boolean);
CREATE TYPE evil.timestamptz AS (evil boolean);
CREATE FUNCTION evil.equals(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE plpgsql
    AS 'BEGIN RAISE ''the operator was called''; END';
CREATE OPERATOR evil.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = evil.equals);
CREATE VIEW evil.users_sync AS SELECT 'evil'::pg_catalog.text AS id;
SET search_path = evil, pg_catalog;
SELECT 'a'::pg_catalog.text = 'a'::pg_catalog.text;
SELECT id FROM neon_auth_admin.list_users() ORDER BY id;
SELECT id FROM neon_auth_admin.wait_for_user('ada');
RESET search_path;

-- The table as the documentation shows it, and one from before there was updated_at.

ALTER TABLE neon_auth.users_sync RENAME TO generated;
CREATE TABLE neon_auth.users_sync (
    id text PRIMARY KEY, raw_json jsonb, name varchar(100), email text, created_at timestamptz, deleted_at timestamptz
);
INSERT INTO neon_auth.users_sync VALUES ('plain', '{}', 'Plain', 'plain@example.com', '2026-01-01 UTC', NULL);
SELECT * FROM neon_auth_admin.list_users();
ALTER TABLE neon_auth.users_sync ADD updated_at timestamptz DEFAULT '2026-01-02 UTC';
SELECT * FROM neon_auth_admin.wait_for_user('plain');

-- Branch level: "user", which comes first where both are there.

CREATE TABLE neon_auth."user" (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE,
    "emailVerified" boolean NOT NULL, image text,
    "createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
    "updatedAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
    role text, banned boolean, "banReason" text, "banExpires" timestamptz
);
INSERT INTO neon_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt", role) VALUES
    ('11111111-1111-4111-8111-11111111111a', 'Ada Lovelace', 'ada@example.com', true, '2026-01-01 UTC', '2026-01-02 UTC', 'admin'),
    ('22222222-2222-4222-8222-222222222222', 'Zoë', 'zoë@example.com', false, '2026-01-03 UTC', '2026-01-03 UTC', NULL);
SELECT * FROM neon_auth_admin.list_users() ORDER BY id;
SELECT count(*) FROM neon_auth_admin.list_users(include_deleted => true);
SELECT email FROM neon_auth_admin.list_users(ids => '{11111111-1111-4111-8111-11111111111A,ada,"{22222222-2222-4222-8222-222222222222}"}')
ORDER BY email;
SELECT count(*) FROM neon_auth_admin.list_users(ids => '{ada}');
SELECT email FROM neon_auth_admin.list_users('ADA', '{11111111-1111-4111-8111-11111111111a}');
UPDATE neon_auth."user" SET image = 'https://example.com/z.png', banned = true, "banReason" = 'spam', "banExpires" = '2026-03-01 UTC'
WHERE name = 'Zoë';
SELECT name, email_verified, image, banned, ban_reason, ban_expires FROM neon_auth_admin.list_users() ORDER BY id;
SELECT id, role FROM neon_auth_admin.wait_for_user('11111111-1111-4111-8111-11111111111A');
SELECT id, role FROM neon_auth_admin.wait_for_user('33333333-3333-4333-8333-333333333333', '0');
\echo :LAST_ERROR_SQLSTATE
-- A user who came before the project moved on is waited for as well.
SELECT id FROM neon_auth_admin.wait_for_user('plain');
-- A server names the table of its level. Nothing is sent, so it needs no key.
CREATE SERVER on_project FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-users');
CREATE SERVER on_branch FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-users', branch_id 'br-main-000001');
SELECT id FROM neon_auth_admin.list_users(server => 'on_project');
SELECT id FROM neon_auth_admin.list_users(server => 'on_branch') ORDER BY id;
SELECT id FROM neon_auth_admin.list_users(server => 'nowhere');
\echo :LAST_ERROR_SQLSTATE
-- Who may read the current table alone waits for users in that one.
GRANT USAGE ON SCHEMA neon_auth, neon_auth_admin TO auditor;
GRANT EXECUTE ON FUNCTION neon_auth_admin.wait_for_user TO auditor;
GRANT SELECT ON neon_auth."user" TO auditor;
REVOKE ALL ON neon_auth.users_sync FROM auditor;
SET ROLE auditor;
SELECT id FROM neon_auth_admin.wait_for_user('11111111-1111-4111-8111-11111111111a');
SELECT id FROM neon_auth_admin.wait_for_user('33333333-3333-4333-8333-333333333333', '0');
RESET ROLE;
DROP TABLE neon_auth.users_sync;
SELECT id FROM neon_auth_admin.list_users(server => 'on_project');
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM neon_auth_admin.wait_for_user('plain');
\echo :LAST_ERROR_SQLSTATE

-- The id is looked up through the index: a wait does not read the whole table each time.
SET enable_seqscan = off;
BEGIN;
SELECT seq_scan AS seq, idx_scan AS idx FROM pg_stat_xact_user_tables WHERE relid = 'neon_auth."user"'::regclass \gset
SELECT count(*) FROM neon_auth_admin.wait_for_user('11111111-1111-4111-8111-11111111111a');
SELECT seq_scan - :seq AS seq_scans, idx_scan - :idx AS index_scans
FROM pg_stat_xact_user_tables WHERE relid = 'neon_auth."user"'::regclass;
SELECT count(*) FROM neon_auth_admin.list_users(ids => '{11111111-1111-4111-8111-11111111111a}');
SELECT seq_scan - :seq AS seq_scans, idx_scan - :idx AS index_scans
FROM pg_stat_xact_user_tables WHERE relid = 'neon_auth."user"'::regclass;
COMMIT;
RESET enable_seqscan;

-- Without the plugin there are no roles and no bans; ids may be text.
ALTER TABLE neon_auth."user" DROP COLUMN role, DROP COLUMN banned, DROP COLUMN "banReason", DROP COLUMN "banExpires",
    DROP COLUMN image;
ALTER TABLE neon_auth."user" ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE text;
INSERT INTO neon_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    VALUES ('not-a-uuid', 'Grace', 'grace@example.com', true, '2026-01-01 UTC', '2026-01-02 UTC');
SELECT * FROM neon_auth_admin.wait_for_user('not-a-uuid');
SELECT id FROM neon_auth_admin.list_users(ids => '{not-a-uuid,11111111-1111-4111-8111-11111111111a}') ORDER BY id;

-- A table that is something else: Postgres says what it lacks.
ALTER TABLE neon_auth."user" DROP COLUMN email;
\set VERBOSITY terse
SELECT * FROM neon_auth_admin.list_users();
\echo :LAST_ERROR_SQLSTATE

-- It may be anybody's code that is behind the names: only what trusted roles own is looked at.

\c - postgres
SET client_min_messages = warning;
DROP SCHEMA neon_auth CASCADE;
CREATE ROLE squatter;
CREATE SCHEMA neon_auth AUTHORIZATION squatter;
CREATE TABLE neon_auth."user" (id uuid, email text, name text, "createdAt" timestamptz, "updatedAt" timestamptz);
GRANT ALL ON SCHEMA neon_auth TO PUBLIC;
GRANT ALL ON neon_auth."user" TO PUBLIC;
\c - app_owner
\set VERBOSITY default
SELECT * FROM neon_auth_admin.list_users();
\echo :LAST_ERROR_SQLSTATE
SELECT ok, detail FROM neon_auth_admin.check_connection('nowhere') WHERE step = 'users table';
\c - postgres
ALTER SCHEMA neon_auth OWNER TO app_owner;
ALTER TABLE neon_auth."user" OWNER TO squatter;
\c - app_owner
SELECT * FROM neon_auth_admin.wait_for_user('11111111-1111-4111-8111-11111111111a', '1 min');
\c - postgres
DROP TABLE neon_auth."user";
DROP ROLE squatter;

-- What a function of a trusted owner raises stays what it is, and what it sets ends with the read.

\c - app_owner
CREATE FUNCTION neon_auth.broken(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'evil', false), set_config('my.own', what, false);
    RAISE '% "é"', what USING ERRCODE = 'UU001', DETAIL = 'A detail.', HINT = 'A hint.', TABLE = 'a_table';
END $$;
CREATE FUNCTION neon_auth.set(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN set_config('my.own', what, false) || ' by ' || current_setting('search_path');
END $$;
CREATE VIEW neon_auth."user" AS SELECT '11111111-1111-4111-8111-11111111111a'::uuid AS id, neon_auth.broken('broken') AS email,
    '' AS name, now() AS "createdAt", now() AS "updatedAt";
SELECT * FROM neon_auth_admin.list_users();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM neon_auth_admin.wait_for_user('11111111-1111-4111-8111-11111111111a');
\echo :LAST_ERROR_SQLSTATE
DO $$
DECLARE
    "table" text;
BEGIN
    PERFORM neon_auth_admin.list_users();
EXCEPTION WHEN SQLSTATE 'UU001' THEN
    GET STACKED DIAGNOSTICS "table" = TABLE_NAME;
    RAISE WARNING 'caught, of %', "table";
END $$;
CREATE OR REPLACE VIEW neon_auth."user" AS SELECT '11111111-1111-4111-8111-11111111111a'::uuid AS id, neon_auth.set('set') AS email,
    '' AS name, now() AS "createdAt", now() AS "updatedAt"
    WHERE neon_auth.set('set') <> ALL ('{}');
SELECT email FROM neon_auth_admin.list_users();
SELECT current_setting('search_path') AS search_path, current_setting('my.own', true) AS own;
CREATE OR REPLACE VIEW neon_auth."user" AS SELECT '11111111-1111-4111-8111-11111111111a'::uuid AS id, '' AS email,
    '' AS name, now() AS "createdAt", now() AS "updatedAt" WHERE neon_auth.broken('broken') IS NULL;
SELECT ok, detail FROM neon_auth_admin.check_connection('nowhere') WHERE step = 'users table';

\c regress postgres
DROP DATABASE regress_list_users;
DROP ROLE auditor;
