//! Statements with many rows, whose calls are written together at their ends.

use std::io::Write;

use super::{Synced, TABLE, calls, count, trigger_on, wait_for_linked};
use crate::support::{Statements, one};

/// More than are written at once, twice.
const MANY: &str = "INSERT INTO customers (email)
    SELECT 'u' || n || '@example.com' FROM generate_series(1, 2500) AS n";

/// Whoever looks next sees them, in the order of their rows, and can change them; what is undone is not there.
#[test]
fn they_are_there_for_what_comes_next() {
    let synced = Synced::new("it_sync_many", "test-sync-many");
    let mut session = synced.session();
    session.run("BEGIN");
    session.run(MANY);
    assert_eq!(count(&mut session, "state = 'waiting'"), 2500);
    let in_order = "SELECT bool_and(email = arguments ->> 'email') FROM
        (SELECT email, row_number() OVER (ORDER BY id) AS n FROM customers) AS c
        JOIN (SELECT arguments, row_number() OVER (ORDER BY id) AS n FROM neon_auth_admin.queue) AS q USING (n)";
    assert!(one(&mut session, in_order).get::<_, bool>(0));
    session.run("DELETE FROM customers WHERE id % 2 = 0");
    assert_eq!(count(&mut session, "state = 'cancelled'"), 1250);
    session.run("SAVEPOINT s");
    session.run(&MANY.replace("'u'", "'v'"));
    assert_eq!(count(&mut session, "state = 'waiting'"), 3750);
    session.run("ROLLBACK TO s");
    assert_eq!(count(&mut session, "state = 'waiting'"), 1250);
    session.run("COMMIT; DELETE FROM customers WHERE id > 9");
    assert_eq!(count(&mut session, "state = 'waiting'"), 5);
    synced.deliver();
    wait_for_linked(&mut session, (5, 0));
}

/// From a file it is one statement, too.
#[test]
fn a_file_is_loaded() {
    let synced = Synced::new("it_sync_copy", "test-sync-copy");
    let mut session = synced.session();
    let mut copy = session
        .copy_in("COPY customers (email) FROM STDIN")
        .expect("it begins");
    for n in 0..250 {
        writeln!(copy, "u{n}@example.com").expect("a line");
    }
    assert_eq!(copy.finish().expect("it ends"), 250);
    assert_eq!(count(&mut session, "state = 'waiting'"), 250);
    synced.deliver();
    wait_for_linked(&mut session, (250, 0));
}

/// Nothing is left of a statement that fails, whether some of its rows were written or none, and the next one is as
/// any.
#[test]
fn a_statement_that_fails_queues_nothing() {
    let synced = Synced::new("it_sync_many_fail", "test-sync-many-fail");
    let mut session = synced.session();
    session.run("INSERT INTO customers (email) VALUES ('first@example.com')");
    for last in ["7", "1500"] {
        let failing = format!(
            "DO $$ BEGIN
                 {MANY};
                 INSERT INTO customers (email)
                     SELECT CASE n WHEN {last} THEN 'no address' ELSE 'v' || n || '@example.com' END
                     FROM generate_series(1, 2500) AS n;
             EXCEPTION WHEN invalid_parameter_value THEN
                 INSERT INTO customers (email) VALUES ('a{last}@example.com'), ('b{last}@example.com'), ('c{last}@example.com');
             END $$"
        );
        session.run(&failing);
    }
    let expected = "first@example.com a7@example.com b7@example.com c7@example.com \
                    a1500@example.com b1500@example.com c1500@example.com";
    let queued =
        "SELECT string_agg(arguments ->> 'email', ' ' ORDER BY id) FROM neon_auth_admin.queue";
    assert_eq!(one(&mut session, queued).get::<_, &str>(0), expected);
}

/// Other triggers of the same table see the call of each row before them.
#[test]
fn other_triggers_of_the_table_see_them() {
    let synced = Synced::new("it_sync_many_seen", "test-sync-many-seen");
    let mut session = synced.session();
    session.run(
        "CREATE TABLE seen (what text, n bigint);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO seen SELECT TG_LEVEL, count(*) FROM neon_auth_admin.queue;
             RETURN NULL;
         END $$",
    );
    for (level, expected) in [("ROW", "1 2 3 4 5"), ("STATEMENT", "5")] {
        session.run(&format!(
            "CREATE TRIGGER b AFTER INSERT ON customers FOR EACH {level} EXECUTE FUNCTION see();
             INSERT INTO customers (email) SELECT n || '{level}@example.com' FROM generate_series(1, 5) AS n;
             DROP TRIGGER b ON customers;
             DELETE FROM customers"
        ));
        let seen =
            format!("SELECT string_agg(n::text, ' ' ORDER BY n) FROM seen WHERE what = '{level}'");
        assert_eq!(one(&mut session, &seen).get::<_, &str>(0), expected);
        synced
            .admin()
            .run("DELETE FROM neon_auth_admin.queued_calls");
    }
}

