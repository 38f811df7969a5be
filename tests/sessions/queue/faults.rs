//! What passes is tried again, what is not configured waits and says why, and what is wrong fails.

use serde_json::json;

use super::{Queue, enqueue, run, states};
use crate::support::{Statements, connect, one, set_api_key, variable};

const ADA: &str = "ada@example.com";

fn attempts(queue: &Queue) -> i32 {
    let attempts = "SELECT max(attempts) FROM neon_auth_admin.queue";
    one(&mut queue.session(), attempts).get(0)
}

/// Each of them is mended, and then the call is made. Another server's calls do not wait meanwhile.
#[test]
fn what_is_not_configured_waits() {
    let faults = [
        (
            "DROP USER MAPPING FOR CURRENT_ROLE SERVER neon",
            "SELECT",
            "NA009",
        ),
        (
            "ALTER SERVER neon RENAME TO gone",
            "ALTER SERVER gone RENAME TO neon",
            "NA009",
        ),
        (
            "ALTER SERVER neon OPTIONS (SET api_url 'https://evil.example')",
            "ALTER SERVER neon OPTIONS (SET api_url :url)",
            "42501",
        ),
        (
            "ALTER SERVER neon OPTIONS (SET project_id 'nowhere-2')",
            "ALTER SERVER neon OPTIONS (SET project_id 'test-queue-configured')",
            "P0002",
        ),
        (
            "SELECT neon_auth_admin.set_api_key('napi_wrong')",
            "SELECT",
            "28000",
        ),
    ];
    let queue = Queue::new("it_queue_configured", "test-queue-configured");
    let mut session = queue.session();
    let url = variable("NEON_SIMULATOR_URL");
    queue
        .database
        .add_server("other", "test-queue-other", &url, "");
    let mut done = 0;
    for (n, (fault, mend, state)) in faults.into_iter().enumerate() {
        let user = json!({"email": format!("user{n}@example.com")});
        enqueue(&mut session, "create_user", &user);
        enqueue(
            &mut session,
            "add_domain",
            &json!({"domain": format!("https://{n}.example.com")}),
        );
        let query = "SELECT neon_auth_admin.enqueue('create_user', $1::text::jsonb, 'other')";
        session
            .execute(query, &[&user.to_string()])
            .expect("queued");
        session.run(fault);
        run(&mut session);
        run(&mut session);
        let waiting = format!(
            "SELECT sqlstate FROM neon_auth_admin.queue WHERE id = {}",
            done + 1
        );
        assert_eq!(
            one(&mut session, &waiting).get::<_, &str>(0),
            state,
            "{fault}"
        );
        let other =
            "SELECT count(*) FROM neon_auth_admin.queue WHERE server = 'other' AND state <> 'done'";
        assert_eq!(one(&mut session, other).get::<_, i64>(0), 0, "{fault}");
        session.run(&mend.replace(":url", &format!("'{url}'")));
        set_api_key(&mut session, "neon");
        run(&mut session);
        done += 3;
        let over =
            "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'done' AND message IS NULL";
        assert_eq!(one(&mut session, over).get::<_, i64>(0), done, "{fault}");
    }
}

/// Neon answers 404 for a user who is not there as well as for a project: what fails is the call for the user.
#[test]
fn a_missing_project_is_no_missing_user() {
    let projects = ["nowhere-3", "fault-404--queue-integration"];
    for (n, project) in projects.into_iter().enumerate() {
        let right = format!("test-queue-place-{n}");
        let queue = Queue::new(&format!("it_queue_place_{n}"), &right);
        let mut session = queue.session();
        let made = "SELECT id FROM neon_auth_admin.create_user('ada@example.com')";
        let ada: String = one(&mut session, made).get(0);
        let nobody = "d2f2a9e5-0000-4000-8000-000000000002";
        for id in [&*ada, nobody] {
            let roles = json!({"id": id, "roles": ["admin"]});
            enqueue(&mut session, "set_user_roles", &roles);
            enqueue(&mut session, "delete_user", &json!({ "id": id }));
        }
        let set = |project: &str| format!("ALTER SERVER neon OPTIONS (SET project_id '{project}')");
        session.run(&set(project));
        run(&mut session);
        let waiting = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'waiting'";
        assert_eq!(one(&mut session, waiting).get::<_, i64>(0), 4, "{project}");
        session.run(&set(&right));
        queue.hasten();
        run(&mut session);
        let ended = "1 done, 2 done, 3 failed P0002, 4 failed P0002";
        assert_eq!(states(&mut session), ended, "{project}");
    }
}

