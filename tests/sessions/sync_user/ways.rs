//! How rows come and go besides plain statements of a session: in parts of a transaction, in bulk, by replication,
//! by a restore; and what may hang on the table of queued calls.

use super::{Synced, TABLE, calls, trigger_on, wait_for_linked};
use crate::support::{Statements, one, skipped, variable, wait_until};

/// What is queued is there at once for the same transaction, and goes with the part of it that is undone.
#[test]
fn parts_of_a_transaction() {
    let synced = Synced::new("it_sync_parts", "test-sync-parts");
    let mut session = synced.session();
    session.run(
        "BEGIN;
         INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, 50) AS n;
         DELETE FROM customers WHERE email = 'u7@example.com';
         SAVEPOINT a;
         INSERT INTO customers (email) SELECT 'v' || n || '@example.com' FROM generate_series(1, 50) AS n;
         SAVEPOINT b;
         INSERT INTO customers (email) VALUES ('w@example.com');
         ROLLBACK TO a;
         INSERT INTO customers (email) VALUES ('v7@example.com');
         WITH gone AS (DELETE FROM customers WHERE email = 'u8@example.com' RETURNING email)
             INSERT INTO customers (email) SELECT email FROM gone;
         DO $$ BEGIN
             INSERT INTO customers (email) VALUES ('x@example.com'), ('no address');
         EXCEPTION WHEN invalid_parameter_value THEN NULL;
         END $$;
         INSERT INTO customers (email) VALUES ('y@example.com');
         COMMIT",
    );
    let states = "SELECT string_agg(concat(state, ' ', n), ', ' ORDER BY state)
                  FROM (SELECT state, count(*) AS n FROM neon_auth_admin.queue GROUP BY state) AS s";
    assert_eq!(
        one(&mut session, states).get::<_, &str>(0),
        "cancelled 2, waiting 51"
    );
    let as_rows = "SELECT count(*) FROM customers AS c JOIN neon_auth_admin.queue AS q
                   ON q.arguments ->> 'email' = c.email AND q.state = 'waiting'";
    assert_eq!(one(&mut session, as_rows).get::<_, i64>(0), 51);
    let ids = "SELECT count(DISTINCT id) FROM neon_auth_admin.queue";
    assert_eq!(one(&mut session, ids).get::<_, i64>(0), 53);
    synced.deliver();
    wait_for_linked(&mut session, (51, 0));
}

/// The table may change between two rows of one transaction, and may be another one after it.
#[test]
fn the_queue_may_change_meanwhile() {
    let synced = Synced::new("it_sync_changed", "test-sync-changed");
    let mut admin = synced.admin();
    let insert = |n: i32| format!("INSERT INTO customers (email) VALUES ('u{n}@example.com')");
    let changes = [
        "ALTER TABLE neon_auth_admin.queued_calls ADD more text DEFAULT 'more'",
        "CREATE INDEX more ON neon_auth_admin.queued_calls (subject)",
        "ALTER TABLE neon_auth_admin.queued_calls DROP more",
        "REINDEX TABLE neon_auth_admin.queued_calls",
        "DROP INDEX neon_auth_admin.more",
        "ALTER TABLE neon_auth_admin.queued_calls SET (fillfactor = 70); CLUSTER neon_auth_admin.queued_calls USING queued_calls_pkey",
    ];
    admin.run("BEGIN");
    for (n, change) in (0..).zip(changes) {
        admin.run(&insert(n));
        admin.run("SAVEPOINT s");
        admin.run(change);
        admin.run(&insert(100 + n));
        admin.run("ROLLBACK TO s");
        admin.run(&insert(200 + n));
        admin.run(change);
        admin.run(&insert(300 + n));
    }
    admin.run("COMMIT");
    let count = i64::try_from(3 * changes.len()).expect("few");
    // By an index, and without.
    for setting in ["enable_seqscan", "enable_indexscan"] {
        let query = "SELECT count(*) FROM neon_auth_admin.queued_calls WHERE subject LIKE '%@example.com'
                     AND role = 'it_sync_changed'::regrole AND server = 'neon' AND state IN ('waiting', 'sending')";
        admin.run(&format!("SET {setting} = off"));
        assert_eq!(one(&mut admin, query).get::<_, i64>(0), count, "{setting}");
        admin.run(&format!("RESET {setting}"));
    }
    // Nor does a session know a table that is gone.
    let mut session = synced.session();
    session.run(&insert(1000));
    session.run("DROP EXTENSION neon_auth_admin CASCADE; CREATE EXTENSION neon_auth_admin");
    synced.database.add_server(
        "neon",
        "test-sync-changed",
        &variable("NEON_SIMULATOR_URL"),
        ", branch_id 'br-current-1'",
    );
    session.run(&trigger_on("customers"));
    session.run(&insert(1001));
    assert_eq!(calls(&mut session), "create_user waiting");
}

