-- The manual in psql: what the catalog and the comments say of each function, and what the library says of
-- the operations that it calls. Its cells are broken into lines, so that it fits into 100 columns.

CREATE VIEW neon_auth_admin.functions AS
SELECT
    proname::text AS name,
    rtrim(regexp_replace(
        array_to_string(
            proargnames[:pronargs - pronargdefaults]
            || CASE WHEN proargnames[pronargs - pronargdefaults + 1:pronargs] NOT IN ('{server}', '{}') THEN '...' END,
            ', '
        ),
        '(.{1,16})( |$)', E'\\1\n', 'g'
    ), E'\n') AS arguments,
    CASE
        WHEN prokind = 'p' THEN 'nothing'
        WHEN proretset THEN 'rows'
        WHEN typtype = 'c' THEN 'row'
        ELSE format_type(prorettype, NULL)
    END AS returns,
    level,
    coalesce(effect, 'local') AS effect,
    rtrim(regexp_replace(
        regexp_replace(obj_description(pg_proc.oid, 'pg_proc'), '[.:;] .*', ''),
        '(.{1,21})( |$)', E'\\1\n', 'g'
    ), E'\n') AS description
FROM pg_catalog.pg_proc
JOIN pg_catalog.pg_type ON pg_type.oid = prorettype
LEFT JOIN (
    SELECT
        function,
        CASE
            WHEN count(branch) = 0 THEN 'project'
            WHEN count(project) = 0 THEN 'branch'
            ELSE 'both'
        END AS level,
        CASE WHEN bool_or(method <> 'GET') THEN 'writes' ELSE 'reads' END AS effect
    FROM neon_auth_admin.list_operations()
    GROUP BY function
    UNION ALL
    -- Those that call the operations of others.
    VALUES ('apply', 'both', 'writes'), ('export_configuration', 'both', 'reads'), ('plan', 'both', 'reads'),
        ('run_queue', 'both', 'writes')
) AS operation ON function = proname
WHERE pronamespace = 'neon_auth_admin'::regnamespace
ORDER BY proname;
