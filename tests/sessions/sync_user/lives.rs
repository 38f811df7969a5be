//! The life of a row: what is called for it, and what it has in the end.

use super::{Synced, TABLE, calls, trigger_on, users, wait_for_linked, words};
use crate::support::{Statements, connect, one, wait_until};

const ADA: &str = "INSERT INTO customers (email, name) VALUES ('ada@example.com', 'Ada')";

#[test]
fn a_row_gets_its_user_and_takes_it_along() {
    let synced = Synced::new("it_sync_row", "test-sync-row");
    let mut session = synced.session();
    session.run(ADA);
    session.run("BEGIN; INSERT INTO customers (email) VALUES ('never@example.com'); ROLLBACK");
    assert_eq!(calls(&mut session), "create_user waiting");
    synced.deliver();
    synced.wait_for_users("ada@example.com");
    wait_for_linked(&mut session, (1, 0));
    session.run("UPDATE customers SET name = 'Countess', note = 'x', id = 17");
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
    assert_eq!(calls(&mut session), "create_user done, delete_user done");
}

#[test]
fn what_was_not_sent_is_taken_back() {
    let synced = Synced::new("it_sync_back", "test-sync-back");
    let mut session = synced.session();
    session.run(ADA);
    session.run("DELETE FROM customers");
    session.run(ADA);
    session.run("UPDATE customers SET email = 'ada@example.org'");
    synced.deliver();
    synced.wait_for_users("ada@example.org");
    assert_eq!(
        calls(&mut session),
        "create_user cancelled, create_user cancelled, create_user done"
    );
    wait_for_linked(&mut session, (1, 0));
}

/// A deletion and a creation of the same address are made in their order, though one has an id alone.
#[test]
fn a_row_that_comes_back_gets_another_user() {
    let synced = Synced::new("it_sync_again", "test-sync-again");
    let mut session = synced.session();
    session.run(ADA);
    synced.deliver();
    synced.wait_for_users("ada@example.com");
    session.run("DELETE FROM customers");
    session.run(ADA);
    synced.deliver();
    assert_eq!(
        calls(&mut session),
        "create_user done, delete_user done, create_user done"
    );
    synced.wait_for_users("ada@example.com");
    wait_for_linked(&mut session, (1, 0));
}

/// The answer is out while the row goes: what was made is deleted, before the next of that address.
#[test]
fn a_user_without_a_row_is_deleted() {
    let synced = Synced::new("it_sync_orphan", "fault-cut-x1--sync-orphan");
    let mut session = synced.session();
    session.run(ADA);
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(calls(&mut session), "create_user waiting NA003");
    session.run("DELETE FROM customers");
    assert_eq!(calls(&mut session), "create_user waiting NA003");
    session.run(ADA);
    synced.deliver();
    assert_eq!(calls(&mut session), "delete_user done, create_user done");
    synced.wait_for_users("ada@example.com");
    wait_for_linked(&mut session, (1, 0));
}

#[test]
fn a_key_can_change() {
    let synced = Synced::new("it_sync_key", "fault-cut-x1--sync-key");
    let mut session = synced.session();
    session.run(ADA);
    session.run("UPDATE customers SET id = 5");
    session.run("CALL neon_auth_admin.run_queue()");
    session.run("UPDATE customers SET id = 6");
    session.run("ALTER TABLE customers RENAME TO people");
    synced.deliver();
    session.run("ALTER TABLE people RENAME TO customers");
    assert_eq!(calls(&mut session), "create_user done");
    wait_for_linked(&mut session, (1, 0));
}

/// Neither the move of a row to another partition, nor one whose key has a time, makes another user.
#[test]
fn rows_move_between_partitions() {
    let synced = Synced::bare("it_sync_moves", "test-sync-moves");
    let mut session = synced.session();
    session.run(
        "CREATE TYPE region AS ENUM ('eu', 'us');
         CREATE TABLE customers (region region, since timestamptz, email text, name text, auth_user_id uuid,
             PRIMARY KEY (region, since)) PARTITION BY LIST (region);
         CREATE TABLE customers_us (auth_user_id uuid, name text, email text, since timestamptz NOT NULL,
             region region NOT NULL);
         ALTER TABLE customers ATTACH PARTITION customers_us FOR VALUES IN ('us');
         CREATE TABLE customers_eu PARTITION OF customers FOR VALUES IN ('eu')",
    );
    session.run(&trigger_on("customers"));
    session.run(
        "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German';
         INSERT INTO customers (region, since, email) VALUES ('us', now(), 'ada@example.com')",
    );
    session.run("SET timezone = 'UTC'; UPDATE customers SET region = 'eu'");
    synced.deliver();
    assert_eq!(
        calls(&mut session),
        "create_user cancelled, create_user done"
    );
    synced.wait_for_users("ada@example.com");
    session.run("UPDATE customers SET region = 'us'");
    synced.deliver();
    assert_eq!(
        calls(&mut session),
        "create_user cancelled, create_user done, delete_user cancelled"
    );
    assert_eq!(users(&mut session), "ada@example.com");
    let has = "SELECT count(*) FROM customers_us WHERE auth_user_id IS NOT NULL";
    assert_eq!(one(&mut session, has).get::<_, i64>(0), 1);
}

