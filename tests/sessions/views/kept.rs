//! Views in the eyes of the ledger: for which rows UPDATE, DELETE and MERGE call, and how often.

use serde_json::json;

use super::{VERSION, World};
use crate::support::{Statements, one};

/// The statements of which docs/tooling.md says that they call for the rows that they keep and for no others.
#[test]
fn exactly_the_rows_that_are_kept() {
    let mut world = World::new("it_view_exact");
    world.add_users(&["a", "b", "c", "d", "e"]);
    world
        .session
        .run("CREATE TABLE staff (email text); CREATE TABLE none (email text)");
    let staff = format!(
        "INSERT INTO staff VALUES ('{0}'), ('{0}')",
        world.email("a")
    );
    world.session.run(&staff);
    let update = "UPDATE neon_auth_admin.users AS u SET role = 'admin'";
    for condition in [
        "EXISTS (SELECT FROM staff WHERE staff.email = u.email)",
        "email IN (SELECT email FROM staff)",
        "email = (SELECT DISTINCT email FROM staff)",
        "email = ANY (ARRAY(SELECT email FROM staff))",
        "NOT EXISTS (SELECT FROM neon_auth_admin.users AS o WHERE o.name < u.name)",
    ] {
        world.assert(&format!("{update} WHERE {condition}"), 1, &["PUT users"]);
        assert_eq!(world.body()["roles"], json!(["admin"]));
    }
    world.assert(
        &format!("{update} WHERE email IN (SELECT email FROM none)"),
        0,
        &[],
    );
    world.assert(&format!("{update} WHERE false"), 0, &[]);

    let delete = "DELETE FROM neon_auth_admin.users AS u";
    let kept = "WHERE name = 'a' AND EXISTS (SELECT FROM staff WHERE staff.email = u.email)";
    world.assert(
        &format!("{delete} {kept} RETURNING id"),
        1,
        &["DELETE users"],
    );
    world.assert(
        &format!("WITH gone AS ({delete} WHERE name = 'b') SELECT"),
        1,
        &["DELETE users"],
    );

    world.session.run(
        "INSERT INTO neon_auth_admin.domains VALUES ('https://a.example'), ('https://b.example')",
    );
    assert_eq!(world.sent(), ["POST domains"; 2]);
    let delete = "DELETE FROM neon_auth_admin.domains WHERE domain LIKE '%//b%'";
    world.assert(delete, 1, &["GET domains", "DELETE domains"]);
    world.assert(delete, 0, &["GET domains"]);
}

#[test]
fn a_row_that_is_joined_twice_is_deleted_once() {
    let mut world = World::new("it_view_joined");
    world.add_users(&["a", "b", "c"]);
    let staff = format!(
        "CREATE TABLE staff AS SELECT * FROM (VALUES ('{0}', 'x'), ('{0}', 'x'), ('{1}', 'x'), ('{1}', 'y'))
            AS staff (email, role)",
        world.email("a"),
        world.email("b")
    );
    world.session.run(&staff);
    let delete = "DELETE FROM neon_auth_admin.users AS u USING staff AS s WHERE s.email = u.email AND u.name = 'a'
        RETURNING u.id";
    world.session.run("BEGIN; SAVEPOINT before");
    world.assert(delete, 1, &["DELETE users"]);
    // This database still shows the user, and nothing takes the call back.
    world.assert(delete, 0, &[]);
    world.session.run("ROLLBACK TO before");
    world.assert(delete, 0, &[]);
    world.assert(
        "UPDATE neon_auth_admin.users SET role = 'x' WHERE name = 'a'",
        0,
        &[],
    );
    world.session.run("COMMIT");
    world.assert_refused(delete, "P0002", &["DELETE users"]);

    let update = "UPDATE neon_auth_admin.users AS u SET role = s.role FROM staff AS s WHERE s.email = u.email";
    let error = world.assert_refused(
        &format!("{update} AND u.name = 'b'"),
        "21000",
        &["PUT users"],
    );
    assert!(
        error.detail().unwrap_or_default().ends_with("1 changed."),
        "{error:?}"
    );
    let once =
        "UPDATE neon_auth_admin.users AS u SET role = 'x' FROM staff AS s WHERE s.email = u.email";
    world.assert(&format!("{once} AND u.name = 'b'"), 1, &["PUT users"]);
    // Another statement may change it again, to the same.
    world.assert(&format!("{once} AND u.name = 'b'"), 1, &["PUT users"]);

    // What Neon itself lists can come again.
    let delete = "DELETE FROM neon_auth_admin.domains AS d USING staff";
    let insert = "INSERT INTO neon_auth_admin.domains VALUES ('https://a.example')";
    let sent = ["GET domains", "DELETE domains"];
    world.session.run("BEGIN");
    for _ in 0..2 {
        world.assert(insert, 1, &["POST domains"]);
        world.assert(delete, 1, &sent);
    }
    world.session.run("COMMIT");
}

#[test]
fn merge_does_what_it_says() {
    let mut world = World::new("it_view_merge");
    world.add_users(&["a", "b", "c"]);
    let wanted = format!(
        "CREATE TABLE wanted AS SELECT * FROM (VALUES ('{}', 'x'), ('{}', 'y')) AS wanted (email, role)",
        world.email("a"),
        world.email("new")
    );
    world.session.run(&wanted);
    let merge = "MERGE INTO neon_auth_admin.users AS u USING wanted AS w ON w.email = u.email
        WHEN MATCHED THEN UPDATE SET role = w.role WHEN NOT MATCHED THEN INSERT (email) VALUES (w.email)";
    match one(&mut world.session, VERSION).get::<_, i32>(0) {
        14 => drop(world.assert_refused(merge, "42601", &[])),
        15 | 16 => drop(world.assert_refused(merge, "0A000", &[])),
        version => {
            let mut sent = {
                assert_eq!(world.session.execute(merge, &[]).expect(merge), 2);
                world.sent()
            };
            sent.sort();
            assert_eq!(sent, ["POST users", "PUT users"], "on {version}");
            let doubled = "MERGE INTO neon_auth_admin.users AS u
                USING (SELECT role FROM wanted) AS w ON u.name = 'b'
                WHEN MATCHED THEN UPDATE SET role = w.role";
            world.assert_refused(doubled, "21000", &["PUT users"]);
            let gone = "MERGE INTO neon_auth_admin.users AS u USING wanted AS w ON u.name = 'c'
                WHEN MATCHED THEN DELETE";
            world.assert(gone, 1, &["DELETE users"]);
        }
    }
}
