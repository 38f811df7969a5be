//! Whose key a call is made with: that of the role in effect, call by call, though all of them share
//! one connection.

use neon_simulator::{Options, Simulator};
use postgres::Client;
use postgres::error::SqlState;

use crate::support::{Database, Statements, connect, one, variable};

/// The roles, each with its own key, in the order of the keys. The simulator knows no others.
const ROLES: [&str; 3] = ["postgres", "it_roles_one", "it_roles_two"];
const WITHOUT_KEY: &str = "it_roles_none";
const PROJECT: &str = "test-roles";
const CALL: &str = "SELECT count(*) FROM neon_auth_admin.list_domains()";

fn key(role: &str) -> String {
    format!("napi_of_{role}")
}

struct World {
    simulator: Simulator,
    /// Of a superuser, who may become anybody.
    session: Client,
}

impl World {
    fn new() -> Self {
        let simulator = Simulator::start(Options {
            api_keys: ROLES.map(key).to_vec(),
            ..Options::default()
        })
        .expect("the simulator starts");
        let database = Database::new("it_roles");
        let mut session = connect(&database.name, "postgres");
        let url = simulator.url();
        let [_, one, two] = ROLES;
        session.run(&format!(
            "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
             OPTIONS (project_id '{PROJECT}', api_url '{url}');
             CREATE ROLE {one}; CREATE ROLE {two}; CREATE ROLE {WITHOUT_KEY};
             GRANT USAGE ON SCHEMA neon_auth_admin TO {one}, {two}, {WITHOUT_KEY};
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO {one}, {two}, {WITHOUT_KEY};
             GRANT USAGE ON FOREIGN SERVER neon TO {one}, {two}, {WITHOUT_KEY}"
        ));
        for role in ROLES {
            let set = "SELECT neon_auth_admin.set_api_key($1, 'neon', $2)";
            session.execute(set, &[&key(role), &role]).expect("a key");
        }
        Self { simulator, session }
    }

    /// Runs the statements and says with whose keys calls came.
    fn callers(&mut self, statements: &str) -> Vec<&'static str> {
        self.simulator.clear();
        let ran = self.session.batch_execute(statements);
        ran.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
        let requests = self.simulator.requests();
        let keys = requests.iter().map(|request| request.api_key);
        keys.map(|key| key.map_or("nobody", |key| ROLES[key]))
            .collect()
    }

    /// A function that makes the call as `role`, whoever calls it.
    fn lend(&mut self, function: &str, role: &str, body: &str) {
        self.session.run(&format!(
            "CREATE FUNCTION {function}() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp AS $$ BEGIN {body} END $$;
             ALTER FUNCTION {function} OWNER TO {role}"
        ));
    }
}

#[test]
fn the_key_is_that_of_the_role_in_effect() {
    let [admin, one, two] = ROLES;
    let mut world = World::new();
    let call = format!("RETURN ({CALL});");
    world.lend("public.as_one", one, &call);
    world.lend("public.as_two", two, "RETURN public.as_one();");
    let fails = format!("PERFORM ({CALL}); RAISE EXCEPTION 'after the call';");
    world.lend("public.fails_as_one", one, &fails);

    for (statements, expected) in [
        (CALL.to_owned(), vec![admin]),
        (
            format!("SET ROLE {one}; {CALL}; SET ROLE {two}; {CALL}; RESET ROLE; {CALL}"),
            vec![one, two, admin],
        ),
        (
            format!("SET SESSION AUTHORIZATION {two}; {CALL}; RESET SESSION AUTHORIZATION; {CALL}"),
            vec![two, admin],
        ),
        (
            format!(
                "SET SESSION AUTHORIZATION {two}; SELECT public.as_one(); {CALL}; RESET SESSION AUTHORIZATION"
            ),
            vec![one, two],
        ),
        // In one statement, there and back.
        (
            format!("SELECT ({CALL}), public.as_one(), ({CALL}) + 0"),
            vec![admin, one, admin],
        ),
        (format!("SELECT public.as_two(); {CALL}"), vec![one, admin]),
        (
            format!("BEGIN; SET LOCAL ROLE {one}; {CALL}; ROLLBACK; {CALL}"),
            vec![one, admin],
        ),
        (
            format!(
                "BEGIN; SAVEPOINT s; SET LOCAL ROLE {one}; {CALL}; ROLLBACK TO s; {CALL}; COMMIT"
            ),
            vec![one, admin],
        ),
        // An error leaves the function, and with it the role.
        (
            format!(
                "DO $$ BEGIN PERFORM public.fails_as_one();
                 EXCEPTION WHEN raise_exception THEN NULL; END $$; {CALL}"
            ),
            vec![one, admin],
        ),
        // A key counts from the moment it is set, and no longer than its transaction.
        (
            format!(
                "BEGIN; SELECT neon_auth_admin.set_api_key('{}'); {CALL}; ROLLBACK; {CALL}",
                key(two)
            ),
            vec![two, admin],
        ),
        (
            format!(
                "BEGIN; SELECT neon_auth_admin.set_api_key('napi_of_nobody');
                 DO $$ BEGIN PERFORM neon_auth_admin.list_domains();
                 EXCEPTION WHEN invalid_authorization_specification THEN NULL; END $$;
                 ROLLBACK; {CALL}"
            ),
            vec!["nobody", admin],
        ),
    ] {
        assert_eq!(world.callers(&statements), expected, "{statements}");
    }

    for become_it in ["SET ROLE", "SET SESSION AUTHORIZATION"] {
        assert_eq!(world.callers(CALL), [admin]);
        let become_it = format!("{become_it} {WITHOUT_KEY}");
        world.session.batch_execute(&become_it).expect("become it");
        world.session.refused(CALL, &SqlState::from_code("NA009"));
        let back = "RESET ROLE; RESET SESSION AUTHORIZATION";
        world.session.batch_execute(back).expect("back");
        assert_eq!(world.simulator.requests().len(), 1, "{become_it}");
    }
    assert_eq!(world.simulator.connections(), 1, "all over one connection");
}

/// A session goes on when its own role is gone; what it hears is Neon's answer, with the role's number.
#[test]
fn a_role_that_was_dropped_gets_its_answer() {
    let database = Database::new("it_roles_dropped");
    let url = variable("NEON_SIMULATOR_URL");
    let mut admin = connect(&database.name, "postgres");
    admin.run(
        "CREATE ROLE it_roles_gone LOGIN;
         GRANT USAGE ON SCHEMA neon_auth_admin TO PUBLIC;
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO PUBLIC",
    );
    let mut owner = database.session();
    for fault in ["401", "403", "502"] {
        database.add_server(
            &format!("s{fault}"),
            &format!("fault-{fault}--roles"),
            &url,
            "",
        );
        owner.run(&format!(
            "GRANT USAGE ON FOREIGN SERVER s{fault} TO PUBLIC;
             CREATE USER MAPPING FOR PUBLIC SERVER s{fault} OPTIONS (api_key 'napi_x')"
        ));
    }
    let mut session = connect(&database.name, "it_roles_gone");
    let number: u32 = one(&mut session, "SELECT current_user::regrole::oid").get(0);
    admin.run("DROP ROLE it_roles_gone");
    for (fault, state) in [("401", "28000"), ("403", "42501"), ("502", "NA003")] {
        let call = format!("SELECT neon_auth_admin.add_domain('https://a.example', 's{fault}')");
        let error = session.refused(&call, &SqlState::from_code(state));
        if fault == "403" {
            let hint = error.hint().expect("a hint");
            assert!(hint.contains(&format!("role \"{number}\"")), "{hint}");
        }
    }
}
