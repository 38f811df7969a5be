//! A table and its users when whoever delivers is killed, or the whole server is.

use std::env;
use std::thread;
use std::time::Duration;

use postgres::Client;

use super::loads::make_new;
use super::{Synced, TABLE, slow_down, trigger_on, users, wait_for_linked};
use crate::queue::worker::workers;
use crate::server::{Postmaster, connect_again, send};
use crate::support::{Statements, config, one, wait_for};

/// By hand: 500.
const ROUNDS: usize = 16;
const ADDRESSES: usize = 5;
const NAME: &str = "it_sync_crash";

/// At the end of each round the users are those of the table, and each row has its user's id.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn no_user_is_left_and_none_is_missing() {
    let rounds =
        env::var("NEON_AUTH_ADMIN_ROUNDS").map_or(ROUNDS, |n| n.parse().expect("a number"));
    let synced = Synced::with_worker(NAME, "fault-slow-20--sync-crash");
    let config = config(NAME, NAME);
    synced
        .session()
        .run(&format!("{TABLE}; {}", trigger_on("customers")));
    synced
        .session()
        .run("ALTER TABLE customers ADD UNIQUE (email)");
    slow_down(&mut synced.session(), "0.1");
    let mut in_hand = [0, 0];
    for round in 0..rounds {
        let mut session = connect_again(&config);
        // Some of those that are there go, and others come.
        for n in (0..ADDRESSES).filter(|n| (round + n) % 3 > 0) {
            let address = format!("user{n}@example.com");
            let gone = session
                .execute("DELETE FROM customers WHERE email = $1", &[&address])
                .expect("deleted");
            if gone == 0 {
                session
                    .execute("INSERT INTO customers (email) VALUES ($1)", &[&address])
                    .expect("inserted");
            }
        }
        if round % 3 == 0 {
            make_new(&synced);
        }
        let [sent, written] = kill(&mut session, round);
        in_hand = [in_hand[0] + sent, in_hand[1] + written];
        let mut session = connect_again(&config);
        // After a start of the server, whoever calls anything finds what is left.
        session.run("SELECT neon_auth_admin.list_domains()");
        let open =
            "SELECT count(*) FROM neon_auth_admin.queue WHERE state NOT IN ('done', 'cancelled')";
        wait_for("all calls end", || {
            synced.hasten();
            one(&mut session, open).get::<_, i64>(0) == 0
        });
        let addresses = "SELECT coalesce(string_agg(email, ' ' ORDER BY email), '') FROM customers";
        let rows: String = one(&mut session, addresses).get(0);
        wait_for(&format!("users are {rows}"), || users(&mut session) == rows);
        let count = i64::try_from(rows.split_whitespace().count()).expect("few");
        wait_for_linked(&mut session, (count, 0));
    }
    println!(
        "{rounds} rounds; calls that were being sent, and rows that were to get an id, when all was killed: {in_hand:?}"
    );
    assert!(in_hand.iter().all(|&calls| calls > 0));
}

/// Kills a worker, and so every session, or ends the server at once. Returns what was in hand then.
fn kill(session: &mut Client, round: usize) -> [i64; 2] {
    let sending = "SELECT count(*) FILTER (WHERE result IS NULL), count(result)
                   FROM neon_auth_admin.queue WHERE state = 'sending'";
    let in_hand = |session: &mut Client| {
        let row = one(session, sending);
        [row.get::<_, i64>(0), row.get(1)]
    };
    match round % 4 {
        0 => wait_for("a call that is under way, or none", || {
            in_hand(session)[0] > 0 || workers(NAME).is_empty()
        }),
        1 => wait_for("a row that is written, or none", || {
            in_hand(session)[1] > 0 || workers(NAME).is_empty()
        }),
        n => thread::sleep(Duration::from_millis((round * 17 + n) as u64 % 150)),
    }
    let postmaster = Postmaster::of(session);
    let before = in_hand(session);
    let is_killed = round % 8 < 4 && workers(NAME).iter().any(|&pid| send("KILL", pid));
    if !is_killed {
        postmaster.restart("QUIT", &[]);
    }
    wait_for("every session ends", || {
        session.simple_query("SELECT").is_err()
    });
    // A worker may be back already, and have taken them up: then what was seen last counts.
    let after = in_hand(&mut connect_again(&config(NAME, NAME)));
    [before[0].max(after[0]), before[1].max(after[1])]
}
