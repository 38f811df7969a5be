//! Views in the eyes of the ledger: who may do what through a view, and what looks at it without a request.

use super::World;
use crate::programs::output;
use crate::support::{Statements, connect, variable};

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
    // A view over ours is written through, with the functions' rights of who writes.
    world.session.run(&format!(
        "RESET ROLE; CREATE VIEW public.mine AS SELECT domain FROM neon_auth_admin.domains;
         GRANT INSERT, DELETE, SELECT ON public.mine TO {role}; SET ROLE {role}"
    ));
    world.assert(
        "INSERT INTO public.mine VALUES ('https://b.example')",
        1,
        &["POST domains"],
    );
    world.assert_refused("DELETE FROM public.mine", "42501", &[]);
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
    world.session.run("ROLLBACK; BEGIN READ ONLY");
    world.assert_refused("DELETE FROM neon_auth_admin.domains", "25006", &[]);
    world.session.run("ROLLBACK");
}
