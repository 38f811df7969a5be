-- The SQL surface: every name, argument and result, and the rules that each function keeps.

-- Rules. Each query returns what breaks one, so none returns a row.

CREATE VIEW test.functions AS
    SELECT f.* FROM pg_proc AS f WHERE pronamespace = 'neon_auth_admin'::regnamespace AND prokind = 'f';

-- EXPLAIN must not call the network, nor may a parallel worker. What only reads Neon does not keep workers from
-- the rest of a query. (A subtransaction, or whatever a view of users has in it, would.)
SELECT proname FROM test.functions
WHERE provolatile <> 'v' OR procost <> 1000
    OR proparallel <> CASE WHEN proname ~ '^(get|list|export)_|^plan$' AND proname NOT IN ('list_users', 'list_operations') THEN 'r' ELSE 'u' END::"char";

-- How many rows a planner has to reckon with: that many, or so.
SELECT proname, prorows FROM test.functions WHERE proretset ORDER BY 1;

-- NULL is an error and no silent NULL.
SELECT proname FROM test.functions
WHERE proisstrict AND pronargs > 0;

-- Every function returns something: some drivers fail on void, when the request was sent already.
SELECT proname FROM test.functions
WHERE prorettype = 'void'::regtype;

-- COMMENT and GRANT need no argument lists.
SELECT proname FROM test.functions GROUP BY proname HAVING count(*) > 1;

-- Nobody borrows a right.
SELECT proname FROM test.functions WHERE prosecdef;

-- Everything has a comment.
SELECT proname FROM test.functions WHERE coalesce(length(obj_description(oid, 'pg_proc')), 0) < 30;
SELECT typname FROM pg_type
WHERE typnamespace = 'neon_auth_admin'::regnamespace AND typcategory <> 'A'
    AND NOT EXISTS (SELECT FROM pg_class WHERE pg_class.oid = typrelid AND relkind <> 'c')
    AND coalesce(obj_description(oid, 'pg_type'), '') = '';
SELECT relname FROM pg_class
WHERE relnamespace = 'neon_auth_admin'::regnamespace AND relkind IN ('r', 'v')
    AND coalesce(obj_description(oid, 'pg_class'), '') = '';
SELECT 'schema' FROM pg_namespace
WHERE nspname = 'neon_auth_admin' AND coalesce(obj_description(oid, 'pg_namespace'), '') = '';
SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'neon_auth_admin'::regnamespace AND relkind = 'v' AND attnum >= 0
    AND (coalesce(obj_description(attrelid, 'pg_class'), '') = '' OR coalesce(col_description(attrelid, attnum), '') = '');
SELECT 'wrapper' FROM pg_foreign_data_wrapper
WHERE fdwname = 'neon_auth_admin' AND coalesce(obj_description(oid, 'pg_foreign_data_wrapper'), '') = '';

-- Writers say what ROLLBACK leaves; the others change nothing at Neon.
SELECT proname FROM test.functions
WHERE (obj_description(oid, 'pg_proc') LIKE '%Not undone by ROLLBACK')
    = (proname ~ '^(get|list|wait|check|export)_|^plan$|_queued$' OR proname IN ('set_api_key', 'enqueue', 'sync_user'));

-- PUBLIC may neither call a function nor make a server. What the manual reads sends nothing.
SELECT proname FROM test.functions
WHERE EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)
    AND proname <> 'list_operations';
SELECT fdwname FROM pg_foreign_data_wrapper
WHERE fdwname = 'neon_auth_admin'
    AND EXISTS (SELECT FROM aclexplode(coalesce(fdwacl, acldefault('F', fdwowner))) WHERE grantee = 0);

-- Of a view nobody is given more than its rows: who had TRIGGER would see what others write.
CREATE VIEW test.views AS
    SELECT relname, relowner, a.*
    FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS a
    WHERE relnamespace = 'neon_auth_admin'::regnamespace AND relkind = 'v';
SELECT relname, grantee, privilege_type FROM test.views
WHERE grantee = 0 AND relname NOT IN ('functions', 'queue') OR grantee <> relowner AND privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE');
SELECT relname, string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM test.views
WHERE grantee = 'pg_database_owner'::regrole AND is_grantable GROUP BY 1 ORDER BY 1;
DROP VIEW test.views;

-- Whoever installed the extension may do both, and grant both on, and so may the owner of the database.
SELECT proname FROM test.functions, unnest('{app_owner,pg_database_owner}'::name[]) AS role
WHERE NOT has_function_privilege(role, oid, 'EXECUTE WITH GRANT OPTION');
SELECT 'wrapper' FROM unnest('{app_owner,pg_database_owner}'::name[]) AS role
WHERE NOT has_foreign_data_wrapper_privilege(role, 'neon_auth_admin', 'USAGE WITH GRANT OPTION');

