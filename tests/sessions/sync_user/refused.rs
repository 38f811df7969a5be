//! What a table, a trigger or a statement must be like, and what is said otherwise.

use super::{Synced, TABLE, calls, trigger_on};
use crate::support::{Statements, connect, one};

fn refusal(synced: &Synced, statements: &str) -> String {
    let error = synced
        .session()
        .batch_execute(statements)
        .expect_err(statements);
    let error = error.as_db_error().expect("of the server");
    format!("{} {}", error.message(), error.detail().unwrap_or_default())
        .trim()
        .to_owned()
}

#[test]
fn what_a_table_must_be_like() {
    let synced = Synced::bare("it_sync_like", "test-sync-like");
    let cases = [
        (
            "id bigint, email text, name text, auth_user_id text",
            "needs a primary key",
        ),
        (
            "id bigint PRIMARY KEY DEFERRABLE, email text, name text, auth_user_id text",
            "needs a primary key that is not deferrable",
        ),
        (
            "id int PRIMARY KEY, email text, name text",
            "\"auth_user_id\" of public.t does not exist",
        ),
        (
            "id int PRIMARY KEY, email int, name text, auth_user_id text",
            "\"email\" cannot be used",
        ),
        (
            "id int PRIMARY KEY, email text, name text, auth_user_id int",
            "\"auth_user_id\" cannot be used",
        ),
        (
            "id int, email text, name text, auth_user_id text PRIMARY KEY",
            "none of the primary key",
        ),
        (
            "id int PRIMARY KEY, email text, name text, auth_user_id text_of_mine",
            "no domain",
        ),
        (
            "id int PRIMARY KEY, email text, name text, auth_user_id text GENERATED ALWAYS AS (lower(email)) STORED",
            "none that is generated",
        ),
    ];
    let mut session = synced.session();
    let virtual_column = (
        "id int PRIMARY KEY, mail text, email text GENERATED ALWAYS AS (lower(mail)) VIRTUAL, name text,
             auth_user_id text",
        "none that is generated",
    );
    let version = "SELECT current_setting('server_version_num')::int / 10000";
    let has_virtual = one(&mut session, version).get::<_, i32>(0) >= 18;
    let cases = cases
        .into_iter()
        .chain(has_virtual.then_some(virtual_column));
    session.run("CREATE DOMAIN text_of_mine AS text CHECK (VALUE <> '')");
    for (columns, expected) in cases {
        session.run(&format!("CREATE TABLE t ({columns}); {}", trigger_on("t")));
        let insert = "INSERT INTO t SELECT FROM (SELECT) AS one";
        let insert = match columns.contains("PRIMARY") {
            true if columns.contains("auth_user_id text PRIMARY") => {
                "INSERT INTO t (auth_user_id) VALUES ('x')"
            }
            true => "INSERT INTO t (id) VALUES (1)",
            false => insert,
        };
        let said = refusal(&synced, insert);
        assert!(said.contains(expected), "{said}");
        session.run("DROP TABLE t");
    }
    session.run(&format!(
        "CREATE TEMP TABLE t (id int PRIMARY KEY, email text, name text, auth_user_id text); {}",
        trigger_on("t")
    ));
    let error = session
        .batch_execute("INSERT INTO t VALUES (1)")
        .expect_err("temporary");
    assert!(
        error
            .as_db_error()
            .unwrap()
            .message()
            .contains("cannot be kept together")
    );
}

#[test]
fn what_a_trigger_must_be_like() {
    let synced = Synced::bare("it_sync_triggers", "test-sync-triggers");
    let mut session = synced.session();
    session.run(TABLE);
    let with = "EXECUTE FUNCTION neon_auth_admin.sync_user";
    let cases = [
        (
            format!(
                "BEFORE INSERT ON customers FOR EACH ROW {with}('email', 'name', 'auth_user_id')"
            ),
            "AFTER INSERT OR UPDATE",
        ),
        (
            format!(
                "AFTER INSERT ON customers FOR EACH STATEMENT {with}('email', 'name', 'auth_user_id')"
            ),
            "FOR EACH ROW",
        ),
        (
            format!("AFTER INSERT ON customers FOR EACH ROW {with}('email')"),
            "wrong arguments",
        ),
        (
            format!("AFTER INSERT ON customers FOR EACH ROW {with}('email', '', 'email')"),
            "wrong arguments",
        ),
        (
            format!(
                "AFTER INSERT ON customers FOR EACH ROW {with}('email', 'email', 'auth_user_id')"
            ),
            "wrong arguments",
        ),
        (
            format!(
                "AFTER INSERT ON customers FOR EACH ROW {with}('email', 'nam', 'auth_user_id')"
            ),
            "\"nam\" of public.customers does not exist",
        ),
        (
            format!(
                "AFTER INSERT ON customers FOR EACH ROW {with}('email', '', 'auth_user_id', 'nowhere')"
            ),
            "nowhere",
        ),
    ];
    for (trigger, expected) in cases {
        session.run(&format!("CREATE TRIGGER auth {trigger}"));
        let said = refusal(
            &synced,
            "INSERT INTO customers (email) VALUES ('ada@example.com')",
        );
        assert!(said.contains(expected), "{said}");
        session.run("DROP TRIGGER auth ON customers");
    }
    session.run(&format!(
        "CREATE VIEW seen AS SELECT * FROM customers;
         CREATE TRIGGER auth INSTEAD OF INSERT ON seen FOR EACH ROW {with}('email', 'name', 'auth_user_id')"
    ));
    let said = refusal(&synced, "INSERT INTO seen VALUES (1, 'ada@example.com')");
    assert!(said.contains("AFTER INSERT OR UPDATE"), "{said}");
    assert!(refusal(&synced, "SELECT neon_auth_admin.sync_user()").contains("trigger"));
}

