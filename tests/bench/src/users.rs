//! Users in this database, of whom there are many: what `list_users` and `wait_for_user` add to the query
//! of the table itself. Each statement is sent as text, so that both sides plan each time, and timed
//! by who sends it.

use std::time::Instant;

use postgres::{Client, SimpleQueryMessage};

use crate::{median, sql};

const USERS: usize = 1_000_000;
/// So many are looked for at a time.
const IDS: usize = 10;
const ROUNDS: usize = 50;
const CALLS: usize = 20;

/// As Neon's computes have it.
const TABLE: &str = r#"
    CREATE SCHEMA neon_auth;
    CREATE TABLE neon_auth."user" (
        id uuid DEFAULT gen_random_uuid() PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE,
        "emailVerified" boolean NOT NULL, image text,
        "createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
        "updatedAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
        role text, banned boolean, "banReason" text, "banExpires" timestamptz
    );"#;

/// What is asked for, by both.
const COLUMNS: &str = "id::text, email, name, \"emailVerified\", image, role, banned, \"banReason\", \
     \"banExpires\", \"createdAt\", \"updatedAt\"";

/// What is compared.
struct Case {
    name: &'static str,
    direct: fn(&[String]) -> String,
    ours: fn(&[String]) -> String,
    /// Of so many ids.
    rows: fn(usize) -> usize,
}

const CASES: [Case; 2] = [
    Case {
        name: "list_users(ids), of ten",
        direct: |ids| {
            let ids = ids.join(",");
            format!("SELECT {COLUMNS} FROM neon_auth.\"user\" WHERE id = ANY ('{{{ids}}}')")
        },
        ours: |ids| {
            let ids = ids.join(",");
            format!("SELECT * FROM neon_auth_admin.list_users(ids => '{{{ids}}}')")
        },
        rows: |ids| ids,
    },
    Case {
        name: "wait_for_user(id)",
        direct: |ids| {
            format!(
                "SELECT {COLUMNS} FROM neon_auth.\"user\" WHERE id = '{}'",
                ids[0]
            )
        },
        ours: |ids| format!("SELECT * FROM neon_auth_admin.wait_for_user('{}')", ids[0]),
        rows: |_| 1,
    },
];

/// Prints the ratios.
pub fn compare() {
    let mut session = sql::connect();
    session.batch_execute(TABLE).expect("the table");
    session
        .batch_execute(&format!(
            "INSERT INTO neon_auth.\"user\" (name, email, \"emailVerified\")
             SELECT 'User ' || n, 'user-' || n || '@example.com', true FROM generate_series(1, {USERS}) AS n"
        ))
        .expect("users");
    // No part of a transaction.
    session
        .batch_execute("VACUUM ANALYZE neon_auth.\"user\"")
        .expect("statistics");
    let sample = sample(&mut session);
    println!("\nOf {USERS} users, median microseconds per statement:\n");
    println!("{:<25}{:>9}{:>9}{:>8}", "", "direct", "function", "ratio");
    for case in CASES {
        let (mut direct, mut ours) = (Vec::new(), Vec::new());
        let mut ids = sample.chunks_exact(IDS);
        for round in 0..=ROUNDS {
            for _ in 0..CALLS {
                let ids = ids.next().expect("more ids than calls");
                let rows = (case.rows)(ids.len());
                let of_direct = time(&mut session, &(case.direct)(ids), rows);
                let of_ours = time(&mut session, &(case.ours)(ids), rows);
                // The first round warms up.
                if round > 0 {
                    direct.push(of_direct);
                    ours.push(of_ours);
                }
            }
        }
        let (direct, ours) = (median(direct), median(ours));
        let ratio = ours / direct;
        println!("{:<25}{direct:>9.1}{ours:>9.1}{ratio:>8.2}", case.name);
    }
    session
        .batch_execute("DROP SCHEMA neon_auth CASCADE")
        .expect("dropped");
}

/// Enough of them for every call, in no order.
fn sample(session: &mut Client) -> Vec<String> {
    let sample =
        "SELECT id::text FROM neon_auth.\"user\" TABLESAMPLE BERNOULLI (3) ORDER BY random()";
    let rows = session.query(sample, &[]).expect("ids");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Microseconds of a statement that gives so many rows.
fn time(session: &mut Client, statement: &str, rows: usize) -> f64 {
    let started = Instant::now();
    let answer = session.simple_query(statement).expect("rows");
    let took = started.elapsed().as_secs_f64() * 1e6;
    let found = answer
        .iter()
        .filter(|message| matches!(message, SimpleQueryMessage::Row(_)));
    assert_eq!(found.count(), rows, "{statement}");
    took
}
