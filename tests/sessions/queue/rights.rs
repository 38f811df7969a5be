//! Nobody sees, takes back or makes another role's calls, and none is made with rights that its role lacks.

use postgres::error::SqlState;
use serde_json::json;

use super::{Queue, enqueue, run, states};
use crate::support::{Statements, connect, one};

/// Two roles with the same rights, and the key for each.
fn two_roles(queue: &Queue) {
    for role in ["a", "b"] {
        queue.add_role(&format!("{}_{role}", queue.database.name));
    }
}

#[test]
fn each_role_has_its_own_calls() {
    let queue = Queue::new("it_queue_roles", "test-queue-roles");
    two_roles(&queue);
    let (mut a, mut b) = (
        connect("it_queue_roles", "it_queue_roles_a"),
        connect("it_queue_roles", "it_queue_roles_b"),
    );
    enqueue(&mut a, "create_user", &json!({"email": "a@example.com"}));
    let mut admin = connect("it_queue_roles", "postgres");
    let table = "SELECT count(*) FROM neon_auth_admin.queued_calls";
    for right in ["", "GRANT pg_read_all_data TO it_queue_roles_b"] {
        admin.run(right);
        assert_eq!(states(&mut b), "");
        assert_eq!(one(&mut b, table).get::<_, i64>(0), 0, "after {right}");
    }
    for lock in [
        "BEGIN; LOCK TABLE neon_auth_admin.queued_calls IN ROW EXCLUSIVE MODE",
        "SELECT FROM neon_auth_admin.queued_calls FOR KEY SHARE",
        "DELETE FROM neon_auth_admin.queued_calls",
    ] {
        a.refused(lock, &SqlState::INSUFFICIENT_PRIVILEGE);
        a.run("ROLLBACK");
    }
    let not_there = SqlState::from_code("P0002");
    for function in [
        "cancel_queued(1)",
        "retry_queued(1)",
        "wait_for_queued(1, '0')",
    ] {
        b.refused(&format!("SELECT neon_auth_admin.{function}"), &not_there);
    }
    assert_eq!(
        one(&mut b, "SELECT neon_auth_admin.adopt_queued()").get::<_, i64>(0),
        0
    );
    run(&mut b);
    run(&mut queue.session());
    assert_eq!(states(&mut a), "1 waiting");
    assert!(queue.requests().is_empty());
    run(&mut a);
    assert_eq!(states(&mut a), "1 done");
    // Who has the rights of a role has its calls, too.
    admin.run("GRANT it_queue_roles_a TO it_queue_roles_b");
    assert_eq!(states(&mut b), "1 done");
    b.run("SET ROLE it_queue_roles_a");
    enqueue(&mut b, "create_user", &json!({"email": "b@example.com"}));
    run(&mut b);
    assert_eq!(states(&mut a), "1 done, 2 done");
    assert_eq!(
        one(
            &mut a,
            "SELECT string_agg(DISTINCT role, ' ') FROM neon_auth_admin.queue"
        )
        .get::<_, &str>(0),
        "it_queue_roles_a"
    );
    // As docs/queue.md says of roles that were made in Neon's console.
    admin.run("REVOKE it_queue_roles_a FROM it_queue_roles_b");
    let mut b = connect("it_queue_roles", "it_queue_roles_b");
    assert_eq!(one(&mut b, table).get::<_, i64>(0), 0);
    admin.run("ALTER ROLE it_queue_roles_b BYPASSRLS");
    assert_eq!(one(&mut b, table).get::<_, i64>(0), 2);
}

/// A role that ends with the transaction is not the one in effect when calls are made.
#[test]
fn a_role_for_one_transaction_is_nobodys_to_use() {
    let queue = Queue::new("it_queue_local", "test-queue-local");
    two_roles(&queue);
    let mut admin = connect("it_queue_local", "postgres");
    admin.run("GRANT it_queue_local_b TO it_queue_local_a");
    for role in ["a", "b"] {
        let mut session = connect("it_queue_local", &format!("it_queue_local_{role}"));
        let user = json!({"email": format!("{role}@example.com")});
        enqueue(&mut session, "create_user", &user);
    }
    let mut a = connect("it_queue_local", "it_queue_local_a");
    a.run("DO $$BEGIN SET LOCAL ROLE it_queue_local_b; CALL neon_auth_admin.run_queue(); END$$");
    assert_eq!(states(&mut a), "1 done, 2 waiting");
    assert_eq!(queue.requests(), ["POST a@example.com 201"]);
    // Nor are settings: the queue of this session is stopped.
    admin.run(
        "ALTER ROLE it_queue_local_a SET neon_auth_admin.queue_connections = 0;
         ALTER ROLE it_queue_local_a SET statement_timeout = '20s'",
    );
    let mut a = connect("it_queue_local", "it_queue_local_a");
    let user = json!({"email": "eve@example.com"});
    enqueue(&mut a, "create_user", &user);
    a.run(
        "DO $$BEGIN
             SET LOCAL neon_auth_admin.queue_connections = 4; CALL neon_auth_admin.run_queue();
         END$$",
    );
    assert_eq!(states(&mut a), "1 done, 2 waiting, 3 waiting");
}

