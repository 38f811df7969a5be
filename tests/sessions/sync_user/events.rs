//! Who writes a row decides what becomes of its user: not who has written another one in the same transaction.

use super::attacks::message;
use super::{Synced, TABLE, calls, trigger_on, users};
use crate::support::{Statements, connect, one};

const OTHERS: &str = "d2f2a9e5-0000-4000-8000-00000000dead";

/// With a role that may write rows, and nothing else.
fn writer(synced: &Synced) -> postgres::Client {
    let name = &synced.database.name;
    synced.admin().run(&format!(
        "CREATE ROLE {name}_writer LOGIN; GRANT INSERT, SELECT, DELETE ON customers TO {name}_writer"
    ));
    connect(name, &format!("{name}_writer"))
}

/// Wherever the deferred events of several roles are run.
#[test]
fn events_that_are_deferred_are_of_who_has_written() {
    let synced = Synced::bare("it_sync_deferred", "test-sync-deferred");
    let mut session = synced.session();
    session.run(TABLE);
    session.run(
        "CREATE CONSTRAINT TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON customers DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id');
         CREATE FUNCTION register(address text) RETURNS void LANGUAGE sql SECURITY DEFINER AS
             'INSERT INTO customers (email) VALUES (address)';
         CREATE FUNCTION check_now() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
             'BEGIN SET CONSTRAINTS ALL IMMEDIATE; END'",
    );
    let mut writer = writer(&synced);
    let take = format!(
        "INSERT INTO customers (email, auth_user_id) VALUES ('eve@example.com', '{OTHERS}')"
    );
    for attack in [
        format!("BEGIN; {take}; COMMIT"),
        format!("BEGIN; SELECT register('ada@example.com'); {take}; COMMIT"),
        format!("BEGIN; {take}; SELECT check_now(); COMMIT"),
    ] {
        let said = message(&mut writer, &attack);
        assert!(said.contains("only the owner"), "{attack}: {said}");
        writer.run("ROLLBACK");
    }
    writer.run("SELECT register('ada@example.com')");
    synced.deliver();
    assert_eq!(calls(&mut session), "create_user done");
}

/// Who may only insert brings back no user that somebody else has deleted; who owns the table may.
#[test]
fn a_deleted_user_is_brought_back_by_the_owner_alone() {
    let synced = Synced::new("it_sync_banned", "test-sync-banned");
    let mut session = synced.session();
    let mut writer = writer(&synced);
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    synced.deliver();
    let id: String = one(&mut session, "SELECT auth_user_id FROM customers").get(0);
    let again =
        format!("INSERT INTO customers (email, auth_user_id) VALUES ('ada@example.com', '{id}')");
    session.run("DELETE FROM customers");
    let said = message(&mut writer, &again);
    assert!(said.contains("only the owner"), "{said}");
    session.run(&again);
    synced.deliver();
    assert_eq!(
        calls(&mut session),
        "create_user done, delete_user cancelled"
    );
    assert_eq!(users(&mut session), "ada@example.com");
}

/// What a session has set is for its own calls.
#[test]
fn a_writer_stops_no_worker() {
    let synced = Synced::with_worker("it_sync_stop", "test-sync-stop");
    let mut session = synced.session();
    session.run(TABLE);
    session.run(&trigger_on("customers"));
    let mut writer = writer(&synced);
    writer.run(
        "SET neon_auth_admin.queue_connections = 0; SET neon_auth_admin.queue_linger = -1;
         INSERT INTO customers (email) VALUES ('ada@example.com')",
    );
    synced.wait_for_users("ada@example.com");
}

/// Who may only write rows gets nobody's user deleted that was there before the row, whatever becomes of the table.
#[test]
fn who_was_there_stays_whatever_the_server_is_called() {
    let synced = Synced::new("it_sync_there", "test-sync-there");
    let mut session = synced.session();
    let mut writer = writer(&synced);
    session.run("SELECT neon_auth_admin.create_user('ada@example.com')");
    synced.wait_for_users("ada@example.com");
    writer.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    synced.deliver();
    session.run("ALTER SERVER neon RENAME TO auth_server; DROP TRIGGER auth ON customers");
    session
        .run(&trigger_on("customers").replace("'auth_user_id'", "'auth_user_id', 'auth_server'"));
    writer.run("DELETE FROM customers");
    synced.deliver();
    assert_eq!(calls(&mut session), "create_user done");
    assert_eq!(users(&mut session), "ada@example.com");
}

/// A lost answer does not make a user one of the row's that was there before.
#[test]
fn who_was_there_stays_whatever_is_lost() {
    let synced = Synced::new("it_sync_lost", "fault-reset-after1-x1--sync-lost");
    let mut session = synced.session();
    let mut writer = writer(&synced);
    session.run("SELECT neon_auth_admin.create_user('ada@example.com')");
    synced.wait_for_users("ada@example.com");
    writer.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    synced.deliver();
    let is_linked = "SELECT auth_user_id IS NOT NULL FROM customers";
    assert!(one(&mut session, is_linked).get::<_, bool>(0));
    writer.run("DELETE FROM customers");
    synced.deliver();
    assert_eq!(calls(&mut session), "create_user done");
    assert_eq!(users(&mut session), "ada@example.com");
}