#[test]
fn what_statements_are_refused() {
    let synced = Synced::new("it_sync_refused", "test-sync-refused");
    let mut session = synced.session();
    session.run(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON customers FOR EACH STATEMENT
         EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id')",
    );
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    synced.deliver();
    assert!(refusal(&synced, "TRUNCATE customers").contains("cannot truncate"));
    let said = refusal(&synced, "UPDATE customers SET email = 'x@example.com'");
    assert!(said.contains("cannot change column \"email\""), "{said}");
    assert!(
        refusal(
            &synced,
            "INSERT INTO customers (email) VALUES ('no address')"
        )
        .contains("\"email\"")
    );
    session.run("UPDATE customers SET email = 'Ada@example.com'");

    // The id is the owner's.
    synced.admin().run("CREATE ROLE it_sync_refused_web LOGIN");
    session.run("GRANT ALL ON customers TO it_sync_refused_web");
    let mut web = connect("it_sync_refused", "it_sync_refused_web");
    for statement in [
        "UPDATE customers SET auth_user_id = 'd2f2a9e5-0000-4000-8000-000000000001'",
        "INSERT INTO customers (email, auth_user_id)
         VALUES ('eve@example.com', 'd2f2a9e5-0000-4000-8000-000000000001')",
    ] {
        let error = web.batch_execute(statement).expect_err(statement);
        let error = error.as_db_error().expect("of the server");
        assert!(error.message().contains("only the owner"), "{error}");
    }
    session.run(
        "INSERT INTO customers (email, auth_user_id)
         VALUES ('eve@example.com', 'd2f2a9e5-0000-4000-8000-000000000001')",
    );
}

/// Who owns a table needs all that its calls need, whoever writes.
#[test]
fn the_owner_needs_the_rights() {
    let synced = Synced::new("it_sync_rights", "test-sync-rights");
    let (mut session, mut admin) = (synced.session(), synced.admin());
    let insert = "INSERT INTO customers (email) VALUES ('ada@example.com')";
    for function in ["sync_user", "create_user", "delete_user"] {
        let function = format!("FUNCTION neon_auth_admin.{function}");
        admin.run(&format!(
            "REVOKE EXECUTE ON {function} FROM it_sync_rights, pg_database_owner"
        ));
        for writer in [&mut session, &mut admin] {
            let error = writer.batch_execute(insert).expect_err(insert);
            let said = error.as_db_error().expect("of the server").message();
            assert!(said.contains("permission denied"), "{function}: {said}");
        }
        admin.run(&format!("GRANT EXECUTE ON {function} TO it_sync_rights"));
    }
    admin.run(insert);
    assert_eq!(calls(&mut session), "create_user waiting");
}

/// What both would do, the second would find done, and its deletion would fail.
#[test]
fn two_triggers_for_one_column_are_refused() {
    let synced = Synced::bare("it_sync_twice", "test-sync-twice");
    let mut session = synced.session();
    session.run(TABLE);
    session.run(&trigger_on("customers"));
    session.run(&trigger_on("customers").replace("TRIGGER auth", "TRIGGER again"));
    let insert = "INSERT INTO customers (email) VALUES ('ada@example.com')";
    let said = refusal(&synced, insert);
    assert!(said.contains("Two of its triggers"), "{said}");
    // One that is disabled does nothing; nor is one for other events, or for another column, the same.
    session.run("ALTER TABLE customers DISABLE TRIGGER again");
    session.run(insert);
    session.run(
        "DROP TRIGGER again ON customers; DROP TRIGGER auth ON customers;
         CREATE TRIGGER auth AFTER INSERT ON customers FOR EACH ROW
             EXECUTE FUNCTION neon_auth_admin.sync_user('email', '', 'auth_user_id');
         CREATE TRIGGER gone AFTER DELETE ON customers FOR EACH ROW
             EXECUTE FUNCTION neon_auth_admin.sync_user('email', '', 'auth_user_id');
         INSERT INTO customers (email) VALUES ('eve@example.com'); DELETE FROM customers",
    );
}

/// Which of many it was, as COPY does not say it.
#[test]
fn the_row_that_is_refused_is_named() {
    let synced = Synced::new("it_sync_nth", "test-sync-nth");
    let insert = "INSERT INTO customers (email)
        SELECT CASE n WHEN 250 THEN 'no address' ELSE n || '@example.com' END FROM generate_series(1, 300) AS n";
    let said = refusal(&synced, insert);
    assert!(
        said.ends_with("It is row 250 of those that were inserted."),
        "{said}"
    );
    let said = refusal(
        &synced,
        "INSERT INTO customers (email) VALUES ('no address')",
    );
    assert!(!said.contains(" row "), "{said}");
}