/// A superuser's triggers on the table of calls see each, with the rights of its owner and no path of a caller's.
#[test]
fn a_trigger_on_the_queue_fires() {
    let synced = Synced::new("it_sync_audit", "test-sync-audit");
    synced.admin().run(
        "CREATE TABLE public.audit (who text, path text, id bigint);
         CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO public.audit VALUES (current_user, current_setting('search_path'), NEW.id);
             RETURN NEW;
         END $$;
         CREATE TRIGGER audit BEFORE INSERT ON neon_auth_admin.queued_calls FOR EACH ROW EXECUTE FUNCTION public.audit();
         GRANT SELECT ON public.audit TO PUBLIC",
    );
    let mut session = synced.session();
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    let seen = "SELECT concat_ws(' ', a.who, a.path, q.state) FROM public.audit AS a JOIN neon_auth_admin.queue AS q USING (id)";
    assert_eq!(
        one(&mut session, seen).get::<_, &str>(0),
        "postgres pg_catalog, pg_temp waiting"
    );
}

#[test]
fn a_prepared_transaction_queues() {
    let synced = Synced::new("it_sync_prepared", "test-sync-prepared");
    let mut session = synced.session();
    session.run(
        "BEGIN; INSERT INTO customers (email) VALUES ('ada@example.com');
         PREPARE TRANSACTION 'it_sync_prepared'",
    );
    assert_eq!(calls(&mut session), "");
    session.run("COMMIT PREPARED 'it_sync_prepared'");
    synced.deliver();
    synced.wait_for_users("ada@example.com");
    wait_for_linked(&mut session, (1, 0));
}

/// `pg_restore --disable-triggers` says ALTER TABLE ... DISABLE TRIGGER ALL, others session_replication_role.
#[test]
fn a_restore_without_triggers_calls_nobody() {
    let synced = Synced::new("it_sync_restore", "test-sync-restore");
    let mut session = synced.session();
    let ways = [
        (
            "ALTER TABLE customers DISABLE TRIGGER ALL",
            "ALTER TABLE customers ENABLE TRIGGER ALL",
        ),
        (
            "SET session_replication_role = replica",
            "RESET session_replication_role",
        ),
    ];
    let mut admin = synced.admin();
    for (n, (before, after)) in ways.into_iter().enumerate() {
        admin.run(before);
        admin.run(&format!(
            "INSERT INTO customers (email, auth_user_id) VALUES ('with{n}@example.com', 'd2f2a9e5'), ('u{n}@example.com', NULL)"
        ));
        admin.run(after);
        assert_eq!(calls(&mut session), "");
    }
    session.run("UPDATE customers SET email = email WHERE auth_user_id IS NULL");
    synced.deliver();
    synced.wait_for_users("u0@example.com u1@example.com");
    wait_for_linked(&mut session, (2, 0));
}

