-- What a database has of an older version when it is updated: a server with a sealed key, grants to a third role,
-- views, a column of a type of the extension, a table with users, and calls that wait and that were made. For psql, as
-- the database's owner.

\set ON_ERROR_STOP on
CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id :'project', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(:'key') \g /dev/null
SELECT neon_auth_admin.set_api_key(:'key', role => 'public') \g /dev/null

GRANT USAGE ON SCHEMA neon_auth_admin TO reader;
GRANT USAGE ON FOREIGN SERVER neon TO reader;
GRANT EXECUTE ON FUNCTION neon_auth_admin.list_domains, neon_auth_admin.add_domain TO reader;
GRANT SELECT, INSERT ON neon_auth_admin.domains TO reader;

CREATE VIEW own_domains AS SELECT * FROM neon_auth_admin.domains;
CREATE VIEW listed_domains AS SELECT * FROM neon_auth_admin.list_domains();
SELECT neon_auth_admin.add_domain('https://first.example.com') \g /dev/null
CREATE TABLE kept AS SELECT d AS domain FROM neon_auth_admin.list_domains() AS d;
CREATE MATERIALIZED VIEW stored AS SELECT domain FROM kept;

CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, name text, auth_user_id text);
CREATE TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON customers FOR EACH ROW
    EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id');
INSERT INTO customers (email) VALUES ('first@example.com');

SELECT neon_auth_admin.enqueue('add_domain', '{"domain": "https://made.example.com"}') \g /dev/null
CALL neon_auth_admin.run_queue();
SELECT 1 / (count(auth_user_id) = 1)::int FROM customers \g /dev/null
-- So many that the last ones are in no index but that of ids.
INSERT INTO customers (email) SELECT 'queued-' || n || '@example.com' FROM generate_series(1, 105) AS n;
SELECT neon_auth_admin.enqueue('add_domain', '{"domain": "https://queued.example.com"}') \g /dev/null
