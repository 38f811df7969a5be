//! Views in the eyes of the ledger: what INSERT and COPY create, once each.

use std::sync::{Arc, Mutex};

use postgres::NoTls;
use postgres::error::SqlState;

use super::{World, copy_in};
use crate::support::{Statements, config, server_log};

#[test]
fn a_file_of_users_is_created_once() {
    let mut world = World::new("it_view_copy");
    let (ada, bob, eve) = (world.email("ada"), world.email("bob"), world.email("eve"));
    let copy = "COPY neon_auth_admin.users (email, name) FROM STDIN CSV HEADER";
    let lines = format!("email,name\n{ada},Ada\n{bob},Bob\n");
    let count = copy_in(&mut world.session, copy, &lines).expect("copied");
    assert_eq!((count, world.sent()), (2, vec!["POST users".to_owned(); 2]));
    assert_eq!(world.body()["name"], "Bob");

    let lines = format!("email,name\n{eve},Eve\n{ada},Ada\n{bob},Bob\n");
    let error = copy_in(&mut world.session, copy, &lines).expect_err("a user is there");
    assert_eq!(
        world.sent(),
        ["POST users"; 2],
        "nothing after the first that fails"
    );
    let error = error.as_db_error().expect("of the server");
    assert_eq!(error.code(), &SqlState::UNIQUE_VIOLATION);
    let detail = error.detail().unwrap_or_default();
    assert!(
        detail.ends_with("are done and stay so: 1 created."),
        "{detail}"
    );
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains("ON CONFLICT has no effect"), "{hint}");
    let context = error.where_().unwrap_or_default();
    assert!(context.starts_with("COPY users, line 3"), "{context}");

    let only = format!("{copy} WHERE email LIKE 'zoe@%'");
    let lines = format!("email,name\n{ada},Ada\n{},Zoe\n", world.email("zoe"));
    let count = copy_in(&mut world.session, &only, &lines).expect("copied");
    assert_eq!((count, world.sent()), (1, vec!["POST users".to_owned()]));
}

#[test]
fn an_insert_returns_ids() {
    let mut world = World::new("it_view_insert");
    let emails = [world.email("a"), world.email("b")];
    let insert =
        "INSERT INTO neon_auth_admin.users (id, email, name) VALUES ('', $1, 'A'), (NULL, $2, NULL)
        RETURNING *";
    let rows = world.session.query(insert, &[&emails[0], &emails[1]]);
    let rows = rows.expect("two rows");
    assert_eq!(world.sent(), ["POST users"; 2]);
    for (row, email) in rows.iter().zip(&emails) {
        assert_eq!(row.get::<_, &str>("id").len(), 36);
        assert_eq!(row.get::<_, &str>("email"), email);
    }
    assert_eq!(rows[0].get::<_, Option<&str>>("name"), Some("A"));

    world.assert(
        "INSERT INTO neon_auth_admin.domains (domain) VALUES ('https://a.example')",
        1,
        &["POST domains"],
    );
    for (values, state) in [
        (
            "users (email, id) VALUES ('x@example.com', 'mine')",
            "22023",
        ),
        (
            "users (email, role) VALUES ('x@example.com', 'admin')",
            "22023",
        ),
        (
            "users (email, created_at) VALUES ('x@example.com', now())",
            "22023",
        ),
        ("users (email) VALUES (NULL)", "22004"),
        ("users (email) VALUES ('x')", "22023"),
        (
            "users (email) VALUES ('x@example.com') ON CONFLICT (email) DO NOTHING",
            "42P10",
        ),
        (
            "domains (domain, auth_provider) VALUES ('https://b.example', 'stack')",
            "22023",
        ),
        ("domains VALUES (NULL)", "22004"),
        (
            "oauth_providers (id, type) VALUES ('google', 'shared')",
            "22023",
        ),
        (
            "oauth_providers (id, client_id, client_secret) VALUES ('google', 'x', '********')",
            "22023",
        ),
        ("integrations (name) VALUES ('x')", "55000"),
    ] {
        world.assert_refused(&format!("INSERT INTO neon_auth_admin.{values}"), state, &[]);
    }
}

