//! Views in the eyes of the ledger: each form of a statement of which docs/tooling.md says how often it calls,
//! whatever plan Postgres makes of it.

use std::fs;

use super::World;
use crate::programs::output;
use crate::support::{Statements, variable};

/// With each, Postgres joins otherwise.
const PLANS: [&str; 4] = [
    "RESET ALL",
    "SET enable_hashjoin = off; SET enable_hashagg = off",
    "SET enable_mergejoin = off; SET enable_nestloop = off; SET enable_sort = off",
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off",
];

/// Of the row that is `{key}` in the column `key`, whose partner is in the table `staff` twice.
const KEEPING: [&str; 7] = [
    "v.key = '{key}'",
    "v.key IN (SELECT key FROM staff WHERE key = '{key}')",
    "v.key IN (SELECT key FROM staff) AND v.key = '{key}'",
    "EXISTS (SELECT FROM staff WHERE staff.key = v.key AND staff.key = '{key}')",
    "v.key = (SELECT DISTINCT key FROM staff WHERE key = '{key}')",
    "v.key = ANY (ARRAY(SELECT key FROM staff WHERE key = '{key}'))",
    "(SELECT count(*) FROM staff WHERE staff.key = v.key) = 2 AND v.key = '{key}'",
];

/// Each plan with each form, numbered.
fn tried() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    let forms = PLANS
        .into_iter()
        .flat_map(|plan| KEEPING.map(|form| (plan, form)));
    forms.enumerate().map(|(n, (plan, form))| (n, plan, form))
}

fn condition(form: &str, column: &str, key: &str) -> String {
    let form = form.replace("v.key", &format!("v.{column}"));
    form.replace("{key}", key)
}

#[test]
fn of_users() {
    let mut world = World::new("it_view_forms");
    let names: Vec<_> = tried().map(|(n, ..)| format!("u{n}")).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    world.add_users(&all);
    world.session.run(
        "CREATE TABLE staff AS
            SELECT email AS key FROM neon_auth_admin.users, generate_series(1, 2); ANALYZE staff",
    );
    for (n, plan, form) in tried() {
        world.session.run(plan);
        let keeps = condition(form, "email", &world.email(&names[n]));
        let update = format!("UPDATE neon_auth_admin.users AS v SET role = 'admin' WHERE {keeps}");
        world.assert(&update, 1, &["PUT users"]);
        let delete = format!("DELETE FROM neon_auth_admin.users AS v WHERE {keeps}");
        world.assert(&delete, 1, &["DELETE users"]);
    }
    let keyless = "UPDATE neon_auth_admin.users SET role = 'user'
        WHERE email IN (SELECT key || '.not' FROM staff)";
    world.assert(keyless, 0, &[]);
}

#[test]
fn of_what_neon_lists() {
    let mut world = World::new("it_view_listed");
    world.session.run(
        "CREATE TABLE staff (key text);
         INSERT INTO staff VALUES ('https://a.example'), ('google'), ('https://a.example'), ('google');
         ANALYZE staff;
         INSERT INTO neon_auth_admin.domains VALUES ('https://b.example'), ('https://c.example')",
    );
    world.sent();
    for (n, plan, form) in tried() {
        world.session.run(plan);
        world
            .session
            .run("INSERT INTO neon_auth_admin.domains VALUES ('https://a.example')");
        assert_eq!(world.sent(), ["POST domains"]);
        let keeps = condition(form, "domain", "https://a.example");
        let delete = format!("DELETE FROM neon_auth_admin.domains AS v WHERE {keeps}");
        world.assert(&delete, 1, &["GET domains", "DELETE domains"]);

        let keeps = condition(form, "id", "google");
        let update = format!(
            "UPDATE neon_auth_admin.oauth_providers AS v
                SET client_id = 'id-{n}', client_secret = 'secret-{n}' WHERE {keeps}"
        );
        let sent = ["GET oauth_providers", "PATCH oauth_providers"];
        world.assert(&update, 1, &sent);
        let delete = format!("DELETE FROM neon_auth_admin.oauth_providers AS v WHERE {keeps}");
        let sent = ["GET oauth_providers", "DELETE oauth_providers"];
        world.assert(&delete, 1, &sent);
        let insert = "INSERT INTO neon_auth_admin.oauth_providers (id) VALUES ('google')";
        world.assert(insert, 1, &["POST oauth_providers"]);
    }
}

#[test]
fn each_time_that_a_view_is_named_is_a_look() {
    let mut world = World::new("it_view_looks");
    world
        .session
        .run("CREATE TABLE five AS SELECT n FROM generate_series(1, 5) AS n; ANALYZE five");
    let insert =
        "INSERT INTO neon_auth_admin.domains VALUES ('https://a.example'), ('https://b.example')";
    world.session.run(insert);
    world.sent();
    for plan in PLANS {
        world.session.run(plan);
        for (query, looks) in [
            ("SELECT FROM {} AS a", 1),
            ("SELECT FROM {} AS a JOIN {} AS b USING (domain)", 2),
            ("TABLE {} UNION ALL TABLE {}", 2),
            ("SELECT FROM five, {} AS a", 1),
            (
                "SELECT (SELECT count(*) FROM {} AS a WHERE length(a.domain) > n) FROM five",
                1,
            ),
            (
                "SELECT FROM five, LATERAL (SELECT FROM {} AS a WHERE length(a.domain) > n) AS b",
                1,
            ),
            (
                "SELECT FROM five WHERE NOT EXISTS (SELECT FROM {} AS a WHERE length(a.domain) = n)",
                1,
            ),
            (
                "SELECT FROM five LEFT JOIN {} AS a ON length(a.domain) = n",
                1,
            ),
            ("SELECT FROM {} AS a FOR UPDATE", 1),
            ("SELECT FROM five WHERE EXISTS (SELECT FROM {}) OR true", 0),
            ("SELECT FROM {} AS a WHERE false", 0),
            ("SELECT FROM {} AS a LIMIT 0", 0),
        ] {
            let statement = query.replace("{}", "neon_auth_admin.domains");
            world.session.query(&statement, &[]).expect(&statement);
            assert_eq!(
                world.sent(),
                vec!["GET domains"; looks],
                "{plan}: {statement}"
            );
        }
    }
}

/// As people do it, with psql.
#[test]
fn a_file_is_copied_by_psql() {
    let mut world = World::new("it_view_psql");
    let file = format!("{}/it_view_psql.csv", variable("PGHOST"));
    let lines = format!(
        "email,name\n{},Ada\n{},\n",
        world.email("ada"),
        world.email("bob")
    );
    fs::write(&file, lines).expect("a file");
    let name = world.database.name.clone();
    let copy = format!("\\copy neon_auth_admin.users (email, name) FROM '{file}' CSV HEADER");
    let said = output("psql", &["-X", "-U", &name, "-d", &name, "-c", &copy]);
    fs::remove_file(&file).expect("our own file");
    assert_eq!(said.trim(), "COPY 2");
    assert_eq!(world.sent(), ["POST users"; 2]);
}
