//! Who can see which secret, and where: what docs/security.md says, and nothing else. Nothing
//! here knows how places are looked at.

use std::collections::BTreeSet;
use std::thread;

use postgres::NoTls;

use crate::backend::Backend;
use crate::calls::*;
use crate::oracle::{
    Canaries, Sightings, Witness, add_pg_stat_statements, has_pg_stat_statements, logged, sightings,
};
use crate::support::{connect, one};

/// What the session heard: no secret in a message, and in rows those that the functions are for.
fn assert_heard(witness: &Witness, canaries: &Canaries, in_rows: &[&'static str], who: &str) {
    let heard = witness.messages();
    assert!(!heard.is_empty(), "{who} heard no message");
    assert_eq!(canaries.names_in(&heard), BTreeSet::new(), "{who}: {heard}");
    let in_rows = in_rows.iter().copied().collect();
    assert_eq!(canaries.names_in(&witness.rows), in_rows, "{who}'s rows");
}

/// The same secrets at each of these places.
fn at(places: &[&str], names: &[&'static str]) -> Sightings {
    let names: BTreeSet<_> = names.iter().copied().collect();
    let places = places.iter();
    places
        .map(|place| (place.to_string(), names.clone()))
        .collect()
}

const OWN: [&str; 2] = [
    "information_schema.user_mapping_options",
    "pg_catalog.pg_user_mappings",
];
/// The mappings of all, and what ANALYZE makes of them, which is too long for one row.
const ALL: [&str; 4] = [
    "pg_catalog.pg_statistic",
    "pg_catalog.pg_stats",
    "pg_catalog.pg_user_mapping",
    "pg_toast.pg_toast_2619",
];

#[test]
fn who_sees_which_secret_and_where() {
    let mut world = World::new("it_secrets");
    let [mapped, borrower, stranger, monitor, reader] =
        ["mapped", "borrower", "stranger", "monitor", "reader"].map(|n| format!("it_secrets_{n}"));
    world.add_role(&mapped);
    world.add_role(&borrower);
    world.execute(&format!(
        "CREATE ROLE {stranger} LOGIN;
         CREATE ROLE {monitor} LOGIN IN ROLE pg_monitor;
         CREATE ROLE {reader} LOGIN IN ROLE pg_read_all_data"
    ));
    add_pg_stat_statements(
        &mut world.admin.session,
        "secrets::who_sees_which_secret_and_where",
    );

    let mut owner = world.witness("it_secrets");
    let mut mapped = world.witness(&mapped);
    let mut borrower = world.witness(&borrower);
    let mut stranger = world.witness(&stranger);
    let mut monitor = world.witness(&monitor);
    let mut reader = world.witness(&reader);
    let canaries = &world.canaries;
    store_keys(&mut owner, canaries, PUBLIC_KEY, "public");
    store_keys(&mut owner, canaries, OWNERS_KEY, "it_secrets");
    store_keys(&mut mapped, canaries, MAPPED_KEY, "it_secrets_mapped");
    store_keys(&mut world.admin, canaries, ADMINS_KEY, "postgres");
    let stored = [
        (OWNERS_SEALED, "it_secrets"),
        (MAPPED_SEALED, "it_secrets_mapped"),
        (PUBLIC_SEALED, "public"),
        (ADMINS_SEALED, "postgres"),
    ];
    let canaries = &mut world.canaries;
    add_stored(&mut world.admin.session, canaries, &stored);
    let masked = [SDK_KEY, TRANSFER, OAUTH_SECRET, NAME];
    let shown = [&masked[..], &[CLIENT_SECRET, PASSWORD]].concat();
    for (witness, asks, in_rows, who) in [
        (&mut owner, true, &shown[..], "the server's owner, who asks"),
        (&mut mapped, false, &masked, "a role with a mapping"),
        (&mut borrower, false, &masked, "a role that borrows a key"),
        (&mut world.admin, false, &masked, "a superuser"),
        (&mut stranger, true, &[], "an ordinary role"),
        (&mut monitor, true, &[], "pg_monitor"),
        (&mut reader, true, &[], "pg_read_all_data"),
    ] {
        call_everything(witness, canaries, asks);
        assert_heard(witness, canaries, in_rows, who);
        if !in_rows.is_empty() {
            assert_everything_failed(witness);
        }
    }

    world.execute("ANALYZE pg_catalog.pg_user_mapping");
    for witness in [&mut owner, &mut mapped, &mut borrower, &mut stranger] {
        let pid = Backend::of(&mut witness.session).pid;
        world.execute(&format!("SELECT pg_log_backend_memory_contexts({pid})"));
    }

    // docs/security.md: "Who can read a key". These are the sessions that made the calls. Nobody sees a key;
    // whoever sees a sealed one and the secret can open it.
    let World {
        canaries, admin, ..
    } = &mut world;
    let own = at(&OWN, &[OWNERS_SEALED, PUBLIC_SEALED]);
    assert_eq!(sightings(&mut owner.session, canaries), own, "the owner");
    let own = at(&OWN, &[MAPPED_SEALED]);
    assert_eq!(sightings(&mut mapped.session, canaries), own, "own mapping");
    let none = Sightings::new();
    for (witness, who) in [
        (&mut borrower, "a role that uses the mapping of PUBLIC"),
        (&mut stranger, "an ordinary role"),
        (&mut monitor, "pg_monitor"),
    ] {
        assert_eq!(sightings(&mut witness.session, canaries), none, "{who}");
    }
    let sealed_and_seal = [&SEALED[..], &[SEAL]].concat();
    let all = at(&ALL, &sealed_and_seal);
    let seen = sightings(&mut reader.session, canaries);
    assert_eq!(seen, all, "pg_read_all_data");
    // This view is for who may use the server as well.
    let own = [&OWN[..], &["information_schema._pg_user_mappings"]].concat();
    let everywhere = at(&[&own[..], &ALL].concat(), &sealed_and_seal);
    let seen = sightings(&mut admin.session, canaries);
    assert_eq!(seen, everywhere, "a superuser");
    assert_eq!(logged(canaries), BTreeSet::new(), "the server's log");
    // Or workers would try the queued ones again until the server is stopped.
    admin
        .session
        .batch_execute("DELETE FROM neon_auth_admin.queued_calls")
        .expect("deleted");
}

/// While a call waits, its statement and its session are there to be looked at.
#[test]
fn nobody_sees_a_secret_while_a_call_waits() {
    let mut world = World::new("it_waiting");
    let monitor = "it_waiting_monitor";
    world.execute(&format!(
        "CREATE ROLE {monitor} LOGIN IN ROLE pg_monitor;
         ALTER SERVER silent OPTIONS (SET timeout '30s')"
    ));
    let mut session = world.database.session();
    let backend = Backend::of(&mut session);
    let cancel = session.cancel_token();
    let canaries = &world.canaries;
    thread::scope(|scope| {
        scope.spawn(|| {
            let key = canaries.value(OWNERS_KEY);
            let secret = canaries.value(CLIENT_SECRET);
            session
                .query(
                    "SELECT neon_auth_admin.set_api_key($1, 'silent'), \
                     neon_auth_admin.add_oauth_provider('github', 'id', $2, server => 'silent')",
                    &[&key, &secret],
                )
                .expect_err("cancelled");
        });
        backend.wait_for("NeonAuthAdminReceive");
        let admin = sightings(&mut world.admin.session, canaries);
        let monitor = sightings(&mut connect(&world.database.name, monitor), canaries);
        cancel.cancel_query(NoTls).expect("cancelled");
        let none = Sightings::new();
        assert_eq!(admin, none, "a superuser, of a mapping not yet committed");
        assert_eq!(monitor, none, "pg_monitor");
    });
    assert_eq!(logged(canaries), BTreeSet::new(), "the server's log");
}

/// The oracle hears no more than the server says.
#[test]
fn the_server_says_all_it_can() {
    let mut session = connect("postgres", "postgres");
    let mut settings = vec![
        ("log_statement", "all"),
        ("log_min_messages", "debug5"),
        ("log_min_error_statement", "debug5"),
        ("log_min_duration_statement", "0"),
        ("neon_auth_admin.log_calls", "all"),
    ];
    if has_pg_stat_statements(&mut session) {
        settings.push(("pg_stat_statements.track", "all"));
    }
    for (setting, expected) in settings {
        let shown: String = one(&mut session, &format!("SHOW {setting}")).get(0);
        assert_eq!(shown, expected, "{setting}");
    }
}
