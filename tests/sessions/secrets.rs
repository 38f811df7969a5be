//! Who can read the key: the roles of which the README says so, and nobody else.

use postgres::Client;

use crate::support::{Database, connect, one, set_api_key, variable};

/// Whatever a session can look at that might hold a key.
const PLACES: [&str; 9] = [
    "pg_user_mappings",
    "pg_user_mapping",
    "pg_foreign_server",
    "information_schema.user_mapping_options",
    "information_schema.foreign_server_options",
    "pg_settings",
    "pg_stat_activity",
    "pg_stat_statements",
    "pg_prepared_statements",
];

/// The places where this session sees the key.
fn seen_by(session: &mut Client) -> Vec<&'static str> {
    let key = variable("NEON_API_KEY");
    PLACES
        .into_iter()
        .filter(|place| {
            // A place this role may not read shows it nothing; the key is bound, and a view of
            // statements shows none of what is bound.
            session
                .query_one(
                    &format!("SELECT count(*) FROM {place} AS place WHERE place::text LIKE '%' || $1 || '%'"),
                    &[&key],
                )
                .is_ok_and(|row| row.get::<_, i64>(0) > 0)
        })
        .collect()
}

#[test]
fn who_sees_the_key() {
    let database = Database::new("it_secrets");
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "test-secrets", &url, "");
    let mut admin = connect(&database.name, "postgres");
    // A Postgres without its contributed modules has no such view, which then shows nothing.
    let loaded = one(
        &mut admin,
        "SELECT current_setting('shared_preload_libraries') = 'pg_stat_statements'",
    );
    if loaded.get(0) {
        admin
            .batch_execute("CREATE EXTENSION pg_stat_statements")
            .expect("the module");
    }
    admin
        .batch_execute(
            "CREATE ROLE it_secrets_mapped LOGIN;
             CREATE ROLE it_secrets_stranger LOGIN;
             CREATE ROLE it_secrets_monitor LOGIN IN ROLE pg_monitor;
             GRANT USAGE ON SCHEMA neon_auth_admin TO it_secrets_mapped;
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO it_secrets_mapped;
             GRANT USAGE ON FOREIGN SERVER neon TO it_secrets_mapped",
        )
        .expect("roles");
    let mut mapped = database.session_as("it_secrets_mapped");
    set_api_key(&mut mapped, "neon");
    for session in [&mut database.session(), &mut mapped] {
        session
            .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
            .expect("listed");
    }

    let own = [
        "pg_user_mappings",
        "information_schema.user_mapping_options",
    ];
    assert_eq!(seen_by(&mut database.session()), own, "the server's owner");
    assert_eq!(seen_by(&mut mapped), own, "a role with its own mapping");
    let none: [&str; 0] = [];
    let mut stranger = database.session_as("it_secrets_stranger");
    assert_eq!(seen_by(&mut stranger), none, "any other role");
    let mut monitor = database.session_as("it_secrets_monitor");
    assert_eq!(seen_by(&mut monitor), none, "pg_monitor");
    let all = [
        "pg_user_mappings",
        "pg_user_mapping",
        "information_schema.user_mapping_options",
    ];
    assert_eq!(seen_by(&mut admin), all, "a superuser");
}
