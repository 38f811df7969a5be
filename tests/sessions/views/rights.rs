//! Views in the eyes of the ledger: who may do what through a view, and what looks at it without a request.

use postgres::error::SqlState;

use super::{VERSION, World, copy_in};
use crate::programs::output;
use crate::support::{Statements, connect, one, variable};

#[test]
fn a_role_can_do_what_it_was_granted_and_no_more() {
    let mut world = World::new("it_view_roles");
    let (owner, role) = (world.database.name.clone(), "it_view_role");
    let mut admin = connect(&owner, "postgres");
    admin.run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT {role} TO {owner};
         GRANT USAGE ON SCHEMA neon_auth_admin TO {role};
         GRANT USAGE ON FOREIGN SERVER neon TO {role}"
    ));
    let key = "SELECT neon_auth_admin.set_api_key($1, 'neon', 'public')";
    world
        .session
        .execute(key, &[&variable("NEON_API_KEY")])
        .expect("a key");
    world.session.run(&format!(
        "GRANT SELECT, INSERT, DELETE ON neon_auth_admin.domains TO {role};
         GRANT EXECUTE ON FUNCTION neon_auth_admin.list_domains TO {role};
         SET ROLE {role}"
    ));
    let insert = "INSERT INTO neon_auth_admin.domains VALUES ('https://a.example')";
    let denied = world.assert_refused(insert, "42501", &[]);
    assert_eq!(
        denied.message(),
        "permission denied for function add_domain"
    );
    // Not even what the statement would read.
    let denied = world.assert_refused("DELETE FROM neon_auth_admin.domains", "42501", &[]);
    assert_eq!(
        denied.message(),
        "permission denied for function delete_domain"
    );
    world.session.run(&format!(
        "RESET ROLE; GRANT EXECUTE ON FUNCTION neon_auth_admin.add_domain TO {role}; SET ROLE {role}"
    ));
    world.assert(insert, 1, &["POST domains"]);
    world.assert("SELECT FROM neon_auth_admin.domains", 1, &["GET domains"]);
    for statement in [
        "DELETE FROM neon_auth_admin.domains",
        "UPDATE neon_auth_admin.domains SET domain = domain",
        "SELECT FROM neon_auth_admin.integrations",
        "INSERT INTO neon_auth_admin.users (email) VALUES ('x@example.com')",
        "CREATE TRIGGER mine INSTEAD OF INSERT ON neon_auth_admin.domains FOR EACH ROW
            EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
        "CREATE VIEW pg_temp.mine AS SELECT 1 AS domain; CREATE TRIGGER mine INSTEAD OF INSERT ON pg_temp.mine
            FOR EACH ROW EXECUTE FUNCTION pg_catalog.neon_auth_admin_write()",
    ] {
        world.assert_refused(statement, "42501", &[]);
    }
    // Even where somebody may use the trigger's function, it serves no other view.
    admin.run(&format!(
        "CREATE SCHEMA evil; CREATE VIEW evil.domains AS SELECT NULL::text AS domain, NULL::text AS auth_provider;
         CREATE TRIGGER write INSTEAD OF INSERT ON evil.domains FOR EACH ROW
            EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();
         GRANT ALL ON SCHEMA evil TO {role}; GRANT ALL ON evil.domains TO {role}"
    ));
    world.assert_refused(
        "INSERT INTO evil.domains VALUES ('https://b.example')",
        "NA008",
        &[],
    );
    // A view over ours is written through, with the functions' rights of who writes, also beside its condition.
    world.session.run(&format!(
        "RESET ROLE; CREATE VIEW public.mine AS
             SELECT domain FROM neon_auth_admin.domains WHERE domain LIKE '%//mine.%';
         GRANT INSERT, DELETE, SELECT ON public.mine TO {role}; SET ROLE {role}"
    ));
    world.assert(
        "INSERT INTO public.mine VALUES ('https://b.example')",
        1,
        &["POST domains"],
    );
    world.assert_refused("DELETE FROM public.mine", "42501", &[]);
}

