//! The settings that decide where a key goes are out of reach: whatever a session or the owner of a
//! database does, it is refused or has no effect.

use std::io::ErrorKind;
use std::net::TcpListener;

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use crate::support::{Database, Statements, config, connect, set_api_key, sqlstate, variable};

/// Calls two servers: the right one over HTTPS, which needs the right CA and no proxy, and one at a
/// host that is not allowed.
const RIGHT: &str = "SELECT count(*) FROM neon_auth_admin.list_domains('proper')";
const WRONG: &str = "SELECT count(*) FROM neon_auth_admin.list_domains('wrong')";

/// A setting, and the value that an attacker wants it to have.
struct Wish {
    name: &'static str,
    value: String,
}

struct World {
    database: Database,
    /// Where the key would arrive, as a proxy or as the wrong host.
    trap: TcpListener,
    wishes: Vec<Wish>,
}

impl World {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        // Loopback has more addresses than 127.0.0.1, which alone is allowed.
        let trap = TcpListener::bind("127.0.0.2:0").expect("a free port");
        trap.set_nonblocking(true).expect("a listener");
        let address = trap.local_addr().expect("bound");
        let url = variable("NEON_SIMULATOR_HTTPS_URL");
        database.add_server("proper", "test-reach", &url, "");
        let evil = format!("http://{address}");
        database.add_server("wrong", "test-reach", &evil, "");
        let wish = |name, value: &str| Wish {
            name,
            value: value.to_owned(),
        };
        let wishes = vec![
            wish("neon_auth_admin.allowed_hosts", "127.0.0.2:*, localhost:*"),
            wish("neon_auth_admin.ca_file", "/dev/null"),
            wish("neon_auth_admin.proxy", &evil),
            wish("neon_auth_admin.proxy_user", "mallory"),
            wish("neon_auth_admin.proxy_password_file", "/dev/null"),
        ];
        Self {
            database,
            trap,
            wishes,
        }
    }

    #[track_caller]
    fn assert_nothing_arrived(&self, what: &str) {
        let arrived = self.trap.accept().map_err(|error| error.kind());
        assert_eq!(arrived.err(), Some(ErrorKind::WouldBlock), "{what}");
    }

    /// The settings are what they were: seen by what calls do, not by what SHOW says.
    #[track_caller]
    fn assert_no_effect(&self, session: &mut Client, what: &str) {
        session.query(RIGHT, &[]).expect(what);
        session.refused(WRONG, &SqlState::INSUFFICIENT_PRIVILEGE);
        self.assert_nothing_arrived(what);
    }

    /// The calls are refused, because of this setting.
    #[track_caller]
    fn assert_no_call(&self, session: &mut Client, wish: &Wish, what: &str) {
        for call in [RIGHT, WRONG] {
            let error = session.refused(call, &SqlState::INSUFFICIENT_PRIVILEGE);
            let message = error.message();
            assert!(message.contains(wish.name), "{what}: {message}");
        }
        self.assert_nothing_arrived(what);
    }
}

/// What is tried in a session that has not loaded the library: anything may be set then, as a setting
/// that Postgres does not know.
const BEFORE: [&str; 4] = [
    "SET {name} = '{value}'",
    "SET SESSION {name} TO '{value}'; SET LOCAL {name} = '{value}'",
    "SELECT set_config('{name}', '{value}', false)",
    "BEGIN; SELECT set_config('{name}', '{value}', true)",
];

/// What is stored, to count in sessions to come, and how it is taken back. Some versions of Postgres
/// refuse it to an ordinary role when the setting is unknown; that it has no effect is what counts.
const STORED: [(&str, &str); 4] = [
    (
        "ALTER ROLE {db} SET {name} = '{value}'",
        "ALTER ROLE {db} RESET ALL",
    ),
    (
        "ALTER DATABASE {db} SET {name} = '{value}'",
        "ALTER DATABASE {db} RESET ALL",
    ),
    (
        "ALTER ROLE {db} IN DATABASE {db} SET {name} = '{value}'",
        "ALTER ROLE {db} IN DATABASE {db} RESET ALL",
    ),
    (
        "ALTER FUNCTION public.right_call() SET {name} = '{value}';
         ALTER FUNCTION public.wrong_call() SET {name} = '{value}'",
        "ALTER FUNCTION public.right_call() RESET ALL;
         ALTER FUNCTION public.wrong_call() RESET ALL",
    ),
];

fn fill(statement: &str, wish: &Wish) -> String {
    statement
        .replace("{name}", wish.name)
        .replace("{value}", &wish.value)
}