/// Triggers of other tables that the same statement writes may do anything in between, and undo it.
#[test]
fn others_come_in_between() {
    let synced = Synced::new("it_sync_many_between", "test-sync-many-between");
    let mut session = synced.session();
    session.run(
        "CREATE TABLE orders (n integer);
         CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.n = 1 THEN
                 PERFORM neon_auth_admin.enqueue('create_user', '{\"email\": \"by-hand@example.com\"}');
             END IF;
             BEGIN
                 INSERT INTO customers (email) SELECT n || '-undone@example.com' FROM generate_series(1, 3) AS n;
                 RAISE division_by_zero;
             EXCEPTION WHEN division_by_zero THEN NULL;
             END;
             BEGIN
                 INSERT INTO customers (email)
                     SELECT concat(NEW.n, '-', n, '-inner@example.com') FROM generate_series(1, 3) AS n;
             EXCEPTION WHEN division_by_zero THEN NULL;
             END;
             RETURN NULL;
         END $$;
         CREATE TRIGGER act AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION act();
         WITH new AS (INSERT INTO customers (email) SELECT n || '@example.com' FROM generate_series(1, 4) AS n
                      RETURNING id),
             orders AS (INSERT INTO orders SELECT row_number() OVER () FROM generate_series(1, 2)),
             more AS (INSERT INTO customers (email) SELECT n || '-more@example.com' FROM generate_series(1, 4) AS n)
         SELECT FROM new",
    );
    // One call for each row, and that of nobody.
    assert_eq!(count(&mut session, "true"), 4 + 4 + 6 + 1);
    let unlike = "SELECT count(*) FROM customers AS c
        FULL JOIN neon_auth_admin.queue AS q ON q.arguments ->> 'email' = c.email
        WHERE (c.id IS NULL OR q.id IS NULL) AND q.arguments ->> 'email' IS DISTINCT FROM 'by-hand@example.com'";
    assert_eq!(one(&mut session, unlike).get::<_, i64>(0), 0);
    let before = "SELECT array_agg(arguments ->> 'email' ORDER BY id) FROM neon_auth_admin.queue
        WHERE id < (SELECT id FROM neon_auth_admin.queue WHERE arguments ->> 'email' = 'by-hand@example.com')";
    let before: Vec<String> = one(&mut session, before).get(0);
    assert!(before.contains(&"4@example.com".to_owned()), "{before:?}");
}

/// Deferred triggers, those of partitions, sessions whose triggers do not fire, and a superuser's on the calls.
#[test]
fn other_ways_of_many_rows() {
    let synced = Synced::bare("it_sync_many_ways", "test-sync-many-ways");
    let mut session = synced.session();
    let insert =
        "INSERT INTO customers (email) SELECT n || '@example.com' FROM generate_series(1, 5) AS n";
    let deferred = trigger_on("customers")
        .replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
        .replace(" FOR EACH", " DEFERRABLE INITIALLY DEFERRED FOR EACH");
    let partitioned = TABLE.to_owned()
        + " PARTITION BY RANGE (id);
           CREATE TABLE p1 PARTITION OF customers FOR VALUES FROM (1) TO (3);
           CREATE TABLE p2 PARTITION OF customers DEFAULT; "
        + &trigger_on("customers");
    let always = format!(
        "{TABLE}; {}; ALTER TABLE customers ENABLE ALWAYS TRIGGER auth",
        trigger_on("customers")
    );
    let mut admin = synced.admin();
    for made in [format!("{TABLE}; {deferred}"), partitioned, always.clone()] {
        session.run(&made);
        let mut of = match made == always {
            true => synced.admin(),
            false => synced.session(),
        };
        if made == always {
            of.run("SET session_replication_role = replica");
        }
        of.run("BEGIN");
        of.run(insert);
        of.run("SET CONSTRAINTS ALL IMMEDIATE; COMMIT");
        assert_eq!(count(&mut session, "state = 'waiting'"), 5, "{made}");
        session.run("DROP TABLE customers");
        admin.run("DELETE FROM neon_auth_admin.queued_calls");
    }
    admin.run(
        "CREATE TABLE public.audit (id bigint); GRANT SELECT ON public.audit TO PUBLIC;
         CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO public.audit SELECT count(*) FROM neon_auth_admin.queued_calls;
             RETURN NULL;
         END $$;
         CREATE TRIGGER audit AFTER INSERT ON neon_auth_admin.queued_calls FOR EACH STATEMENT
             EXECUTE FUNCTION public.audit()",
    );
    session.run(&format!("{TABLE}; {}", trigger_on("customers")));
    session.run(insert);
    let seen = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.audit";
    assert_eq!(one(&mut session, seen).get::<_, &str>(0), "1 2 3 4 5");
    assert_eq!(
        calls(&mut session).matches("create_user waiting").count(),
        5
    );
}
