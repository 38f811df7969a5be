//! Nobody gets the owner's key or rights by a table that is kept together with its users.

use postgres::Client;

use super::{Synced, TABLE, calls, trigger_on, users, wait_for_linked, words};
use crate::support::{Statements, connect, one};

/// With a role that may do nothing yet but log in and make what is its own.
pub fn mallory(synced: &Synced) -> Client {
    let name = &synced.database.name;
    synced.admin().run(&format!(
        "CREATE ROLE {name}_mallory LOGIN; CREATE SCHEMA mallory AUTHORIZATION {name}_mallory;
         GRANT USAGE ON SCHEMA neon_auth_admin, mallory TO PUBLIC"
    ));
    connect(name, &format!("{name}_mallory"))
}

pub fn message(session: &mut Client, statement: &str) -> String {
    let error = session.batch_execute(statement).expect_err(statement);
    error
        .as_db_error()
        .expect("of the server")
        .message()
        .to_owned()
}

/// Counts how often it runs with the rights of others, whatever is rolled back.
pub const TELL: &str = "CREATE SEQUENCE mallory.told;
    GRANT ALL ON SEQUENCE mallory.told TO PUBLIC;
    CREATE FUNCTION mallory.note() RETURNS void LANGUAGE plpgsql AS
        'BEGIN IF current_user !~ ''mallory$'' THEN PERFORM nextval(''mallory.told''); END IF; END';
    CREATE FUNCTION mallory.tell() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM mallory.note(); RETURN NEW; END';
    CREATE FUNCTION mallory.is_good(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
        'BEGIN PERFORM mallory.note(); RETURN true; END';
    CREATE FUNCTION mallory.plus(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
        'BEGIN PERFORM mallory.note(); RETURN $1; END'";

pub fn told(session: &mut Client) -> i64 {
    let count = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM mallory.told";
    one(session, count).get(0)
}

#[test]
fn without_execute_nobody_attaches_it() {
    let synced = Synced::bare("it_sync_attach", "test-sync-attach");
    let mut mallory = mallory(&synced);
    let mut session = synced.session();
    session.run(TABLE);
    session.run("GRANT TRIGGER, INSERT ON customers TO it_sync_attach_mallory");
    let said = message(&mut mallory, &trigger_on("public.customers"));
    assert!(said.contains("permission denied"), "{said}");
    // Nor does who may use it, on a stranger's table.
    session.run("GRANT EXECUTE ON FUNCTION neon_auth_admin.sync_user TO it_sync_attach_mallory");
    mallory.run(&trigger_on("public.customers"));
    let insert = "INSERT INTO public.customers (email) VALUES ('eve@example.com')";
    let said = message(&mut mallory, insert);
    assert!(said.contains("could have made the trigger"), "{said}");
    // On a table of its own, the key would be its own.
    mallory.run(&TABLE.replace("customers", "mallory.customers"));
    mallory.run(&trigger_on("mallory.customers"));
    let said = message(
        &mut mallory,
        "INSERT INTO mallory.customers (email) VALUES ('eve@example.com')",
    );
    assert!(said.contains("permission denied"), "{said}");
    // Nor on a part of it.
    session.run(
        "REVOKE TRIGGER ON customers FROM it_sync_attach_mallory;
         CREATE TABLE parts (id int PRIMARY KEY, email text, name text, auth_user_id text) PARTITION BY LIST (id);
         CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
         GRANT TRIGGER, INSERT ON part TO it_sync_attach_mallory",
    );
    mallory.run(&trigger_on("public.part"));
    let said = message(
        &mut mallory,
        "INSERT INTO public.part VALUES (1, 'eve@example.com')",
    );
    assert!(said.contains("could have made the trigger"), "{said}");
    assert_eq!(calls(&mut session), "");
}

/// A default is for who inserts, and a policy for who is none of the owner.
#[test]
fn what_does_not_run_is_in_nobodys_way() {
    let synced = Synced::new("it_sync_unrun", "test-sync-unrun");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    session.run(
        "ALTER TABLE customers ALTER note SET DEFAULT mallory.plus('x');
         ALTER TABLE customers ENABLE ROW LEVEL SECURITY; ALTER TABLE customers FORCE ROW LEVEL SECURITY;
         CREATE POLICY good ON customers USING (mallory.is_good(email))",
    );
    synced.deliver();
    synced.wait_for_users("ada@example.com");
    assert_eq!(told(&mut mallory), 0);
    session.run("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY");
    wait_for_linked(&mut session, (1, 0));
}

/// The function of a trigger that is the owner's runs, and cannot call Neon or get out of what it is in.
#[test]
fn what_runs_is_restricted() {
    let synced = Synced::new("it_sync_restricted", "test-sync-restricted");
    let mut session = synced.session();
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    session.run(
        "CREATE FUNCTION call() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN PERFORM neon_auth_admin.create_user(''eve@example.com''); RETURN NEW; END'",
    );
    for trigger in [
        "CREATE TRIGGER call BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION call()",
        "CREATE CONSTRAINT TRIGGER call AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION call()",
    ] {
        session.run(trigger);
        synced.hasten();
        let forget = "UPDATE neon_auth_admin.queued_calls SET message = NULL, detail = NULL";
        synced.admin().run(forget);
        session.run("CALL neon_auth_admin.run_queue()");
        let said = words(&mut session);
        assert!(said.contains("restricted"), "{trigger}: {said}");
        session.run("DROP TRIGGER call ON customers");
    }
    synced.wait_for_users("ada@example.com");
    synced.deliver();
    assert_eq!(calls(&mut session), "create_user done");
}

#[test]
fn another_owner_has_another_key() {
    let synced = Synced::new("it_sync_owner", "test-sync-owner");
    let mut session = synced.session();
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com'), ('eve@example.com')");
    let mut admin = synced.admin();
    // One was made already, the other was not sent.
    admin.run(
        "UPDATE neon_auth_admin.queued_calls SET result = '{\"id\": \"d2f2a9e5-0000-4000-8000-000000000001\"}'
         WHERE id = 1;
         CREATE ROLE it_sync_owner_other LOGIN; ALTER TABLE customers OWNER TO it_sync_owner_other",
    );
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(
        calls(&mut session),
        "create_user waiting 42501, create_user waiting 42501"
    );
    assert_eq!(users(&mut session), "", "nothing was sent");
    let ids = "SELECT count(auth_user_id) FROM customers";
    assert_eq!(
        one(&mut admin, ids).get::<_, i64>(0),
        0,
        "nothing was written"
    );
    // The new owner has none.
    let mut other = connect("it_sync_owner", "it_sync_owner_other");
    let said = message(
        &mut other,
        "INSERT INTO customers (email) VALUES ('x@example.com')",
    );
    assert!(said.contains("permission denied"), "{said}");
}

/// The server is named by the trigger, and a dry run is no choice of who writes.
#[test]
fn a_writer_has_no_say() {
    let synced = Synced::new("it_sync_say", "test-sync-say");
    let mut session = synced.session();
    session.run(
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-elsewhere')",
    );
    let mut there = synced
        .database
        .session_with("-c neon_auth_admin.server=elsewhere");
    there.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    let server = "SELECT server FROM neon_auth_admin.queue";
    assert_eq!(one(&mut session, server).get::<_, &str>(0), "neon");
    let mut dry = synced
        .database
        .session_with("-c neon_auth_admin.dry_run=on");
    message(
        &mut dry,
        "INSERT INTO customers (email) VALUES ('eve@example.com')",
    );
    assert_eq!(calls(&mut session), "create_user waiting");
}
