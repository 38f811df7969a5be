//! A database that is replicated logically, FOR ALL TABLES, into one with the extension and one without:
//! what the extension does is no part of it, but for its table of queued calls.

use postgres::Client;

use crate::support::{
    Database, Statements, arrived, connect, one, set_api_key, variable, wait_until,
};

const PUBLISHER: &str = "it_publisher";
const SUBSCRIBERS: [&str; 2] = ["it_subscriber_with", "it_subscriber_without"];
const LIST: &str = "SELECT * FROM neon_auth_admin.list_domains()";

fn subscribe(publisher: &mut Client, database: &str, publication: &str) -> Client {
    let mut subscriber = connect(database, "postgres");
    // In one cluster, CREATE SUBSCRIPTION would wait for itself if it made the slot.
    let slot = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')";
    publisher.execute(slot, &[&database]).expect("a slot");
    let host = variable("PGHOST");
    subscriber.run("CREATE TABLE public.accounts (id int PRIMARY KEY, name text)");
    subscriber.run(&format!(
        "CREATE SUBSCRIPTION {database}
         CONNECTION 'host={host} dbname={PUBLISHER} user=postgres' PUBLICATION {publication}
         WITH (create_slot = false, slot_name = '{database}')"
    ));
    subscriber
}

#[test]
fn subscribers_of_all_tables_work() {
    let database = Database::new(PUBLISHER);
    let with = Database::new(SUBSCRIBERS[0]);
    let mut admin = connect(PUBLISHER, "postgres");
    let create = format!("CREATE DATABASE {}", SUBSCRIBERS[1]);
    admin.run(&create);
    for (database, project) in [(&database, "test-publisher"), (&with, "test-subscriber")] {
        database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    }
    admin.run(
        "CREATE TABLE public.accounts (id int PRIMARY KEY, name text);
         INSERT INTO public.accounts VALUES (1, 'there before');
         CREATE PUBLICATION everything FOR ALL TABLES;
         CREATE PUBLICATION accounts FOR TABLE public.accounts",
    );
    let published = "SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY tablename)
                     FROM pg_publication_tables
                     WHERE pubname = 'everything' AND tablename <> 'queued_calls'";
    // What is sent is sent by who is told to.
    admin.run("ALTER ROLE it_publisher SET neon_auth_admin.queue_linger = -1");
    // Who has not got a table cannot subscribe to it.
    let [here, not_here] = SUBSCRIBERS;
    let mut subscribers = [(here, "everything"), (not_here, "accounts")]
        .map(|(one, publication)| subscribe(&mut admin, one, publication));
    let mut owner = database.session();

    // What is queued arrives, and is not sent from there.
    owner.run("SELECT neon_auth_admin.enqueue('add_domain', '{\"domain\": \"https://a\"}')");
    let queued = "SELECT count(*) = 1 FROM neon_auth_admin.queued_calls";
    wait_until(&mut subscribers[0], "the queued call", queued);
    subscribers[0].run(
        "GRANT USAGE ON SCHEMA neon_auth_admin TO it_publisher;
         GRANT EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin TO it_publisher",
    );
    let mut there = connect(here, PUBLISHER);
    there.run("CALL neon_auth_admin.run_queue()");
    let aside = "SELECT concat_ws(' ', state, sqlstate) FROM neon_auth_admin.queue";
    assert_eq!(one(&mut there, aside).get::<_, &str>(0), "waiting NA009");
    drop(there);

    let mut arrives = |admin: &mut Client, id: i32, what: &str| {
        let insert = "INSERT INTO public.accounts VALUES ($1, $2) ON CONFLICT DO NOTHING";
        admin.execute(insert, &[&id, &what]).expect("a row");
        let there = format!("SELECT EXISTS (SELECT FROM public.accounts WHERE id = {id})");
        for subscriber in &mut subscribers {
            wait_until(subscriber, what, &there);
        }
        let tables: String = one(admin, published).get(0);
        assert_eq!(tables, "public.accounts", "{what}");
    };
    arrives(&mut admin, 1, "there before");
    set_api_key(&mut owner, "neon");
    owner.query(LIST, &[]).expect("listed");
    arrives(&mut admin, 2, "after set_api_key");
    owner.run("DROP EXTENSION neon_auth_admin CASCADE");
    arrives(&mut admin, 3, "after DROP EXTENSION");
    owner.run("CREATE EXTENSION neon_auth_admin");
    database.add_server(
        "neon",
        "test-publisher",
        &variable("NEON_SIMULATOR_URL"),
        "",
    );
    arrives(&mut admin, 4, "after CREATE EXTENSION");

    // A trigger calls there only if it is told to, and then as the owner of its function.
    with.session().run(
        "CREATE FUNCTION public.called() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
         SET search_path = pg_catalog, pg_temp AS $$
         BEGIN
             PERFORM neon_auth_admin.add_domain('https://' || NEW.id || '.example.com', 'neon');
             RETURN NULL;
         END $$",
    );
    let mut there = connect(&with.name, "postgres");
    there.run(
        "CREATE TRIGGER called AFTER INSERT ON public.accounts
             FOR EACH ROW EXECUTE FUNCTION public.called()",
    );
    let before = arrived("test-subscriber");
    arrives(&mut admin, 5, "with a trigger");
    assert_eq!(arrived("test-subscriber"), before);
    there.run("ALTER TABLE public.accounts ENABLE ALWAYS TRIGGER called");
    arrives(&mut admin, 6, "with a trigger that is always enabled");
    assert_eq!(arrived("test-subscriber"), before + 1);

    // Each has its own keys, and its own secret.
    owner.query(LIST, &[]).expect("listed");
    with.session().query(LIST, &[]).expect("listed");
    for (subscriber, name) in subscribers.iter_mut().zip(SUBSCRIBERS) {
        let drop = format!("DROP SUBSCRIPTION {name}");
        subscriber.run(&drop);
    }
}