#[test]
fn a_server_that_is_dropped_is_missed() {
    let queue = Queue::new("it_queue_dropped", "test-queue-dropped");
    let mut session = queue.session();
    enqueue(&mut session, "create_user", &json!({"email": ADA}));
    session.run("DROP SERVER neon CASCADE");
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting NA009");
    assert_eq!(attempts(&queue), 0);
    let why = "SELECT message FROM neon_auth_admin.queue";
    assert_eq!(
        one(&mut session, why).get::<_, &str>(0),
        "server \"neon\" does not exist"
    );
    let url = variable("NEON_SIMULATOR_URL");
    queue
        .database
        .add_server("neon", "test-queue-dropped", &url, "");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
}

#[test]
fn what_passes_is_tried_again_until_it_is_given_up() {
    let queue = Queue::new("it_queue_passing", "fault-503-x4--queue-passing");
    let mut session = queue.session();
    enqueue(&mut session, "create_user", &json!({"email": ADA}));
    for n in 1..=2 {
        queue.hasten();
        run(&mut session);
        assert_eq!(states(&mut session), "1 waiting NA005");
        assert_eq!(attempts(&queue), n);
    }
    // Since the first of these failures, not since it was queued.
    session.run("SET neon_auth_admin.queue_give_up = '1min'");
    let mut admin = connect("it_queue_passing", "postgres");
    admin.run("UPDATE neon_auth_admin.queued_calls SET enqueued_at = now() - interval '1 year'");
    queue.hasten();
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting NA005");
    admin.run("UPDATE neon_auth_admin.queued_calls SET failing_since = failing_since - interval '1 minute'");
    queue.hasten();
    run(&mut session);
    assert_eq!(states(&mut session), "1 failed NA005");
    session.run("SELECT neon_auth_admin.retry_queued(1)");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
    assert_eq!(attempts(&queue), 5);
}

/// The others of that server wait as well, and then all are made.
#[test]
fn a_server_that_wants_a_rest_gets_it() {
    let queue = Queue::new("it_queue_rest", "fault-429-retry-4-x1--queue-rest");
    let mut session = queue.session();
    for n in 0..3 {
        enqueue(
            &mut session,
            "create_user",
            &json!({"email": format!("user{n}@example.com")}),
        );
    }
    session.run("SET neon_auth_admin.queue_connections = 1");
    session.run("CALL neon_auth_admin.run_queue('2 s')");
    assert_eq!(
        states(&mut session),
        "1 waiting NA006, 2 waiting, 3 waiting"
    );
    assert_eq!(queue.requests().len(), 1, "nothing is sent meanwhile");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done, 3 done");
}

#[test]
fn it_waits_for_a_rest_where_there_is_time() {
    let queue = Queue::new("it_queue_rests", "fault-429-retry-1-x1--queue-rests");
    let mut session = queue.session();
    for n in 0..3 {
        enqueue(
            &mut session,
            "create_user",
            &json!({"email": format!("user{n}@example.com")}),
        );
    }
    run(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done, 3 done");
    assert_eq!(queue.requests().len(), 4);
}

/// Even if nothing else waited when it was refused.
#[test]
fn a_single_call_waits_for_its_rest() {
    let queue = Queue::new("it_queue_single", "fault-429-retry-1-x1--queue-single");
    let mut session = queue.session();
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "user@example.com"}),
    );
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
    assert_eq!(queue.requests().len(), 2);
}

/// One row that nobody can read is in no other one's way.
#[test]
fn what_cannot_be_read_fails() {
    let queue = Queue::new("it_queue_unreadable", "test-queue-unreadable");
    let mut session = queue.session();
    for n in 0..3 {
        enqueue(
            &mut session,
            "create_user",
            &json!({"email": format!("user{n}@example.com")}),
        );
    }
    let mut admin = connect("it_queue_unreadable", "postgres");
    admin.run(
        "UPDATE neon_auth_admin.queued_calls SET operation = 'update_webhooks' WHERE id = 1;
         UPDATE neon_auth_admin.queued_calls SET arguments = '[1]' WHERE id = 2",
    );
    run(&mut session);
    assert_eq!(
        states(&mut session),
        "1 failed 22023, 2 failed 22023, 3 done"
    );
}
