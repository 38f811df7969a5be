//! Whatever the order of INSERT, delivery, DELETE and INSERT again, and whatever is lost in between: at the end
//! the users at Neon are those of the table.

use std::env;
use std::thread;
use std::time::Duration;

use postgres::Client;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::loads::make_new;
use super::{Synced, users, wait_for_linked};
use crate::backend::{Backend, gone};
use crate::support::{Statements, comes_true, one, wait_for};

/// By hand: 3,000.
const CASES: usize = 60;

#[derive(Clone, Debug)]
enum Act {
    Insert(u8, u8),
    Delete(u8),
    Move(u8, u8),
    /// It is saved as it was read before it had its user, or without its id.
    Save(u8),
    Forget(u8),
    Deliver,
    /// It is ended after so many milliseconds.
    End(u8),
    /// A session that delivers is gone before it has sent anything, or after.
    Lose,
    /// What waits is as if many rows had been inserted at once.
    New,
    /// The time of what waits comes.
    Wait,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..3_u8, 0..3_u8).prop_map(|(key, address)| Act::Insert(key, address)),
        3 => (0..3_u8).prop_map(Act::Delete),
        1 => (0..3_u8, 0..3_u8).prop_map(|(from, to)| Act::Move(from, to)),
        1 => (0..3_u8).prop_map(Act::Save),
        1 => (0..3_u8).prop_map(Act::Forget),
        3 => Just(Act::Deliver),
        1 => (0..40_u8).prop_map(Act::End),
        1 => Just(Act::Lose),
        2 => Just(Act::New),
        2 => Just(Act::Wait),
    ];
    proptest::collection::vec(act, 1..14)
}

fn act(synced: &Synced, session: &mut Client, act: &Act) {
    let statement = match act {
        // The same key or the same address again fails, and changes nothing.
        Act::Insert(key, address) => format!(
            "INSERT INTO customers (id, email) VALUES ({key}, 'user{address}@example.com') ON CONFLICT DO NOTHING"
        ),
        Act::Delete(key) => format!("DELETE FROM customers WHERE id = {key}"),
        Act::Move(from, to) => format!(
            "UPDATE customers SET id = {to} WHERE id = {from} AND NOT EXISTS (SELECT FROM customers WHERE id = {to})"
        ),
        Act::Save(key) => {
            format!("UPDATE customers SET email = email, auth_user_id = NULL WHERE id = {key}")
        }
        Act::Forget(key) => {
            format!("UPDATE customers SET auth_user_id = NULL WHERE id = {key}")
        }
        Act::Deliver => "CALL neon_auth_admin.run_queue()".to_owned(),
        Act::Lose => {
            return synced.admin().run(
                "UPDATE neon_auth_admin.queued_calls SET state = 'sending', attempts = attempts + 1,
                     next_attempt_at = NULL, crashes = 0
                 WHERE id = (SELECT min(id) FROM neon_auth_admin.queued_calls
                     WHERE state = 'waiting' AND NOT held AND result IS NULL)",
            );
        }
        Act::End(after) => return deliver_and_end(synced, Duration::from_millis((*after).into())),
        Act::New => return make_new(synced),
        Act::Wait => return synced.hasten(),
    };
    session.run(&statement);
}

/// By the ledger: how many users were made and not deleted again.
fn balance(synced: &Synced, project: &str) -> i64 {
    let requests = synced.simulator.requests_of(project);
    let done = requests
        .iter()
        .filter(|it| it.status.is_some_and(|status| status < 300));
    done.map(|it| match it.method.as_str() {
        "POST" => 1,
        "DELETE" => -1,
        _ => 0,
    })
    .sum()
}

/// What was queued, and what was asked of Neon.
fn story(synced: &Synced, project: &str) -> String {
    let calls = "SELECT string_agg(concat_ws(' ', id, operation, arguments, of_key, is_linked, state, attempts, message,
                     result), E'\n' ORDER BY id) FROM neon_auth_admin.queued_calls";
    let calls: Option<String> = one(&mut synced.admin(), calls).get(0);
    let requests = synced.simulator.requests_of(project);
    let requests = requests
        .iter()
        .map(|it| format!("{} {} {:?} {:?}\n", it.method, it.path, it.body, it.status));
    format!(
        "{}\n{}",
        calls.unwrap_or_default(),
        requests.collect::<String>()
    )
}

fn deliver_and_end(synced: &Synced, after: Duration) {
    let mut delivery = synced.session();
    let pid = Backend::of(&mut delivery).pid;
    thread::scope(|scope| {
        // It has ended before, or the session has.
        scope.spawn(|| drop(delivery.batch_execute("CALL neon_auth_admin.run_queue()")));
        thread::sleep(after);
        one(
            &mut synced.admin(),
            &format!("SELECT pg_terminate_backend({pid})"),
        );
    });
    wait_for("the delivery ends", || gone(pid));
    // What has ended three of them would be given up.
    synced
        .admin()
        .run("UPDATE neon_auth_admin.queued_calls SET crashes = 0");
}

#[test]
fn users_are_those_of_the_table() {
    let synced = Synced::new("it_sync_orders", "test-sync-orders");
    let mut session = synced.session();
    session.run("ALTER TABLE customers ADD UNIQUE (email)");
    let mut runner = TestRunner::default();
    let mut lost = 0;
    let cases = env::var("NEON_AUTH_ADMIN_ROUNDS").map_or(CASES, |n| n.parse().expect("a number"));
    for n in 0..cases {
        let case = (acts(), 0..4_u8).new_tree(&mut runner);
        let (all, cut) = case.expect("a case").current();
        // So many of the first answers are lost.
        let project = match cut {
            0 => format!("test-sync-orders-{n}"),
            cut => format!("fault-cut-x{cut}--sync-orders-{n}"),
        };
        session.run(&format!(
            "ALTER SERVER neon OPTIONS (SET project_id '{project}')"
        ));
        for one in &all {
            act(&synced, &mut session, one);
        }
        synced.deliver();
        let repeated = "SELECT count(*) FROM neon_auth_admin.queue WHERE attempts > 1";
        lost += one(&mut session, repeated).get::<_, i64>(0);
        let addresses = "SELECT coalesce(string_agg(email, ' ' ORDER BY email), '') FROM customers";
        let rows: String = one(&mut session, addresses).get(0);
        let mut admin = synced.admin();
        let case = format!("users are {rows}, by {all:?}, cut {cut}");
        if !comes_true(|| users(&mut admin) == rows) {
            panic!("{case}: {}", story(&synced, &project));
        }
        let count = i64::try_from(rows.split_whitespace().count()).expect("few");
        wait_for_linked(&mut session, (count, 0));
        assert_eq!(balance(&synced, &project), count, "{case}");
        session.run("DELETE FROM customers");
        synced.deliver();
        let no_users = format!("no users are left, by {all:?}, cut {cut}");
        wait_for(&no_users, || users(&mut admin).is_empty());
        assert_eq!(balance(&synced, &project), 0, "{case}");
        admin.run("DELETE FROM neon_auth_admin.queued_calls");
    }
    println!("{cases} orders, {lost} calls made more than once");
    assert!(lost > 0);
}
