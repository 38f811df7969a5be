//! Who says which calls are logged: neither who is audited, nor a session before the library is there.

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use super::{ADD, LIST, World};
use crate::backend::Backend;
use crate::support::{Statements, config, one, set_api_key};

#[test]
fn who_says_what_is_logged() {
    let mut world = World::new("it_call_log_set", "test-call-log-set");
    let role = "it_call_log_set";
    world
        .session
        .run(&format!("GRANT USAGE ON FOREIGN SERVER neon TO {role}"));
    let mut owner = world.database.session();
    set_api_key(&mut owner, "neon");
    let set = "SET neon_auth_admin.log_calls = 'none'";
    owner.refused(set, &SqlState::INSUFFICIENT_PRIVILEGE);
    let version = "SELECT current_setting('server_version_num')::int / 10000";
    if one(&mut owner, version).get::<_, i32>(0) >= 15 {
        let grant = format!("GRANT SET ON PARAMETER neon_auth_admin.log_calls TO {role}");
        world.session.run(&grant);
        owner.run(set);
        world
            .session
            .run(&grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM "));
    }
    let logged = |session: &mut Client| {
        let backend = Backend::of(session);
        session.run(LIST);
        let log = backend.log().join("\n");
        log.contains("LOG:  Neon API call: function=list_domains ")
    };
    // Before the library is there to refuse it, anybody may set what Postgres does not know.
    let mut early = world.database.session();
    early.run(set);
    assert!(logged(&mut early), "a value that was set too early");
    // As an option of the connection it is refused as well, but the configured value is lost.
    let options = "-c neon_auth_admin.log_calls=none";
    let mut session = world.database.session_with(options);
    let error = session.refused(ADD, &SqlState::INSUFFICIENT_PRIVILEGE);
    assert!(
        error.message().contains("neon_auth_admin.log_calls"),
        "{error:?}"
    );
    let mut config = config(role, "postgres");
    let mut admin = config.options(options).connect(NoTls).expect("a session");
    assert!(!logged(&mut admin), "a superuser may");
    world.session.run(&format!(
        "ALTER ROLE {role} SET neon_auth_admin.log_calls = 'none'"
    ));
    assert!(!logged(&mut world.database.session()), "of a superuser");
    world.session.run(&format!("ALTER ROLE {role} RESET ALL"));
    assert!(logged(&mut world.database.session()));
}
