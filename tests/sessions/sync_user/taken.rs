//! A row whose id is taken away, or changes with its address; and a user who is found while it is to be deleted.

use postgres::Client;
use postgres::error::SqlState;

use super::attacks::{TELL, mallory, message, told};
use super::{Synced, TABLE, calls, count, trigger_on, users, wait_for_linked, words};
use crate::queue::worker::wait_until_done;
use crate::support::{Statements, one, wait_until};

const ADA: &str = "INSERT INTO customers (email, name) VALUES ('ada@example.com', 'Ada')";
/// As whoever saves a row that was read before it had its user.
const TAKE: &str =
    "UPDATE customers SET email = 'ada@example.com', name = 'Ada', auth_user_id = NULL";

fn id(session: &mut Client) -> Option<String> {
    one(session, "SELECT auth_user_id::text FROM customers").get(0)
}

/// With Ada, who has her user.
fn with_ada(name: &str, project: &str) -> Synced {
    let synced = Synced::new(name, project);
    synced.session().run(ADA);
    synced.deliver();
    wait_for_linked(&mut synced.session(), (1, 0));
    synced
}

#[test]
fn it_comes_back_and_the_user_goes_with_the_row() {
    let synced = with_ada("it_sync_taken", "test-sync-taken");
    let mut session = synced.session();
    let before = id(&mut session);
    for take in [TAKE, "UPDATE customers SET auth_user_id = NULL"] {
        session.run(take);
        assert_eq!(id(&mut session), None);
        synced.deliver();
        wait_for_linked(&mut session, (1, 0));
        assert_eq!(id(&mut session), before);
    }
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
}

#[test]
fn a_row_that_is_gone_by_then_takes_its_user_along() {
    let synced = with_ada("it_sync_taken_gone", "test-sync-taken-gone");
    let mut session = synced.session();
    session.run(TAKE);
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
    assert_eq!(calls(&mut session), "create_user done, delete_user done");
}

/// What it was for is known after it was given up, too.
#[test]
fn a_call_that_was_given_up_is_no_excuse() {
    let synced = with_ada("it_sync_taken_failed", "test-sync-taken-failed");
    let mut session = synced.session();
    session.run(TAKE);
    synced.admin().run(
        "UPDATE neon_auth_admin.queued_calls SET state = 'failed', next_attempt_at = NULL,
             finished_at = '2000-01-01', enqueued_at = '2000-01-01' WHERE state = 'waiting';
         UPDATE neon_auth_admin.queued_calls SET enqueued_at = '2000-01-01', finished_at = '2000-01-01'",
    );
    // Which removes what is over, but for that.
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(calls(&mut session), "create_user failed");
    session.run("UPDATE customers SET id = 17");
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
}

/// Whatever programs write to it, the row has one user, and takes that one along without a complaint.
#[test]
fn it_may_be_taken_again_and_again() {
    let synced = with_ada("it_sync_taken_again", "test-sync-taken-again");
    let mut session = synced.session();
    let before = id(&mut session).expect("her user");
    let upsert = "INSERT INTO customers (id, email) SELECT id, email FROM customers
        ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email, auth_user_id = EXCLUDED.auth_user_id";
    session.run(upsert);
    assert_eq!(id(&mut session), None);
    session.run(&format!("UPDATE customers SET auth_user_id = '{before}'"));
    session.run(upsert);
    session.run("BEGIN; UPDATE customers SET id = id + 1; SAVEPOINT s");
    session.run("DELETE FROM customers; ROLLBACK TO s; COMMIT");
    synced.deliver();
    assert_eq!(id(&mut session), Some(before.clone()));
    session.run(upsert);
    session.run(&format!("UPDATE customers SET auth_user_id = '{before}'"));
    session.run(upsert);
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
    assert_eq!(
        count(&mut session, "state = 'failed'"),
        0,
        "{}",
        words(&mut session)
    );
}

