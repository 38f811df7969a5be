//! What a load of rows costs where a trigger keeps them together with users, against one without; and what the
//! rows of the queue alone cost, in one statement.

use std::io::Write;
use std::time::Instant;

use postgres::Client;

use crate::{median, sql};

const ROWS: usize = 10_000;
const ROUNDS: usize = 9;

const TABLES: &str = "
    SET neon_auth_admin.queue_linger = -1;
    CREATE SCHEMA synced;
    SET search_path = synced;
    CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, name text, auth_user_id text);
    CREATE TABLE teams (id integer PRIMARY KEY);
    INSERT INTO teams VALUES (1);
    CREATE TABLE with_key (LIKE plain INCLUDING ALL, team integer DEFAULT 1 REFERENCES teams);
    CREATE TABLE with_users (LIKE plain INCLUDING ALL);
    CREATE TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON with_users FOR EACH ROW
        EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id', 'HTTP');
    CREATE TABLE calls (LIKE neon_auth_admin.queued_calls INCLUDING ALL);";

const QUEUE: &str = "
    INSERT INTO calls (operation, arguments, server, role, subject, origin, timeline, enqueued_at, next_attempt_at, of_table, of_key, of_email, of_id)
    SELECT operation, arguments, server, role, subject, origin, timeline, enqueued_at, enqueued_at, of_table, of_key, of_email, of_id
    FROM neon_auth_admin.queued_calls WHERE of_table IS NOT NULL ORDER BY id DESC LIMIT 10000";

pub fn measure() {
    let mut session = sql::connect();
    session.batch_execute(TABLES).expect("the tables");
    let [mut plain, mut with_key, mut with_users, mut queue] = [const { Vec::new() }; 4];
    for round in 0..=ROUNDS {
        let rows: String = (0..ROWS)
            .map(|n| format!("u{round}.{n}@example.com\tUser {n}\n"))
            .collect();
        let times = ["plain", "with_key", "with_users"].map(|to| copy(&mut session, to, &rows));
        let started = Instant::now();
        session.batch_execute(QUEUE).expect("the queue's rows");
        let of_queue = started.elapsed().as_secs_f64() * 1e3;
        // The first round warms up.
        if round > 0 {
            plain.push(times[0]);
            with_key.push(times[1]);
            with_users.push(times[2]);
            queue.push(of_queue);
        }
    }
    session
        .batch_execute("DELETE FROM neon_auth_admin.queued_calls WHERE of_table IS NOT NULL; DROP SCHEMA synced CASCADE")
        .expect("gone");
    let plain = median(plain);
    println!("\nMilliseconds of a COPY of {ROWS} rows, median of {ROUNDS}:");
    println!("  into a table            {plain:>7.1}");
    let show = |what, times| {
        let took = median(times);
        println!("  {what:<24}{took:>7.1}{:>8.1} times", took / plain);
    };
    show("with a foreign key", with_key);
    show("with sync_user()", with_users);
    show("its calls alone", queue);
}

fn copy(session: &mut Client, table: &str, rows: &str) -> f64 {
    let started = Instant::now();
    let statement = format!("COPY {table} (email, name) FROM STDIN");
    let mut copy = session.copy_in(&statement).expect("a copy");
    copy.write_all(rows.as_bytes()).expect("rows");
    copy.finish().expect("copied");
    started.elapsed().as_secs_f64() * 1e3
}