/// The worker of a subscription fires what it is told to fire, and then the subscriber calls as the owner there.
#[test]
fn a_subscriber_calls_if_it_is_told_to() {
    const SUBSCRIBER: &str = "it_sync_subscriber";
    let publisher = Synced::new("it_sync_publisher", "test-sync-publisher");
    let subscriber = Synced::new(SUBSCRIBER, "test-sync-subscriber");
    let mut admin = publisher.admin();
    admin.run("DROP TRIGGER auth ON customers; CREATE PUBLICATION customers FOR TABLE customers");
    let slot = format!("SELECT pg_create_logical_replication_slot('{SUBSCRIBER}', 'pgoutput')");
    one(&mut admin, &slot);
    let mut there = subscriber.admin();
    there.run(&format!(
        "CREATE SUBSCRIPTION {SUBSCRIBER}
         CONNECTION 'host={} dbname=it_sync_publisher user=postgres' PUBLICATION customers
         WITH (create_slot = false, slot_name = '{SUBSCRIBER}')",
        variable("PGHOST")
    ));
    let mut arrive = |n: i32, there: &mut postgres::Client| {
        admin.run(&format!(
            "INSERT INTO customers (id, email) VALUES ({n}, 'u{n}@example.com')"
        ));
        let arrived = format!("SELECT EXISTS (SELECT FROM customers WHERE id = {n})");
        wait_until(there, "a row", &arrived);
    };
    arrive(1, &mut there);
    assert_eq!(calls(&mut there), "");
    for (n, mode) in [(2, "REPLICA"), (3, "ALWAYS")] {
        there.run(&format!("ALTER TABLE customers ENABLE {mode} TRIGGER auth"));
        arrive(n, &mut there);
    }
    assert_eq!(
        calls(&mut there),
        "create_user waiting, create_user waiting"
    );
    subscriber.deliver();
    wait_for_linked(&mut there, (2, 1));
    // A publisher's DELETE arrives as one.
    admin.run("DELETE FROM customers");
    let gone = "SELECT NOT EXISTS (SELECT FROM customers)";
    wait_until(&mut there, "no row", gone);
    subscriber.deliver();
    subscriber.wait_for_users("");
    there.run(&format!("DROP SUBSCRIPTION {SUBSCRIBER}"));
}

/// A partition that is somebody else's could run anything, by what it checks.
#[test]
fn a_partition_of_another_owner_is_refused() {
    let synced = Synced::bare("it_sync_part_owner", "test-sync-part-owner");
    let mut session = synced.session();
    session.run(
        "CREATE TABLE customers (region text, id int, email text, name text, auth_user_id text,
             PRIMARY KEY (region, id)) PARTITION BY LIST (region);
         CREATE TABLE customers_eu PARTITION OF customers FOR VALUES IN ('eu')",
    );
    session.run(&trigger_on("customers"));
    session.run("INSERT INTO customers VALUES ('eu', 1, 'ada@example.com')");
    let mut admin = synced.admin();
    admin.run("CREATE ROLE it_sync_part_other LOGIN; ALTER TABLE customers_eu OWNER TO it_sync_part_other");
    session.run("CALL neon_auth_admin.run_queue()");
    let said = super::words(&mut session);
    assert!(said.contains("public.customers_eu of role"), "{said}");
    let refused =
        session.batch_execute("INSERT INTO customers VALUES ('eu', 2, 'eve@example.com')");
    let refused = refused.expect_err("a partition of another owner");
    let detail = refused
        .as_db_error()
        .and_then(|it| it.detail().map(str::to_owned));
    assert_eq!(
        detail.as_deref(),
        Some("It is a partition of a table of another role.")
    );
    // A row that leaves with its partition is none of the table's any more.
    session.run("ALTER TABLE customers DETACH PARTITION customers_eu");
    synced.deliver();
    assert_eq!(calls(&mut session), "create_user cancelled P0002");
}

#[test]
fn a_foreign_table_is_refused() {
    let synced = Synced::bare("it_sync_foreign", "test-sync-foreign");
    let mut admin = synced.admin();
    let available =
        "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw')";
    if !one(&mut admin, available).get::<_, bool>(0) {
        return skipped(
            "a foreign table with sync_user()",
            "there is no postgres_fdw",
        );
    }
    admin.run(TABLE);
    admin.run(&format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', dbname 'it_sync_foreign');
         CREATE USER MAPPING FOR postgres SERVER here OPTIONS (user 'postgres');
         CREATE FOREIGN TABLE far (id bigint, email text, name text, auth_user_id text)
             SERVER here OPTIONS (table_name 'customers')",
        variable("PGHOST")
    ));
    admin.run(&trigger_on("far"));
    let insert = "INSERT INTO far VALUES (1, 'ada@example.com')";
    let error = admin.batch_execute(insert).expect_err("foreign");
    let error = error.as_db_error().expect("of the server");
    assert_eq!(
        error.message(),
        "public.far cannot be kept together with users"
    );
}