#[test]
fn secrets_do_not_come_by_copy() {
    let mut world = World::new("it_view_secret");
    let copy = "COPY neon_auth_admin.oauth_providers (id, client_id, client_secret) FROM STDIN CSV";
    let secret = "c4n4ry-of-copy";
    let line = format!("google,x,{secret}\n");
    let error = copy_in(&mut world.session, copy, &line).expect_err("refused");
    assert_eq!(error.code(), Some(&SqlState::from_code("NA008")));
    assert!(!format!("{error:?}").contains(secret), "{error:?}");
    assert!(!server_log().contains(secret), "in the log");
    // Nor through a table whose trigger hands it on.
    world.session.run(
        "CREATE TABLE staging (id text, client_id text, client_secret text);
         CREATE FUNCTION hand_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO neon_auth_admin.oauth_providers (id, client_id, client_secret)
                 VALUES (NEW.id, NEW.client_id, NEW.client_secret);
             RETURN NEW; END $$;
         CREATE TRIGGER hand_on BEFORE INSERT ON staging FOR EACH ROW EXECUTE FUNCTION hand_on()",
    );
    let error =
        copy_in(&mut world.session, "COPY staging FROM STDIN CSV", &line).expect_err("refused");
    assert_eq!(error.code(), Some(&SqlState::from_code("NA008")));
    assert!(!format!("{error:?}").contains(secret), "{error:?}");
    assert_eq!(world.sent(), [""; 0]);
    // Without one, it is like any other.
    let copy = "COPY neon_auth_admin.oauth_providers (id) FROM STDIN CSV";
    world
        .session
        .run("DELETE FROM neon_auth_admin.oauth_providers");
    world.sent();
    copy_in(&mut world.session, copy, "github\n").expect("copied");
    assert_eq!(world.sent(), ["POST oauth_providers"]);
}

#[test]
fn no_more_than_so_many_rows() {
    let mut world = World::new("it_view_most");
    world.session.run("SET neon_auth_admin.max_rows = 3");
    let insert = "INSERT INTO neon_auth_admin.domains SELECT 'https://' || n || '.example' FROM generate_series(1, $1) AS n";
    let three = world.session.execute(insert, &[&3]).expect("three");
    assert_eq!((three, world.sent().len()), (3, 3));
    world.session.run("DELETE FROM neon_auth_admin.domains");
    world.sent();
    let error = world.session.execute(insert, &[&5]).expect_err("five");
    assert_eq!(world.sent(), ["POST domains"; 3]);
    let error = error.as_db_error().expect("of the server");
    assert_eq!(error.code(), &SqlState::from_code("P0003"));
    assert!(
        error.detail().unwrap_or_default().ends_with("3 created."),
        "{error:?}"
    );
    let hint = error.hint().unwrap_or_default();
    for way in ["enqueue()", "neon_auth_admin.max_rows"] {
        assert!(hint.contains(way), "{hint}");
    }
    // Whatever the statement does.
    world.session.run("SET neon_auth_admin.max_rows = 1");
    for (statement, sent, done) in [
        (
            "DELETE FROM neon_auth_admin.domains",
            ["GET domains", "DELETE domains"],
            "1 deleted.",
        ),
        (
            "UPDATE neon_auth_admin.oauth_providers SET client_id = 'id', client_secret = 'a secret'",
            ["GET oauth_providers", "PATCH oauth_providers"],
            "1 changed.",
        ),
    ] {
        let error = world.assert_refused(statement, "P0003", &sent);
        let detail = error.detail().unwrap_or_default();
        assert!(detail.ends_with(done), "{statement}: {detail}");
    }
}

#[test]
fn what_is_done_is_said_when_a_statement_is_cancelled() {
    let world = World::new("it_view_cancelled");
    let heard = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&heard);
    let mut session = config(&world.database.name, &world.database.name)
        .notice_callback(move |notice| *hears.lock().expect("no panic") += &format!("{notice:?}"))
        .connect(NoTls)
        .expect("a session");
    session.run(
        "CREATE FUNCTION domain(n integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
             IF n = 3 THEN EXECUTE $q$ ALTER SERVER neon OPTIONS (SET project_id 'fault-silent--view') $q$; END IF;
             RETURN 'https://' || n || '.example'; END $$",
    );
    let mut transaction = session.transaction().expect("a transaction");
    transaction.run("SET LOCAL statement_timeout = '2s'");
    let insert =
        "INSERT INTO neon_auth_admin.domains SELECT domain(n) FROM generate_series(1, 3) AS n";
    transaction.refused(insert, &SqlState::QUERY_CANCELED);
    drop(transaction);
    let heard = heard.lock().expect("no panic");
    assert!(
        heard.contains("are done and stay so: 2 created."),
        "{heard}"
    );
}
