-- All of tests/upgrade/use.sql works: with the library and the SQL of one version, or of two. :round makes names
-- that are new. For psql, as the database's owner.

\set ON_ERROR_STOP on
SELECT neon_auth_admin.add_domain('https://' || :'round' || '.example.com') \g /dev/null
INSERT INTO neon_auth_admin.domains (domain) VALUES ('https://view-' || :'round' || '.example.com');
SELECT 1 / (count(*) = 2)::int FROM own_domains JOIN listed_domains USING (domain)
    WHERE domain LIKE 'https://%' || :'round' || '.example.com' \g /dev/null
SELECT 1 / (array_agg((domain).domain) = '{https://first.example.com}')::int FROM kept \g /dev/null
INSERT INTO kept SELECT d FROM neon_auth_admin.list_domains() AS d;
DELETE FROM kept WHERE ctid <> (SELECT min(ctid) FROM kept WHERE (domain).domain = 'https://first.example.com');
REFRESH MATERIALIZED VIEW stored;
SELECT neon_auth_admin.enqueue('add_domain', jsonb_build_object('domain', 'https://queued-' || :'round' || '.example.com')) \g /dev/null
INSERT INTO customers (email) VALUES (:'round' || '@example.com');
DELETE FROM customers WHERE email = 'first@example.com';
UPDATE customers SET id = DEFAULT WHERE email = 'queued-105@example.com';
CALL neon_auth_admin.run_queue();
SELECT 1 / (count(*) > 105 AND count(*) = count(auth_user_id))::int FROM customers \g /dev/null
SELECT 1 / bool_and(state = 'done')::int FROM neon_auth_admin.queue \g /dev/null
SELECT 1 / (count(*) >= 3)::int FROM neon_auth_admin.queue \g /dev/null
SELECT 1 / bool_and(ok)::int FROM neon_auth_admin.check_connection() WHERE step IN ('key accepted', 'integration present') \g /dev/null