/// Of many rows, with a worker that is at it while they go.
#[test]
fn it_may_be_taken_from_all_rows() {
    let synced = Synced::with_worker("it_sync_taken_all", "test-sync-taken-all");
    let mut session = synced.session();
    session.run(&format!("{TABLE}; {}", trigger_on("customers")));
    session.run(
        "INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, 120) AS n",
    );
    wait_for_linked(&mut session, (120, 0));
    session.run("UPDATE customers SET auth_user_id = NULL");
    session.run("DELETE FROM customers WHERE id % 3 = 0");
    wait_for_linked(&mut session, (80, 0));
    session.run("UPDATE customers SET auth_user_id = NULL");
    session.run("DELETE FROM customers");
    synced.wait_for_users("");
    wait_until_done(&mut session);
    assert_eq!(
        count(&mut session, "state = 'failed'"),
        0,
        "{}",
        words(&mut session)
    );
}

/// Who was deleted at Neon does not come back: the row gets another user.
#[test]
fn whoever_is_not_there_is_made_again() {
    let synced = with_ada("it_sync_taken_new", "test-sync-taken-new");
    let mut session = synced.session();
    let before = id(&mut session);
    session.run("SELECT neon_auth_admin.delete_user(auth_user_id) FROM customers");
    synced.wait_for_users("");
    session.run(TAKE);
    synced.deliver();
    wait_for_linked(&mut session, (1, 0));
    assert_ne!(id(&mut session), before);
}

#[test]
fn who_was_there_before_stays() {
    let synced = Synced::new("it_sync_taken_linked", "test-sync-taken-linked");
    let mut session = synced.session();
    session.run("SELECT neon_auth_admin.create_user('ada@example.com')");
    synced.wait_for_users("ada@example.com");
    session.run(ADA);
    synced.deliver();
    session.run(TAKE);
    synced.deliver();
    wait_for_linked(&mut session, (1, 0));
    session.run("DELETE FROM customers");
    synced.deliver();
    assert_eq!(users(&mut session), "ada@example.com");
}

/// What was written by hand before there was a trigger may be anything; from then on it may not.
#[test]
fn what_is_no_id_is_refused() {
    let synced = Synced::new("it_sync_no_id", "test-sync-no-id");
    let mut session = synced.session();
    session.run("ALTER TABLE customers DISABLE TRIGGER auth");
    session
        .run("INSERT INTO customers (email, auth_user_id) VALUES ('eve@example.com', 'by hand')");
    session.run("ALTER TABLE customers ENABLE TRIGGER auth");
    for statement in [
        "INSERT INTO customers (email, auth_user_id) VALUES ('x@example.com', 'by hand')",
        "UPDATE customers SET auth_user_id = ''",
    ] {
        let error = session.refused(statement, &SqlState::INVALID_PARAMETER_VALUE);
        assert!(error.message().contains("auth_user_id"), "{error}");
    }
    session.run("DELETE FROM customers");
    assert_eq!(calls(&mut session), "");
}

/// A row that moves to another partition is one that is deleted and inserted.
#[test]
fn an_address_does_not_change_on_the_way() {
    let synced = Synced::bare("it_sync_on_the_way", "test-sync-on-the-way");
    let mut session = synced.session();
    session.run(
        "CREATE TABLE customers (id bigint, region text, email text, name text, auth_user_id text,
             PRIMARY KEY (id, region)) PARTITION BY LIST (region);
         CREATE TABLE customers_eu PARTITION OF customers FOR VALUES IN ('eu');
         CREATE TABLE customers_us PARTITION OF customers FOR VALUES IN ('us')",
    );
    session.run(&trigger_on("customers"));
    session.run("INSERT INTO customers VALUES (1, 'eu', 'ada@example.com')");
    synced.deliver();
    wait_for_linked(&mut session, (1, 0));
    for change in ["email = 'ada@example.org'", "email = NULL"] {
        let refused = "UPDATE customers SET region = 'us', ";
        let error = session.refused(
            &(refused.to_owned() + change),
            &SqlState::from_code("NA008"),
        );
        assert!(error.message().contains("of a row of"), "{error}");
    }
    session.run("UPDATE customers SET region = 'us', email = 'Ada@example.com'");
    synced.deliver();
    assert_eq!(users(&mut session), "ada@example.com");
    assert!(id(&mut session).is_some());
    // A row without an address keeps its user as well.
    let mut admin = synced.admin();
    admin.run("SET session_replication_role = replica; UPDATE customers SET email = NULL");
    session.run("UPDATE customers SET region = 'eu'");
    synced.deliver();
    assert_eq!(users(&mut session), "ada@example.com");
}

