//! Sessions that are killed, and the server with them: each call is made once in effect.

use std::collections::BTreeSet;
use std::time::Duration;
use std::{process, thread};

use postgres::{Client, Config, NoTls};
use serde_json::json;

use super::{Queue, enqueue, run};
use crate::backend::Backend;
use crate::support::{config, one, wait_for};

const ROUNDS: u64 = 30;
const CALLS: usize = 4;

/// Until the server has recovered.
fn connect(config: &Config) -> Client {
    let mut session = None;
    wait_for("the server is there", || {
        session = config.connect(NoTls).ok();
        session.is_some()
    });
    session.expect("waited for")
}

#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn killed_sessions_lose_and_double_nothing() {
    let queue = Queue::new("it_queue_crash", "fault-slow-40--queue-crash");
    let config = config("it_queue_crash", "it_queue_crash");
    let mut orphans = 0;
    for round in 0..ROUNDS {
        let mut session = connect(&config);
        for n in 0..CALLS {
            let address = format!("user{round}-{n}@example.com");
            enqueue(&mut session, "create_user", &json!({"email": address}));
        }
        let pid = Backend::of(&mut session).pid;
        let mut witness = connect(&config);
        thread::scope(|scope| {
            let call = scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()"));
            // Before, in and after each phase of some call.
            thread::sleep(Duration::from_millis(round * 7 % 180));
            let kill = process::Command::new("kill")
                .args(["-9", &pid.to_string()])
                .status();
            assert!(kill.expect("kill").success());
            drop(call.join().expect("no panic"));
        });
        wait_for("the server ends every session", || {
            witness.simple_query("SELECT").is_err()
        });
        let mut session = connect(&config);
        let sending = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'sending'";
        orphans += one(&mut session, sending).get::<_, i64>(0);
        run(&mut session);
        drop(session);
        queue.hasten();
        run(&mut connect(&config));
    }
    let mut session = connect(&config);
    let done = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'done'";
    let all = usize::try_from(ROUNDS).expect("few") * CALLS;
    assert_eq!(
        one(&mut session, done).get::<_, i64>(0),
        all as i64,
        "nothing is lost"
    );
    let requests = queue.requests();
    let made: Vec<_> = requests.iter().filter(|it| !it.ends_with(" 409")).collect();
    let once: BTreeSet<_> = made.iter().collect();
    assert_eq!(
        (made.len(), once.len()),
        (all, all),
        "each is made once in effect"
    );
    println!(
        "{ROUNDS} sessions killed, {orphans} of them while they sent; {} requests for {all} calls",
        requests.len()
    );
    assert!(orphans > 0, "some were killed while they sent");
}