#[test]
fn rights_are_needed_now_and_then() {
    let queue = Queue::new("it_queue_revoked", "test-queue-revoked");
    two_roles(&queue);
    let mut owner = queue.session();
    let mut a = connect("it_queue_revoked", "it_queue_revoked_a");
    const FUNCTION: &str = "FUNCTION neon_auth_admin.create_user";
    const SERVER: &str = "FOREIGN SERVER neon";
    for (right, what) in [("EXECUTE", FUNCTION), ("USAGE", SERVER)] {
        let id = enqueue(
            &mut a,
            "create_user",
            &json!({"email": format!("{right}@example.com")}),
        );
        // In another's way only where it is the server.
        let other = enqueue(
            &mut a,
            "add_domain",
            &json!({"domain": format!("https://{right}.example.com")}),
        );
        let mut admin = connect("it_queue_revoked", "postgres");
        admin.run(&format!("REVOKE {right} ON {what} FROM it_queue_revoked_a"));
        if what == SERVER {
            owner.run("REVOKE USAGE ON FOREIGN SERVER neon FROM it_queue_revoked_a");
        }
        let refused =
            r#"SELECT neon_auth_admin.enqueue('create_user', '{"email": "x@example.com"}')"#;
        a.refused(refused, &SqlState::INSUFFICIENT_PRIVILEGE);
        run(&mut a);
        let state = "SELECT concat_ws(' ', state, sqlstate, attempts) FROM neon_auth_admin.queue WHERE id = ";
        let of = |a: &mut _, id| one(a, &format!("{state}{id}")).get::<_, String>(0);
        assert_eq!(of(&mut a, id), "waiting 42501 0", "{what}");
        let expected = if what == SERVER {
            "waiting 0"
        } else {
            "done 1"
        };
        assert_eq!(of(&mut a, other), expected, "{what}");
        admin.run(&format!("GRANT {right} ON {what} TO it_queue_revoked_a"));
        run(&mut a);
        assert_eq!(of(&mut a, id), "done 1", "{what}");
    }
}

/// No operator or function of the caller's is called with the rights of the table's owner.
#[test]
fn the_callers_path_has_no_say() {
    let queue = Queue::new("it_queue_path", "test-queue-path");
    let mut session = queue.session();
    session.run(
        "CREATE SCHEMA mine;
         CREATE FUNCTION mine.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE 'mine, as %', current_user; END$$;
         CREATE FUNCTION mine.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'mine, as %', current_user; END$$;
         CREATE FUNCTION mine.same(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'mine, as %', current_user; END$$;
         CREATE OPERATOR mine.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = mine.same);
         CREATE FUNCTION mine.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'mine, as %', current_user; END$$;
         CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.same);
         SET search_path = mine, pg_catalog",
    );
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com"}),
    );
    run(&mut session);
    session.run("SELECT neon_auth_admin.wait_for_queued(1)");
    session.run("SELECT neon_auth_admin.cancel_queued(neon_auth_admin.enqueue('add_domain', '{\"domain\": \"https://a\"}'))");
    session.run("RESET search_path");
    assert_eq!(states(&mut session), "1 done, 2 cancelled");
}

/// A row that was changed behind the queue's back would keep others waiting: not even the view's owner can.
#[test]
fn rows_change_through_functions_alone() {
    let queue = Queue::new("it_queue_view", "test-queue-view");
    let address = json!({"email": "a@example.com"});
    enqueue(&mut queue.session(), "create_user", &address);
    let mut owner = connect("it_queue_view", "postgres");
    for statement in [
        "DELETE FROM neon_auth_admin.queue",
        "UPDATE neon_auth_admin.queue SET state = 'done'",
        "INSERT INTO neon_auth_admin.queue (operation) VALUES ('create_user')",
    ] {
        let not_there = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
        owner.refused(statement, &not_there);
    }
    assert_eq!(states(&mut owner), "1 waiting");
    let plan = "EXPLAIN (COSTS off) SELECT state FROM neon_auth_admin.queue WHERE id = 1";
    let plan = owner.query(plan, &[]).expect("a plan");
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let is_by_key = |line: &String| line.contains("Index Cond: (id = 1)");
    assert!(plan.iter().any(is_by_key), "{plan:?}");
}

/// After DROP EXTENSION anybody may have made a table of that name, whose code is not to run as who delivers.
#[test]
fn a_table_of_that_name_is_not_enough() {
    let name = "it_queue_fake";
    let queue = Queue::new(name, "test-queue-fake");
    let mut admin = connect(name, "postgres");
    admin.run(
        "CREATE PROCEDURE public.deliver(interval) LANGUAGE c
             AS '$libdir/neon_auth_admin', 'run_queue_wrapper';
         CREATE ROLE it_queue_faker;
         GRANT CREATE ON DATABASE it_queue_fake TO it_queue_faker",
    );
    admin.run("DROP EXTENSION neon_auth_admin CASCADE; SET ROLE it_queue_faker");
    admin.run(
        "CREATE SCHEMA neon_auth_admin;
         CREATE FUNCTION neon_auth_admin.code() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN RAISE EXCEPTION 'it runs as %', current_user; END$$;
         CREATE TABLE neon_auth_admin.queued_calls (LIKE pg_catalog.pg_class)",
    );
    for session in [&mut queue.session(), &mut connect(name, "postgres")] {
        let error = session
            .simple_query("CALL deliver(NULL)")
            .expect_err("no such table");
        let error = error.as_db_error().expect("an error of the server");
        let told = format!("{} {:?}", error.message(), error.detail());
        assert!(told.contains("no table queued_calls"), "{told}");
    }
}