/// The new row is there before the old one is gone: what is called for it comes after the deletion.
#[test]
fn an_address_is_handed_on() {
    let synced = with_ada("it_sync_handed_on", "test-sync-handed-on");
    let mut session = synced.session();
    let before = id(&mut session);
    session.run("BEGIN");
    session.run("INSERT INTO customers (id, email) VALUES (17, 'ada@example.com')");
    session.run("DELETE FROM customers WHERE id <> 17; COMMIT");
    synced.deliver();
    synced.wait_for_users("ada@example.com");
    wait_for_linked(&mut session, (1, 0));
    assert_ne!(id(&mut session), before);
    session.run("DELETE FROM customers");
    synced.deliver();
    synced.wait_for_users("");
}

/// Nobody knows whether it will be made: the row waits.
#[test]
fn a_deletion_that_has_failed_is_in_the_way() {
    let synced = with_ada("it_sync_doomed", "test-sync-doomed");
    let mut session = synced.session();
    let before = id(&mut session);
    session.run("DELETE FROM customers");
    let mut admin = synced.admin();
    admin.run(
        "UPDATE neon_auth_admin.queued_calls SET state = 'failed', next_attempt_at = NULL, finished_at = now()
         WHERE operation = 'delete_user'",
    );
    session.run(ADA);
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(id(&mut session), None);
    assert!(words(&mut session).contains("is to be deleted by call 2"));
    session.run("SELECT neon_auth_admin.cancel_queued(2)");
    synced.deliver();
    assert_eq!(id(&mut session), before);
}

/// As after pg_upgrade: the deletion was queued by what is another server now.
#[test]
fn a_deletion_that_waits_elsewhere_comes_first() {
    let synced = with_ada("it_sync_elsewhere", "test-sync-elsewhere");
    let mut session = synced.session();
    let before = id(&mut session);
    session.run("DELETE FROM customers");
    let mut admin = synced.admin();
    admin.run(
        "UPDATE neon_auth_admin.queued_calls SET origin = 'elsewhere' WHERE state = 'waiting'",
    );
    session.run(ADA);
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(id(&mut session), None);
    assert!(words(&mut session).contains("is to be deleted by call 2"));
    session.run("SELECT neon_auth_admin.adopt_queued()");
    synced.deliver();
    wait_for_linked(&mut session, (1, 0));
    assert_ne!(id(&mut session), before);
}

/// Who may make triggers on a table may make them on its partitions by that.
#[test]
fn code_from_above_is_judged() {
    let synced = Synced::bare("it_sync_above", "test-sync-above");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run(
        "CREATE TABLE everybody (id bigint, email text, name text, auth_user_id text, PRIMARY KEY (id))
             PARTITION BY RANGE (id);
         GRANT TRIGGER ON everybody TO it_sync_above_mallory",
    );
    mallory.run(
        "CREATE TRIGGER tell BEFORE UPDATE ON public.everybody FOR EACH ROW EXECUTE FUNCTION mallory.tell()",
    );
    session.run("CREATE TABLE customers PARTITION OF everybody FOR VALUES FROM (1) TO (1000)");
    session.run(&trigger_on("customers"));
    session.run("INSERT INTO everybody VALUES (1, 'ada@example.com')");
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(calls(&mut session), "create_user waiting 42501");
    assert_eq!(told(&mut mallory), 0);
    // Her right is gone, and what she made is not.
    session.run("REVOKE TRIGGER ON everybody FROM it_sync_above_mallory");
    synced.hasten();
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(calls(&mut session), "create_user waiting 42501");
    mallory.run("DROP FUNCTION mallory.tell() CASCADE");
    let why = message(&mut mallory, "SELECT FROM public.everybody");
    assert!(why.contains("permission denied"), "{why}");
    synced.deliver();
    wait_until(
        &mut session,
        "the row has its user",
        "SELECT auth_user_id IS NOT NULL FROM everybody",
    );
    assert_eq!(told(&mut mallory), 0);
}