-- The last argument is the server; the key may be stored for a role as well. No server is asked by
-- what reads this database's own table of users.
SELECT proname FROM test.functions
WHERE pg_get_function_arguments(oid) !~ '(^|, )server text DEFAULT NULL::text(, role text DEFAULT NULL::text, project_id text DEFAULT NULL::text)?$'
    AND proname NOT IN ('list_users', 'wait_for_user', 'list_operations', 'sync_user') AND proname !~ '_queued$';

-- The procedure keeps those that are for one.
SELECT proname, prosecdef, proconfig, length(obj_description(oid, 'pg_proc')) > 30 AS has_comment,
    has_function_privilege('app_owner', oid, 'EXECUTE WITH GRANT OPTION') AS granted,
    EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) AS public
FROM pg_proc WHERE pronamespace = 'neon_auth_admin'::regnamespace AND prokind = 'p';

-- Nobody has a right on the table of queued calls, and everybody one on the view, which shows each role its own.
SELECT relname, relkind, acl.grantee = 0 AS public, privilege_type
FROM pg_class, aclexplode(relacl) AS acl
WHERE relnamespace = 'neon_auth_admin'::regnamespace AND relname LIKE 'queue%' AND grantee <> relowner;
SELECT relname, relrowsecurity FROM pg_class
WHERE relnamespace = 'neon_auth_admin'::regnamespace AND relkind = 'r';

-- All of it belongs to the extension.
SELECT proname FROM test.functions
WHERE NOT EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_proc'::regclass AND objid = functions.oid AND deptype = 'e'
);

-- The rules do find what breaks them.
BEGIN;
CREATE FUNCTION neon_auth_admin.list_domains(integer) RETURNS void LANGUAGE sql
    IMMUTABLE STRICT SECURITY DEFINER PARALLEL SAFE AS 'SELECT';
SELECT proname, count(*),
    bool_or(provolatile <> 'v' AND proparallel <> 'u' AND procost < 1000) AS eager,
    bool_or(proisstrict) AS strict,
    bool_or(prorettype = 'void'::regtype) AS silent,
    bool_or(prosecdef) AS definer,
    bool_or(obj_description(oid, 'pg_proc') IS NULL) AS uncommented,
    bool_or(EXISTS (
        SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0
    )) AS public
FROM test.functions GROUP BY proname HAVING count(*) > 1;
ROLLBACK;
DROP VIEW test.functions;

-- Names: a change here is a change for users.

\pset format unaligned
\t on
SELECT proname || '(' || regexp_replace(pg_get_function_arguments(oid), '::[a-z]+(\[\])?', '', 'g') || ') -> ' || coalesce(pg_get_function_result(oid), 'procedure')
FROM pg_proc WHERE pronamespace = 'neon_auth_admin'::regnamespace ORDER BY proname COLLATE "C";

SELECT relname || '(' || string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) || ')'
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'neon_auth_admin'::regnamespace AND relkind IN ('c', 'r', 'v') AND attnum > 0 AND NOT attisdropped
GROUP BY relname ORDER BY relname COLLATE "C";
\t off
\pset format aligned

SELECT fdwname, fdwhandler, fdwvalidator::regprocedure
FROM pg_foreign_data_wrapper WHERE fdwname = 'neon_auth_admin';

-- The validator and the function of the views' triggers are granted to nobody; Postgres calls them for everybody.
SELECT rolname, proname FROM pg_roles, pg_proc
WHERE NOT rolsuper AND proname IN ('neon_auth_admin_validator', 'neon_auth_admin_write')
    AND has_function_privilege(pg_roles.oid, pg_proc.oid, 'EXECUTE');

-- Nothing else is in the extension.
SELECT pg_describe_object(classid, objid, objsubid) AS object
FROM pg_depend
WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'neon_auth_admin') AND deptype = 'e'
    AND classid NOT IN ('pg_proc'::regclass, 'pg_type'::regclass)
ORDER BY 1;

-- Settings. What decides where a key may go is out of a session's reach.

LOAD 'neon_auth_admin';
SELECT name, vartype, boot_val, unit, min_val, max_val, context, short_desc
FROM pg_settings WHERE name LIKE 'neon\_auth\_admin.%' ORDER BY name COLLATE "C";
SET neon_auth_admin.allowed_hosts = 'evil.example';
SET neon_auth_admin.ca_file = '/tmp/evil.pem';
SET neon_auth_admin.proxy = 'http://evil.example:3128';
SET neon_auth_admin.proxy_user = 'evil';
SET neon_auth_admin.proxy_password_file = '/tmp/evil';
\set VERBOSITY sqlstate
SET neon_auth_admin.max_response_size = '1GB';

