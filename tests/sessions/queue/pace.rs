//! Queued calls are as fast as Neon lets them be, all of the server's together.

use std::thread;
use std::time::Duration;

use neon_simulator::{Options, Simulator};
use postgres::Client;
use postgres::error::SqlState;

use super::{Queue, run};
use crate::support::{Statements, connect, one, set_api_key, variable};

/// That lets so many times as much through as Neon does.
fn simulator(scale: f64) -> Simulator {
    Simulator::start(Options {
        api_keys: vec![variable("NEON_API_KEY")],
        rate_limit: Some(scale),
        latency: Duration::from_millis(20),
        ..Options::default()
    })
    .expect("a simulator")
}

fn queue(name: &str, project: &str, simulator: &Simulator) -> Queue {
    let queue = Queue::new(name, project);
    queue.session().run(&format!(
        "ALTER SERVER neon OPTIONS (SET api_url '{}')",
        simulator.url()
    ));
    let mut session = queue.session();
    set_api_key(&mut session, "neon");
    queue
}

fn create(session: &mut Client, calls: usize) {
    session.run(&format!(
        "SELECT count(neon_auth_admin.enqueue('create_user', jsonb_build_object('email', 'user' || n || '@example.com')))
         FROM generate_series(1, {calls}) AS n"
    ));
}

/// As a superuser alone can: it is that of all who have the key.
fn pace(queue: &Queue, rate: u32, burst: u32) -> Client {
    let name = &queue.database.name;
    let mut admin = connect(name, "postgres");
    for (setting, value) in [("rate", rate), ("burst", burst)] {
        let setting = format!("neon_auth_admin.queue_{setting}");
        admin.run(&format!("ALTER DATABASE {name} SET {setting} = {value}"));
        let own = format!("SELECT neon_auth_admin.list_operations(); SET {setting} = {value}");
        (queue.session()).refused(&own, &SqlState::INSUFFICIENT_PRIVILEGE);
    }
    queue.session()
}

fn done(session: &mut Client) -> i64 {
    let done = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'done'";
    one(session, done).get(0)
}

/// The statuses of the answers that are no success.
fn refusals(simulator: &Simulator) -> usize {
    let requests = simulator.requests();
    let refused = requests.iter().filter(|it| it.status != Some(201));
    refused.count()
}

/// Two roles, in databases of their own, with one key: none of their calls is refused, though either alone would make
/// nearly as many at once as the simulator lets through.
#[test]
fn roles_stay_within_one_limit() {
    const CALLS: usize = 70;
    let simulator = simulator(2.0);
    let queues = ["pace-one", "pace-two"].map(|name| {
        let database = format!("it_queue_{}", name.replace('-', "_"));
        queue(&database, &format!("test-{name}"), &simulator)
    });
    thread::scope(|scope| {
        for queue in &queues {
            scope.spawn(|| {
                let mut session = pace(queue, 1360, 72);
                create(&mut session, CALLS);
                run(&mut session);
                assert_eq!(done(&mut session), CALLS as i64);
            });
        }
    });
    assert_eq!(simulator.requests().len(), 2 * CALLS);
    assert_eq!(refusals(&simulator), 0);
}

/// Whoever thinks that Neon lets more through finds out, and everything is made all the same.
#[test]
fn what_is_refused_is_made_later() {
    // Far more than the simulator lets through at once: even a slow machine is refused.
    const CALLS: usize = 250;
    let simulator = simulator(2.0);
    let queue = queue("it_queue_pace_off", "test-pace-off", &simulator);
    let mut session = pace(&queue, 2800, 160);
    create(&mut session, CALLS);
    run(&mut session);
    assert_eq!(done(&mut session), CALLS as i64);
    let refused = refusals(&simulator);
    println!(
        "{refused} of {} requests were refused",
        simulator.requests().len()
    );
    assert!((1..CALLS / 4).contains(&refused), "{refused}");
}