#[test]
fn a_user_that_is_there_is_linked() {
    let synced = Synced::new("it_sync_linked", "test-sync-linked");
    let mut session = synced.session();
    session.run("INSERT INTO customers (email) VALUES ('max@example.com')");
    synced.deliver();
    synced.wait_for_users("max@example.com");
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
    session.run("SELECT neon_auth_admin.create_user('ada@example.com')");
    synced.wait_for_users("ada@example.com");
    session.run(ADA);
    synced.deliver();
    assert!(calls(&mut session).ends_with("delete_user done, create_user done"));
    wait_for_linked(&mut session, (1, 0));
    // It is not deleted with the row, and comes back with another.
    session.run("DELETE FROM customers");
    synced.deliver();
    assert_eq!(users(&mut session), "ada@example.com");
    session.run(ADA);
    synced.deliver();
    wait_for_linked(&mut session, (1, 0));
    // Where the table of users does not know it, somebody has to look.
    session.run("SELECT neon_auth_admin.create_user('eve@example.com')");
    synced.wait_for_users("ada@example.com eve@example.com");
    session.run(r#"DELETE FROM neon_auth."user""#);
    session.run("INSERT INTO customers (email) VALUES ('eve@example.com')");
    synced.deliver();
    assert!(calls(&mut session).ends_with("create_user failed 23505"));
}

/// What was inserted before there was a trigger, or without it.
#[test]
fn rows_get_their_users_later() {
    let synced = Synced::bare("it_sync_later", "test-sync-later");
    let mut session = synced.session();
    session.run(TABLE);
    session
        .run("INSERT INTO customers (email) VALUES ('a@example.com'), ('b@example.com'), (NULL)");
    session.run(&trigger_on("customers"));
    for _ in 0..2 {
        session.run("UPDATE customers SET email = email WHERE auth_user_id IS NULL");
    }
    assert_eq!(
        calls(&mut session),
        "create_user waiting, create_user waiting"
    );
    session.run("UPDATE customers SET email = 'c@example.com' WHERE email IS NULL");
    session.run("UPDATE customers SET note = 'nothing to do with it'");
    synced.deliver();
    synced.wait_for_users("a@example.com b@example.com c@example.com");
    wait_for_linked(&mut session, (3, 0));
}

/// Their rows are gone without a trigger, and so nothing is sent for them.
#[test]
fn a_table_goes_with_its_calls() {
    let synced = Synced::new("it_sync_dropped", "fault-cut-x1--sync-dropped");
    let mut session = synced.session();
    session.run(ADA);
    session.run("CALL neon_auth_admin.run_queue()");
    session.run("INSERT INTO customers (email) VALUES ('eve@example.com')");
    session.run("TRUNCATE customers; INSERT INTO customers (email) VALUES ('max@example.com'); DROP TABLE customers");
    synced.deliver();
    assert_eq!(
        calls(&mut session),
        "delete_user done, create_user cancelled P0002, create_user cancelled P0002"
    );
    synced.wait_for_users("");
}

/// The row is locked for longer than anybody waits for it, or its table cannot take the id: that passes.
#[test]
fn an_id_is_stored_later() {
    let synced = Synced::new("it_sync_locked", "test-sync-locked");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(ADA);
    session.run("ALTER TABLE customers ADD CONSTRAINT none CHECK (auth_user_id IS NULL)");
    session.run("CALL neon_auth_admin.run_queue()");
    assert!(words(&mut session).contains("violates check constraint"));
    session.run("ALTER TABLE customers DROP CONSTRAINT none");
    other.run("BEGIN; UPDATE customers SET note = 'long'");
    synced.hasten();
    session.run("CALL neon_auth_admin.run_queue()");
    assert!(
        words(&mut session).contains("could not obtain lock"),
        "{}",
        words(&mut session)
    );
    assert_eq!(calls(&mut session), "create_user waiting NA007");
    other.run("COMMIT");
    synced.deliver();
    assert_eq!(calls(&mut session), "create_user done");
    wait_for_linked(&mut session, (1, 0));
    assert_eq!(
        other
            .query("SELECT FROM neon_auth_admin.queue WHERE attempts = 1", &[])
            .unwrap()
            .len(),
        1
    );
}

/// As foreign keys do, it sees rows that row security hides from their owner; and what is deferred is done.
#[test]
fn hidden_rows_and_deferred_triggers() {
    let synced = Synced::bare("it_sync_hidden", "test-sync-hidden");
    let mut session = synced.session();
    session.run(TABLE);
    session.run(
        "CREATE TABLE teams (id text PRIMARY KEY); INSERT INTO teams VALUES ('x');
         ALTER TABLE customers ADD team text DEFAULT 'x' REFERENCES teams DEFERRABLE INITIALLY DEFERRED;
         CREATE TABLE audit (what text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER note AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION note();
         CREATE CONSTRAINT TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON customers
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
             EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id')",
    );
    session.run(ADA);
    session.run(
        "ALTER TABLE customers ENABLE ROW LEVEL SECURITY; ALTER TABLE customers FORCE ROW LEVEL SECURITY",
    );
    synced.deliver();
    session.run("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY");
    wait_for_linked(&mut session, (1, 0));
    assert_eq!(
        one(&mut session, "SELECT count(*) FROM audit").get::<_, i64>(0),
        1
    );
}

/// A writer needs its rights on the table, and none of the extension's.
#[test]
fn a_writer_needs_no_rights() {
    let synced = Synced::new("it_sync_writer", "test-sync-writer");
    synced.admin().run("CREATE ROLE it_sync_writer_web LOGIN");
    let mut session = synced.session();
    session.run("GRANT INSERT, DELETE, SELECT, UPDATE ON customers TO it_sync_writer_web");
    let mut web = connect("it_sync_writer", "it_sync_writer_web");
    web.run(ADA);
    synced.deliver();
    synced.wait_for_users("ada@example.com");
    wait_for_linked(&mut session, (1, 0));
    web.run("UPDATE customers SET note = 'x'");
    web.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
}

#[test]
fn a_worker_does_it_by_itself() {
    let synced = Synced::with_worker("it_sync_worker", "test-sync-worker");
    let mut session = synced.session();
    session.run(&format!("{TABLE}; {}", trigger_on("customers")));
    session.run(ADA);
    let has = "SELECT EXISTS (SELECT FROM customers WHERE auth_user_id IS NOT NULL)";
    wait_until(&mut session, "the row has its id", has);
    session.run("DELETE FROM customers");
    synced.wait_for_users("");
}

/// A key that is a name is found again, whatever a session finds by its path.
#[test]
fn a_key_may_be_a_name() {
    let synced = Synced::bare("it_sync_named", "test-sync-named");
    let mut session = synced.session();
    session.run("CREATE SCHEMA app; CREATE TABLE app.things ()");
    session.run("CREATE TABLE customers (id regclass PRIMARY KEY, email text, name text, auth_user_id text)");
    session.run(&trigger_on("customers"));
    session.run(
        "SET search_path = app, public; INSERT INTO customers VALUES ('things', 'ada@example.com')",
    );
    synced.deliver();
    wait_for_linked(&mut session, (1, 0));
}

/// A user whose id could not be stored for long goes with the row all the same.
#[test]
fn what_was_given_up_is_deleted_with_its_row() {
    let synced = Synced::new("it_sync_given_up", "test-sync-given-up");
    let mut session = synced.session();
    session.run("ALTER TABLE customers ADD CONSTRAINT none CHECK (auth_user_id IS NULL)");
    session.run(ADA);
    session.run("SET neon_auth_admin.queue_give_up = 0");
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(calls(&mut session), "create_user failed NA007");
    synced.wait_for_users("ada@example.com");
    let change = session.batch_execute("UPDATE customers SET email = 'eve@example.com'");
    change.expect_err("it has a user");
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
}

/// A row gets its id when its user is there, not when all others are.
#[test]
fn ids_are_stored_before_the_next_are_sent() {
    let synced = Synced::with_worker("it_sync_early", "test-sync-early");
    synced.admin().run(
        "ALTER DATABASE it_sync_early SET neon_auth_admin.queue_burst = 2;
         ALTER DATABASE it_sync_early SET neon_auth_admin.queue_rate = 15",
    );
    let mut session = synced.session();
    session.run(TABLE);
    session.run(&trigger_on("customers"));
    session.run("INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, 5) AS n");
    let first = "SELECT count(*) = 3 FROM customers WHERE auth_user_id IS NULL";
    wait_until(&mut session, "the first two have their ids", first);
    wait_for_linked(&mut session, (5, 0));
}
