//! Whoever delivers is killed, or the whole server is: each call is made once in effect.

use std::collections::BTreeSet;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use serde_json::json;

use super::worker::workers;
use super::{Queue, enqueue, run};
use crate::backend::Backend;
use crate::server::{Postmaster, connect_again, send};
use crate::support::{Statements, arrived, config, one, wait_for};

/// By hand: 1000.
const ROUNDS: usize = 30;
const CALLS: usize = 4;
const PROJECT: &str = "fault-slow-40--queue-crash";
const NAME: &str = "it_queue_crash";

/// A worker that is killed is back as soon as the server is, with nobody who calls it.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn killed_workers_come_back() {
    let queue = Queue::with_worker("it_queue_killed", "fault-slow-1000--queue-killed");
    let config = config("it_queue_killed", "it_queue_killed");
    for round in 1..=3 {
        let mut session = connect_again(&config);
        let address = format!("user{round}@example.com");
        enqueue(&mut session, "create_user", &json!({"email": address}));
        wait_for("a call that is under way", || sending(&mut session) == 1);
        assert!(send("KILL", workers("it_queue_killed")[0]));
        wait_for("the server ends every session", || {
            session.simple_query("SELECT").is_err()
        });
        let mut session = connect_again(&config);
        let since = Instant::now();
        wait_for("another worker", || !workers("it_queue_killed").is_empty());
        println!("a worker {:.1?} after the server", since.elapsed());
        wait_for("the call is made", || open(&mut session) == 0);
    }
    let requests = queue.requests();
    let made = requests.iter().filter(|it| !it.ends_with(" 409")).count();
    assert_eq!(made, 3, "{requests:?}");
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    /// A session that delivers, where no worker may.
    Session,
    Worker,
    /// All of it, by an immediate shutdown.
    Server,
}

#[derive(Clone, Copy, Debug)]
enum Moment {
    /// A call is marked as being sent, and this is committed.
    Claimed,
    /// Neon has a request, and answers soon.
    Arrived,
    /// Before, in or after whatever else a delivery does.
    After(Duration),
}

#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn whoever_is_killed_loses_and_doubles_nothing() {
    let rounds =
        env::var("NEON_AUTH_ADMIN_ROUNDS").map_or(ROUNDS, |n| n.parse().expect("a number"));
    let queue = Queue::with_worker(NAME, PROJECT);
    let mut killed_while_sending = [0; 3];
    for round in 0..rounds {
        let victim = [Victim::Session, Victim::Worker, Victim::Server][round % 3];
        let moment = match round / 3 % 4 {
            0 => Moment::Claimed,
            1 => Moment::Arrived,
            n => Moment::After(Duration::from_millis((round * 7 + n) as u64 % 180)),
        };
        killed_while_sending[victim as usize] += kill(victim, moment, round);
        // Those of a call that ended three deliveries would fail.
        let mut session = connect_again(&config(NAME, NAME));
        // After a start of the server, whoever calls anything finds what is left.
        session.run("SELECT neon_auth_admin.list_domains()");
        wait_for("all calls end", || {
            // What may have been sent is looked for after a while, which is over now.
            queue.hasten();
            if let Victim::Session = victim {
                run(&mut session);
            }
            open(&mut session) == 0
        });
    }
    let requests = queue.requests();
    let mut made = requests.clone();
    // A request that was cut off before its body had arrived names nobody, and nothing was made of it.
    made.retain(|it| it.starts_with("POST") && it.contains('@') && !it.ends_with(" 409"));
    let once: BTreeSet<_> = made.iter().collect();
    let all = rounds * CALLS;
    assert_eq!(
        (made.len(), once.len()),
        (all, all),
        "each is made once in effect"
    );
    println!(
        "{rounds} rounds; calls that were being sent when a session, a worker, the server was killed: \
         {killed_while_sending:?}; {} requests for {all} calls",
        requests.len()
    );
    assert!(killed_while_sending.iter().all(|&calls| calls > 0));
}

/// Of the sessions and workers that are to come.
fn set_linger(milliseconds: i32) {
    connect_again(&config(NAME, "postgres")).run(&format!(
        "ALTER ROLE {NAME} SET neon_auth_admin.queue_linger = {milliseconds}"
    ));
}

/// Returns how many calls were being sent then.
fn kill(victim: Victim, moment: Moment, round: usize) -> i64 {
    let linger = match victim {
        Victim::Session => -1,
        Victim::Worker | Victim::Server => 100,
    };
    set_linger(linger);
    let config = config(NAME, NAME);
    let mut session = connect_again(&config);
    let mut witness = connect_again(&config);
    let arrived_before = arrived(PROJECT);
    session.run("BEGIN");
    for n in 0..CALLS {
        let address = format!("user{round}-{n}@example.com");
        enqueue(&mut session, "create_user", &json!({"email": address}));
    }
    session.run("COMMIT");
    let postmaster = Postmaster::of(&mut session);
    let backend = Backend::of(&mut session).pid;
    let before = thread::scope(|scope| {
        let delivery = matches!(victim, Victim::Session)
            .then(|| scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()")));
        match moment {
            // They are soon over, and may all be before anybody looks.
            Moment::Claimed => wait_for("a call that is under way, or none", || {
                sending(&mut witness) > 0 || open(&mut witness) == 0
            }),
            Moment::Arrived => wait_for("a request", || arrived(PROJECT) > arrived_before),
            Moment::After(time) => thread::sleep(time),
        }
        let before = sending(&mut witness);
        let mut ends = || witness.simple_query("SELECT").is_err();
        match victim {
            Victim::Session => assert!(send("KILL", backend)),
            Victim::Worker => {
                // It may have left already, or be leaving, or not be there yet.
                let is_there = workers(NAME).iter().any(|&pid| send("KILL", pid));
                if !is_there || !happens_within(Duration::from_secs(2), &mut ends) {
                    return 0;
                }
            }
            Victim::Server => postmaster.restart("QUIT", &[]),
        }
        wait_for("every session ends", ends);
        if let Some(delivery) = delivery {
            drop(delivery.join().expect("no panic"));
        }
        before
    });
    // A worker may be back already, and have taken them up: then what was seen last counts.
    before.max(sending(&mut connect_again(&config)))
}

fn happens_within(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

fn sending(session: &mut Client) -> i64 {
    let query = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'sending'";
    one(session, query).get(0)
}

/// How many are not done.
fn open(session: &mut Client) -> i64 {
    let query = "SELECT count(*) FROM neon_auth_admin.queue WHERE state <> 'done'";
    one(session, query).get(0)
}
