//! Owns whose code an UPDATE of a table runs: that of its triggers and constraints, and of what is computed or
//! indexed by an expression. All of it would run with the rights of the table's owner.

use super::super::table::{self, Value};
use super::columns::qualified_name;
use crate::error::Error;
use crate::pg::role::Role;

/// An error, if any of it belongs to a role that has not the owner's rights anyway. The tables, of which all but the
/// first are its partitions, are locked, so that no code is added.
pub fn judge(tables: &[pgrx::pg_sys::Oid], owner: Role) -> Result<(), Error> {
    let oids: Vec<_> = tables.iter().map(|oid| oid.to_u32().to_string()).collect();
    let oids = oids.join(",");
    let name = || {
        tables
            .first()
            .copied()
            .map(qualified_name)
            .unwrap_or_default()
    };
    if let Some(stranger) = who_may_make_triggers(&oids, owner)? {
        return Err(Error::code_by_strangers(
            &name(),
            &stranger,
            &owner.to_string(),
        ));
    }
    let found = table::run(
        c"WITH RECURSIVE tables AS (
            SELECT unnest(string_to_array($1, ',')::oid[]) AS oid
          ), above AS (
            -- A trigger on these is one on their partitions as well.
            SELECT oid FROM tables UNION SELECT a.relid FROM tables AS t, pg_partition_ancestors(t.oid) AS a
          ), reached AS (
            -- Of the tables what an UPDATE runs, and of that whatever it needs.
            SELECT 'pg_class'::regclass::oid AS classid, oid AS objid FROM tables
            UNION
            SELECT 'pg_trigger'::regclass, g.oid FROM above AS t JOIN pg_trigger AS g ON g.tgrelid = t.oid
            WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
            UNION
            SELECT 'pg_constraint'::regclass, n.oid FROM tables AS t JOIN pg_constraint AS n ON n.conrelid = t.oid
            UNION
            SELECT 'pg_attrdef'::regclass, d.oid FROM tables AS t JOIN pg_attrdef AS d ON d.adrelid = t.oid
                JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            WHERE a.attgenerated <> ''
            UNION
            SELECT 'pg_class'::regclass, x.indexrelid FROM tables AS t JOIN pg_index AS x ON x.indrelid = t.oid
            UNION
            -- What is planned is computed in advance as far as it can be.
            SELECT 'pg_statistic_ext'::regclass, s.oid FROM tables AS t JOIN pg_statistic_ext AS s ON s.stxrelid = t.oid
            UNION
            SELECT n.classid, n.objid FROM reached AS r CROSS JOIN LATERAL (
                SELECT d.refclassid AS classid, d.refobjid AS objid FROM pg_depend AS d
                WHERE d.classid = r.classid AND d.objid = r.objid
                    AND r.classid IN ('pg_class'::regclass, 'pg_trigger'::regclass, 'pg_constraint'::regclass,
                        'pg_attrdef'::regclass, 'pg_statistic_ext'::regclass, 'pg_type'::regclass)
                    AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
                UNION ALL
                SELECT 'pg_proc'::regclass, o.oprcode FROM pg_operator AS o
                WHERE r.classid = 'pg_operator'::regclass AND o.oid = r.objid
                UNION ALL
                -- What a type is made of, and what its values are checked by.
                SELECT 'pg_type'::regclass, part FROM pg_type AS y
                    CROSS JOIN unnest(ARRAY[y.typbasetype, y.typelem]) AS part
                WHERE r.classid = 'pg_type'::regclass AND y.oid = r.objid AND part <> 0
                UNION ALL
                SELECT 'pg_type'::regclass, a.atttypid FROM pg_type AS y
                    JOIN pg_attribute AS a ON a.attrelid = y.typrelid
                WHERE r.classid = 'pg_type'::regclass AND y.oid = r.objid AND y.typtype = 'c'
                    AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT 'pg_type'::regclass, part FROM pg_range AS s
                    CROSS JOIN unnest(ARRAY[s.rngsubtype, s.rngtypid]) AS part
                WHERE r.classid = 'pg_type'::regclass AND r.objid IN (s.rngtypid, s.rngmultitypid)
                UNION ALL
                SELECT 'pg_constraint'::regclass, n.oid FROM pg_constraint AS n
                WHERE r.classid = 'pg_type'::regclass AND n.contypid = r.objid
            ) AS n
          ), code AS (
            SELECT r.objid::regprocedure::text AS name, p.proowner AS owner FROM reached AS r JOIN pg_proc AS p ON p.oid = r.objid
            WHERE r.classid = 'pg_proc'::regclass
            UNION ALL
            -- Who owns one of these can add to it.
            SELECT format_type(y.oid, NULL), y.typowner FROM reached AS r JOIN pg_type AS y ON y.oid = r.objid
            WHERE r.classid = 'pg_type'::regclass AND y.typtype IN ('c', 'd', 'm', 'r')
            UNION ALL
            SELECT t.oid::regclass::text, c.relowner FROM tables AS t JOIN pg_class AS c ON c.oid = t.oid
          ) SELECT name, pg_get_userbyid(owner)::text FROM code
            WHERE NOT pg_has_role(owner, $2, 'USAGE') LIMIT 1",
        &[Value::Text(Some(&oids)), Value::Oid(owner.0)],
        |found| (found.text(0), found.text(1)),
    )?;
    match found.into_iter().next() {
        None => Ok(()),
        Some((code, of)) => {
            let owner = owner.to_string();
            Err(Error::code_of_strangers(&name(), &code, &of, &owner))
        }
    }
}

/// A role that could have made a trigger there. Nobody knows who has; and of its arguments and its condition, and so
/// of what it does, whoever made it has said more than who owns its function.
fn who_may_make_triggers(tables: &str, owner: Role) -> Result<Option<String>, Error> {
    let found = table::run(
        c"SELECT r.rolname::text FROM pg_class AS c, pg_roles AS r
          WHERE c.relacl IS NOT NULL AND c.oid IN (
                SELECT unnest(string_to_array($1, ',')::oid[])
                UNION
                SELECT a.relid FROM unnest(string_to_array($1, ',')::oid[]) AS t, pg_partition_ancestors(t) AS a)
            AND EXISTS (SELECT FROM aclexplode(c.relacl) AS a
                WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner)
            AND EXISTS (SELECT FROM pg_trigger AS g
                WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
                    AND (g.tgfoid <> 'neon_auth_admin.sync_user()'::regprocedure OR g.tgqual IS NOT NULL))
            AND NOT pg_has_role(r.oid, $2, 'USAGE') AND has_table_privilege(r.oid, c.oid, 'TRIGGER')
          LIMIT 1",
        &[Value::Text(Some(tables)), Value::Oid(owner.0)],
        |found| found.text(0),
    )?;
    Ok(found.into_iter().next())
}