/// Whatever is granted on a view: without the function that a row stands for, nothing is sent, not even what
/// the statement would read.
#[test]
fn each_way_to_write_needs_its_function() {
    let mut world = World::new("it_view_rights");
    world.add_users(&["a"]);
    let (owner, role) = (world.database.name.clone(), "it_view_rights_role");
    connect(&owner, "postgres").run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT {role} TO {owner}; GRANT USAGE ON SCHEMA neon_auth TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA neon_auth TO {role};
         GRANT USAGE ON SCHEMA neon_auth_admin TO {role}; GRANT USAGE ON FOREIGN SERVER neon TO {role}"
    ));
    let key = "SELECT neon_auth_admin.set_api_key($1, 'neon', 'public')";
    let key = world.session.execute(key, &[&variable("NEON_API_KEY")]);
    key.expect("a key");
    world.session.run(&format!(
        "CREATE TABLE import AS SELECT 'x@example.com' AS key; GRANT SELECT ON import TO {role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON neon_auth_admin.users, neon_auth_admin.oauth_providers,
             neon_auth_admin.domains TO {role}"
    ));
    let mut statements = vec![
        (
            "create_user",
            "INSERT INTO neon_auth_admin.users (email) VALUES ('x@example.com')",
        ),
        (
            "create_user",
            "INSERT INTO neon_auth_admin.users (email) SELECT key FROM import WHERE false",
        ),
        (
            "set_user_roles",
            "UPDATE neon_auth_admin.users SET role = 'admin'",
        ),
        ("delete_user", "DELETE FROM neon_auth_admin.users"),
        (
            "delete_user",
            "WITH gone AS (DELETE FROM neon_auth_admin.users) SELECT",
        ),
        (
            "add_oauth_provider",
            "INSERT INTO neon_auth_admin.oauth_providers (id) VALUES ('google')",
        ),
        (
            "update_oauth_provider",
            "UPDATE neon_auth_admin.oauth_providers SET client_id = 'x'",
        ),
        (
            "delete_oauth_provider",
            "DELETE FROM neon_auth_admin.oauth_providers",
        ),
        (
            "add_domain",
            "INSERT INTO neon_auth_admin.domains VALUES ('https://a.example')",
        ),
        ("delete_domain", "DELETE FROM neon_auth_admin.domains"),
        ("list_domains", "SELECT FROM neon_auth_admin.domains"),
        (
            "list_domains",
            "SELECT FROM neon_auth_admin.domains LIMIT 0",
        ),
        ("list_domains", "DELETE FROM neon_auth_admin.domains"),
        (
            "list_oauth_providers",
            "UPDATE neon_auth_admin.oauth_providers SET client_id = 'x'",
        ),
        ("list_users", "DELETE FROM neon_auth_admin.users"),
    ];
    if one(&mut world.session, VERSION).get::<_, i32>(0) >= 17 {
        statements.extend([
            (
                "create_user",
                "MERGE INTO neon_auth_admin.users AS u USING import ON u.email = key
                    WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (email) VALUES (key)",
            ),
            (
                "set_user_roles",
                "MERGE INTO neon_auth_admin.users AS u USING import ON true
                    WHEN MATCHED THEN UPDATE SET role = 'admin'",
            ),
        ]);
    }
    for (function, statement) in statements {
        let change = |verb: &str, preposition: &str| {
            format!("{verb} EXECUTE ON FUNCTION neon_auth_admin.{function} {preposition} {role}")
        };
        world.session.run(&change("REVOKE", "FROM"));
        world.session.run(&format!("SET ROLE {role}"));
        let denied = world.assert_refused(statement, "42501", &[]);
        let expected = format!("permission denied for function {function}");
        assert_eq!(denied.message(), expected, "{statement}");
        world.session.run("RESET ROLE");
        world.session.run(&change("GRANT", "TO"));
    }
    // COPY as well. It is refused before its first row, which this driver does not always understand.
    let revoke = format!("REVOKE EXECUTE ON FUNCTION neon_auth_admin.create_user FROM {role}");
    world.session.run(&revoke);
    let mut session = world.database.session();
    session.run(&format!("SET ROLE {role}"));
    let copy = "COPY neon_auth_admin.users (email) FROM STDIN";
    let denied = copy_in(&mut session, copy, "x@example.com\n").expect_err("no right");
    let refused = SqlState::INSUFFICIENT_PRIVILEGE;
    assert_eq!(denied.code().unwrap_or(&refused), &refused);
    assert_eq!(world.sent(), [""; 0]);
    world
        .session
        .run(&revoke.replace("REVOKE", "GRANT").replace("FROM", "TO"));
    // Columns can be granted alone.
    world.session.run(&format!(
        "REVOKE ALL ON neon_auth_admin.users FROM {role};
         GRANT INSERT (email), SELECT (id) ON neon_auth_admin.users TO {role}; SET ROLE {role}"
    ));
    let insert = format!(
        "INSERT INTO neon_auth_admin.users (email) VALUES ('{}')",
        world.email("b")
    );
    world.assert_refused(&format!("{insert} RETURNING email"), "42501", &[]);
    let named = "INSERT INTO neon_auth_admin.users (email, name) VALUES ('x@example.com', 'X')";
    world.assert_refused(named, "42501", &[]);
    world.assert_refused("DELETE FROM neon_auth_admin.users", "42501", &[]);
    world.assert(&format!("{insert} RETURNING id"), 1, &["POST users"]);
    // Nor may the owner of the database, by default.
    world.session.run("RESET ROLE");
    for view in [
        "users",
        "oauth_providers",
        "domains",
        "integrations",
        "oauth_clients",
    ] {
        let trigger = format!(
            "CREATE TRIGGER mine INSTEAD OF INSERT ON neon_auth_admin.{view} FOR EACH ROW
                EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()"
        );
        world.assert_refused(&trigger, "42501", &[]);
    }
}