#[test]
fn settings_that_decide_where_a_key_goes() {
    let world = World::new("it_reach");
    world.assert_no_effect(&mut world.database.session(), "nothing was done yet");
    for wish in &world.wishes {
        for statement in BEFORE {
            let mut session = world.database.session();
            let statement = fill(statement, wish);
            session.run(&statement);
            if statement.starts_with("BEGIN") {
                // The wrong call would end the transaction, and with it what is local to it.
                session.query(RIGHT, &[]).expect(&statement);
                session.query(WRONG, &[]).expect_err(&statement);
                world.assert_nothing_arrived(&statement);
                continue;
            }
            world.assert_no_effect(&mut session, &statement);
        }
        // As an option of the connection, as PGOPTIONS gives it. Postgres forgets the configured value
        // then, so the built-in default is a wish as well.
        let value = wish.value.replace(' ', "\\ ");
        for option in [
            format!("-c {}={value}", wish.name),
            format!("-c {}=", wish.name),
            format!("-c {}={value}", wish.name.to_uppercase()),
        ] {
            let mut config = config("it_reach", "it_reach");
            let mut session = config.options(&option).connect(NoTls).expect("a session");
            world.assert_no_call(&mut session, wish, &option);
        }

        // Once it is loaded, nothing may be set; not even by a superuser, short of the configuration.
        for role in ["it_reach", "postgres"] {
            let mut session = connect("it_reach", role);
            let load = "SELECT neon_auth_admin.list_domains('nowhere')";
            session.query(load, &[]).expect_err("no such server");
            for statement in BEFORE {
                let statement = fill(statement, wish);
                session.refused(&statement, &SqlState::CANT_CHANGE_RUNTIME_PARAM);
                session.batch_execute("ROLLBACK").expect("over");
            }
        }
    }
    let denied = "ALTER SYSTEM SET neon_auth_admin.proxy = 'http://127.0.0.2:1'";
    let error = world.database.session().batch_execute(denied);
    let state = sqlstate(&error.expect_err("an ordinary role"));
    assert_eq!(state, SqlState::INSUFFICIENT_PRIVILEGE);
}

#[test]
fn settings_that_are_stored_for_later() {
    let world = World::new("it_stored");
    world.database.session().run(&format!(
        "CREATE FUNCTION right_call() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN ({RIGHT}); END $$;
         CREATE FUNCTION wrong_call() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN ({WRONG}); END $$"
    ));
    let mut refused = 0;
    for wish in &world.wishes {
        for ((statement, undo), role) in STORED
            .into_iter()
            .flat_map(|stored| ["it_stored", "postgres"].map(|role| (stored, role)))
        {
            let statement = fill(statement, wish).replace("{db}", "it_stored");
            let stored = connect("it_stored", role).batch_execute(&statement);
            let mut session = world.database.session();
            let of_function = statement.contains("FUNCTION");
            if stored.is_ok() && !of_function {
                world.assert_no_call(&mut session, wish, &statement);
                refused += 1;
            } else {
                if let Err(error) = stored {
                    assert_eq!(role, "it_stored", "{statement}");
                    assert_eq!(sqlstate(&error), SqlState::INSUFFICIENT_PRIVILEGE);
                }
                let call = |function: &str| format!("SELECT {function}()");
                session.query(&call("right_call"), &[]).expect(&statement);
                let error = world.database.session().query(&call("wrong_call"), &[]);
                let state = sqlstate(&error.expect_err(&statement));
                assert_eq!(state, SqlState::INSUFFICIENT_PRIVILEGE, "{statement}");
                world.assert_no_effect(&mut session, &statement);
            }

            // The library is loaded now.
            session.refused(&statement, &SqlState::CANT_CHANGE_RUNTIME_PARAM);
            let undo = undo.replace("{db}", "it_stored");
            connect("it_stored", "postgres").run(&undo);
        }
    }
    assert!(refused >= 15, "{refused} sessions refused to call");
}

/// Who may use a server cannot say where it is.
#[test]
fn where_a_server_is() {
    let world = World::new("it_address");
    connect("it_address", "postgres").run(
        "CREATE ROLE it_address_user LOGIN;
         GRANT USAGE ON SCHEMA neon_auth_admin TO it_address_user;
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO it_address_user;
         GRANT USAGE ON FOREIGN SERVER proper, wrong TO it_address_user",
    );
    let mut user = connect("it_address", "it_address_user");
    for server in ["proper", "wrong"] {
        set_api_key(&mut user, server);
    }
    for statement in [
        "ALTER SERVER proper OPTIONS (SET api_url 'http://127.0.0.1:1')",
        "ALTER SERVER proper OPTIONS (DROP api_url)",
        "ALTER SERVER proper OWNER TO it_address_user",
        "ALTER SERVER proper RENAME TO other",
        "DROP SERVER proper",
        "CREATE SERVER mine FOREIGN DATA WRAPPER neon_auth_admin",
        "UPDATE pg_foreign_server SET srvoptions = NULL",
        "CREATE USER MAPPING FOR it_address SERVER proper OPTIONS (api_key 'napi_1')",
    ] {
        user.refused(statement, &SqlState::INSUFFICIENT_PRIVILEGE);
    }
    // Where a key belongs, an address does not.
    for option in ["api_url", "proxy", "proxy_user", "ca_file", "allowed_hosts"] {
        let statement =
            format!("ALTER USER MAPPING FOR USER SERVER proper OPTIONS (ADD {option} 'x')");
        user.refused(&statement, &SqlState::FDW_INVALID_OPTION_NAME);
    }
    world.assert_no_effect(&mut user, "all was refused");
}
