//! What changes between the moment when a table is judged and that when an id is stored there.

use std::thread;

use super::attacks::{TELL, mallory, told};
use super::{Synced, trigger_on, words};
use crate::support::{Statements, one};

/// A trigger that is being made on a partition is not waited for, and judged when it is there.
#[test]
fn code_that_comes_meanwhile_is_judged() {
    let synced = Synced::bare("it_sync_parted", "test-sync-parted");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run(
        "CREATE TABLE customers (id bigint PRIMARY KEY, email text, name text, auth_user_id text)
             PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF customers FOR VALUES FROM (0) TO (1000);
         GRANT TRIGGER ON part TO it_sync_parted_mallory",
    );
    session.run(&trigger_on("customers"));
    session.run("INSERT INTO customers VALUES (1, 'ada@example.com')");
    synced.admin().run(
        "UPDATE neon_auth_admin.queued_calls SET result = '{\"id\": \"d2f2a9e5-0000-4000-8000-000000000001\"}'",
    );
    mallory.run(
        "BEGIN; CREATE TRIGGER b BEFORE UPDATE ON public.part FOR EACH ROW EXECUTE FUNCTION mallory.tell()",
    );
    session.run("CALL neon_auth_admin.run_queue()");
    let said = words(&mut session);
    assert!(said.contains("customers is locked"), "{said}");
    mallory.run("COMMIT");
    synced.hasten();
    session.run("CALL neon_auth_admin.run_queue()");
    let said = words(&mut session);
    assert!(said.contains("could have made a trigger"), "{said}");
    assert_eq!(told(&mut mallory), 0);
}

/// Whoever owns the schema may rename it, and have another table of that name there at any moment.
#[test]
fn a_name_may_lead_elsewhere_at_any_moment() {
    const ROWS: usize = 100;
    let synced = Synced::bare("it_sync_names", "test-sync-names");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run("GRANT CREATE ON DATABASE it_sync_names TO it_sync_names_mallory");
    mallory.run(
        "CREATE SCHEMA s; GRANT USAGE, CREATE ON SCHEMA s TO it_sync_names; CREATE SCHEMA trap;
         GRANT USAGE ON SCHEMA trap TO PUBLIC;
         CREATE TABLE trap.customers (id bigint PRIMARY KEY, email text, name text, auth_user_id text);
         GRANT ALL ON trap.customers TO PUBLIC;
         CREATE TRIGGER b BEFORE UPDATE ON trap.customers FOR EACH ROW EXECUTE FUNCTION mallory.tell();
         CREATE INDEX ON trap.customers (id) WHERE mallory.is_good('planned')",
    );
    session.run("CREATE TABLE s.customers (id bigint PRIMARY KEY, email text, name text, auth_user_id text)");
    session.run(&trigger_on("s.customers"));
    session.run(&format!(
        "INSERT INTO s.customers SELECT n, 'u' || n || '@example.com' FROM generate_series(1, {ROWS}) AS n"
    ));
    mallory.run("INSERT INTO trap.customers SELECT n, 'u' || n || '@example.com' FROM generate_series(1, 100) AS n");
    synced.admin().run(
        "UPDATE neon_auth_admin.queued_calls SET result = jsonb_build_object('id', gen_random_uuid())",
    );
    let is_open =
        "SELECT EXISTS (SELECT FROM neon_auth_admin.queue WHERE state IN ('waiting', 'sending'))";
    thread::scope(|scope| {
        let delivery = scope.spawn(|| {
            let mut session = synced.session();
            while one(&mut session, is_open).get::<_, bool>(0) {
                synced.hasten();
                session.run("CALL neon_auth_admin.run_queue()");
            }
        });
        let mut turns = 0;
        while !delivery.is_finished() {
            mallory.run(
                "BEGIN; ALTER SCHEMA s RENAME TO away; ALTER SCHEMA trap RENAME TO s; COMMIT;
                 BEGIN; ALTER SCHEMA s RENAME TO trap; ALTER SCHEMA away RENAME TO s; COMMIT",
            );
            turns += 1;
        }
        println!("{ROWS} ids stored while names changed {turns} times");
        delivery.join().expect("delivered");
    });
    assert_eq!(told(&mut mallory), 0);
    let all = "SELECT count(auth_user_id) FROM s.customers";
    assert_eq!(one(&mut session, all).get::<_, i64>(0), ROWS as i64);
}
