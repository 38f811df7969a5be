//! How to forbid that keys are stored: for CREATE USER MAPPING an event trigger does it, for `set_api_key`,
//! which is a function, its grant.

use postgres::error::SqlState;

use crate::support::{Database, Statements, connect, set_api_key};

#[test]
fn event_triggers_see_the_statement_and_grants_the_function() {
    let (name, user) = ("it_forbidding", "it_forbidding_user");
    let database = Database::new(name);
    connect(name, "postgres").run(&format!(
        "CREATE ROLE {user} LOGIN;
         CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql
         AS 'BEGIN RAISE ''no keys here: %'', tg_tag; END';
         CREATE EVENT TRIGGER refuse ON ddl_command_start
         WHEN TAG IN ('CREATE USER MAPPING', 'ALTER USER MAPPING')
         EXECUTE FUNCTION public.refuse()"
    ));
    let mut owner = database.session();
    let function = "neon_auth_admin.set_api_key";
    owner.run(&format!(
        "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'p');
         GRANT USAGE ON FOREIGN SERVER neon TO {user};
         GRANT USAGE ON SCHEMA neon_auth_admin TO {user};
         GRANT EXECUTE ON FUNCTION {function} TO {user}"
    ));
    let mut session = connect(name, user);
    let create = "CREATE USER MAPPING FOR CURRENT_USER SERVER neon OPTIONS (api_key 'napi_x')";
    let alter = "ALTER USER MAPPING FOR CURRENT_USER SERVER neon OPTIONS (SET api_key 'napi_y')";
    let raised = &SqlState::RAISE_EXCEPTION;
    session.refused(create, raised);
    // It makes a mapping, and then changes it.
    set_api_key(&mut session, "neon");
    set_api_key(&mut session, "neon");
    session.refused(alter, raised);

    let revoke = format!("REVOKE EXECUTE ON FUNCTION {function} FROM {user}");
    owner.batch_execute(&revoke).expect("revoked");
    let set = "SELECT neon_auth_admin.set_api_key('napi_x', 'neon')";
    session.refused(set, &SqlState::INSUFFICIENT_PRIVILEGE);
}
