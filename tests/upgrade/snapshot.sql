-- All that a database has of the extension, a line for each fact, for a comparison of two databases. No OIDs,
-- and nothing that differs from table to table (attoptions). Of a privilege it says who has which, and not who
-- gave it; initial privileges, which no dump has, are those of the extension's own roles.

CREATE TEMPORARY VIEW member AS
    SELECT classid, objid, pg_catalog.pg_describe_object(classid, objid, 0) AS name
    FROM pg_catalog.pg_depend
    WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
        AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'neon_auth_admin');

-- The relations, and the relations of row types.
CREATE TEMPORARY VIEW relation AS
    SELECT c.oid, m.name FROM member AS m, pg_catalog.pg_class AS c
    WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid
        OR m.classid = 'pg_type'::regclass AND c.oid = (SELECT typrelid FROM pg_catalog.pg_type WHERE oid = m.objid);

CREATE TEMPORARY VIEW acl AS
    SELECT m.classid, m.objid, m.name, coalesce(
        (SELECT proacl FROM pg_catalog.pg_proc WHERE m.classid = 'pg_proc'::regclass AND oid = m.objid),
        (SELECT relacl FROM pg_catalog.pg_class WHERE m.classid = 'pg_class'::regclass AND oid = m.objid),
        (SELECT typacl FROM pg_catalog.pg_type WHERE m.classid = 'pg_type'::regclass AND oid = m.objid),
        (SELECT nspacl FROM pg_catalog.pg_namespace WHERE m.classid = 'pg_namespace'::regclass AND oid = m.objid),
        (SELECT fdwacl FROM pg_catalog.pg_foreign_data_wrapper
            WHERE m.classid = 'pg_foreign_data_wrapper'::regclass AND oid = m.objid)) AS acl
    FROM member AS m;

SELECT fact FROM (
    SELECT 'member: ' || name AS fact FROM member
    UNION ALL
    SELECT 'extension: ' || row(extversion, extowner::regrole, extnamespace::regnamespace, extrelocatable, extconfig)
    FROM pg_catalog.pg_extension WHERE extname = 'neon_auth_admin'
    UNION ALL
    SELECT 'body: ' || name || ' ' || proowner::regrole || E'\n' || pg_catalog.pg_get_functiondef(objid)
    FROM member, pg_catalog.pg_proc AS p WHERE classid = 'pg_proc'::regclass AND p.oid = objid
    UNION ALL
    SELECT format('relation: %s %s %s %s %s %s', name, relkind, relowner::regrole, reloptions, relrowsecurity, relforcerowsecurity)
    FROM relation, pg_catalog.pg_class AS c WHERE c.oid = relation.oid
    UNION ALL
    SELECT format('column: %s %s %s %s %s %s %s %s', name, row_number() OVER (PARTITION BY a.attrelid ORDER BY attnum), attname,
        pg_catalog.format_type(atttypid, atttypmod), attnotnull, attidentity, attcollation::regcollation,
        (SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef AS d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum))
    FROM relation, pg_catalog.pg_attribute AS a
    WHERE attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'view: ' || name || E'\n' || pg_catalog.pg_get_viewdef(c.oid)
    FROM relation, pg_catalog.pg_class AS c WHERE c.oid = relation.oid AND relkind = 'v'
    UNION ALL
    SELECT 'index: ' || pg_catalog.pg_get_indexdef(indexrelid)
    FROM relation, pg_catalog.pg_index WHERE indrelid = relation.oid
    UNION ALL
    SELECT 'constraint: ' || name || ' ' || conname || ' ' || pg_catalog.pg_get_constraintdef(c.oid)
    FROM relation, pg_catalog.pg_constraint AS c WHERE conrelid = relation.oid
    UNION ALL
    SELECT format('trigger: %s ', tgenabled) || pg_catalog.pg_get_triggerdef(t.oid)
    FROM relation, pg_catalog.pg_trigger AS t WHERE tgrelid = relation.oid
    UNION ALL
    SELECT format('policy: %s %s %s %s %s', name, polname, polcmd, pg_catalog.pg_get_expr(polqual, polrelid),
        pg_catalog.pg_get_expr(polwithcheck, polrelid))
    FROM relation, pg_catalog.pg_policy WHERE polrelid = relation.oid
    UNION ALL
    SELECT format('enum: %s %s %s', name, enumsortorder, enumlabel)
    FROM member, pg_catalog.pg_enum WHERE classid = 'pg_type'::regclass AND enumtypid = objid
    UNION ALL
    SELECT format('type: %s %s %s %s', name, typowner::regrole, typtype, typdefault)
    FROM member, pg_catalog.pg_type AS t WHERE classid = 'pg_type'::regclass AND t.oid = objid
    UNION ALL
    SELECT format('wrapper: %s %s %s %s', name, fdwowner::regrole, fdwhandler::regproc, fdwvalidator::regproc)
    FROM member, pg_catalog.pg_foreign_data_wrapper AS w
    WHERE classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = objid
    UNION ALL
    SELECT format('comment: %s %s', pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid), description)
    FROM member, pg_catalog.pg_description AS d WHERE d.classoid = classid AND d.objoid = objid
    UNION ALL
    SELECT format('privilege: %s %s %s %s', name, privilege_type, is_grantable,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
    FROM acl, pg_catalog.aclexplode(acl.acl)
    UNION ALL
    SELECT format('initial privilege: %s %s %s %s', name, privilege_type, is_grantable,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
    FROM acl, pg_catalog.pg_init_privs AS i, pg_catalog.aclexplode(initprivs)
    WHERE i.classoid = classid AND i.objoid = objid AND i.objsubid = 0
        AND grantee NOT IN (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'reader')
    UNION ALL
    SELECT format('dependency: %s %s %s', name, deptype,
        pg_catalog.pg_describe_object(refclassid, refobjid, refobjsubid))
    FROM member, pg_catalog.pg_depend AS d WHERE d.classid = member.classid AND d.objid = member.objid
    UNION ALL
    SELECT format('dependency of %s: %s', pg_catalog.pg_get_viewdef(ev_class),
        pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid))
    FROM relation, pg_catalog.pg_rewrite AS r, pg_catalog.pg_depend AS d
    WHERE ev_class = relation.oid AND d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.deptype <> 'i'
) AS facts
GROUP BY fact
ORDER BY fact COLLATE "C";