#[test]
fn users_of_another_branch_are_out_of_reach() {
    let mut world = World::new("it_view_branch");
    world.add_users(&["a"]);
    world
        .session
        .run("ALTER SERVER neon OPTIONS (SET branch_id 'br-production-1')");
    for statement in [
        "DELETE FROM neon_auth_admin.users",
        "UPDATE neon_auth_admin.users SET role = 'x'",
        "INSERT INTO neon_auth_admin.users (email) VALUES ('x@example.com')",
    ] {
        world.assert_refused(statement, "NA008", &[]);
    }
    world
        .session
        .run("ALTER SERVER neon OPTIONS (DROP branch_id)");
    world.assert_refused("UPDATE neon_auth_admin.users SET role = 'x'", "NA008", &[]);
}

#[test]
fn what_looks_sends_nothing() {
    let mut world = World::new("it_view_probes");
    for view in [
        "users",
        "oauth_providers",
        "domains",
        "integrations",
        "oauth_clients",
    ] {
        for probe in [
            "SELECT * FROM {} LIMIT 0",
            "SELECT * FROM {} WHERE false",
            "EXPLAIN (VERBOSE) SELECT * FROM {}",
            "CREATE TABLE copy AS TABLE {} WITH NO DATA; DROP TABLE copy",
            "SELECT * FROM information_schema.columns WHERE table_schema = 'neon_auth_admin'",
            "SELECT pg_relation_is_updatable('{}'::regclass, true), pg_get_viewdef('{}'::regclass)",
            "ANALYZE {}",
        ] {
            let statement = probe.replace("{}", &format!("neon_auth_admin.{view}"));
            world.session.run(&statement);
        }
    }
    world
        .session
        .run("EXPLAIN DELETE FROM neon_auth_admin.users");
    let name = world.database.name.clone();
    let dump = output("pg_dump", &["--username", &name, "--dbname", &name]);
    assert!(
        !dump.contains("VIEW") && !dump.contains("TRIGGER"),
        "{dump}"
    );
    let dump = output(
        "pg_dump",
        &[
            "--username",
            "postgres",
            "--dbname",
            &name,
            "--binary-upgrade",
        ],
    );
    assert!(dump.contains("CREATE VIEW"), "{dump}");
    let shown = output(
        "psql",
        &[
            "-X",
            "-U",
            &name,
            "-d",
            &name,
            "-c",
            "\\d+ neon_auth_admin.*",
            "-c",
            "\\dv+ neon_auth_admin.*",
        ],
    );
    assert!(shown.contains("oauth_providers"), "{shown}");
    assert_eq!(world.sent(), [""; 0]);

    world
        .session
        .run("BEGIN READ ONLY; TABLE neon_auth_admin.domains; TABLE neon_auth_admin.users");
    assert_eq!(world.sent(), ["GET domains"], "a look is a request");
    world.session.run(
        "TABLE neon_auth_admin.oauth_providers; TABLE neon_auth_admin.integrations;
         TABLE neon_auth_admin.oauth_clients; ROLLBACK",
    );
    assert_eq!(world.sent().len(), 3);
    for write in [
        "DELETE FROM neon_auth_admin.domains",
        "INSERT INTO neon_auth_admin.users (email) VALUES ('x@example.com')",
        "UPDATE neon_auth_admin.oauth_providers SET client_id = 'x'",
    ] {
        world.session.run("BEGIN READ ONLY");
        world.assert_refused(write, "25006", &[]);
        world.session.run("ROLLBACK");
    }
}
