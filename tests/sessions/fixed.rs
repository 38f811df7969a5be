//! What is fixed when a session starts, `neon_auth_admin.server`: whatever a statement does, before the
//! library is loaded or after, it decides nothing for those who come after it, or run with another
//! role's rights. Seen by what calls do, not by what SHOW says.

use postgres::Client;
use postgres::error::SqlState;

use crate::support::{Database, Statements, connect, one, variable};

const CALL: &str = "SELECT domain FROM neon_auth_admin.list_domains()";
const SETTING: &str = "neon_auth_admin.server";

/// Three servers, each of whose projects has one domain, by which it is told.
fn database(name: &str) -> Database {
    let database = Database::new(name);
    for server in ["neon", "other", "third"] {
        let url = variable("NEON_SIMULATOR_URL");
        let project = format!("test-{}-{server}", name.replace('_', "-"));
        database.add_server(server, &project, &url, "");
        let add = "SELECT neon_auth_admin.add_domain($1, $2)";
        let domain = format!("https://{server}.example");
        let mut session = database.session();
        session.query(add, &[&domain, &server]).expect("added");
    }
    database
}

/// The server of a call that names none.
fn called(session: &mut Client) -> String {
    of_domain(one(session, CALL).get(0))
}

fn of_domain(domain: String) -> String {
    let name = domain.strip_prefix("https://");
    let name = name.and_then(|name| name.strip_suffix(".example"));
    name.expect("a domain of this test").to_owned()
}

/// What a session can say, alone and on top of each other.
const STATEMENTS: [&str; 6] = [
    "SET {} = 'other'",
    "SELECT set_config('{}', 'other', false)",
    "BEGIN; SET LOCAL {} = 'other'",
    "BEGIN; SELECT set_config('{}', 'other', true)",
    "SET {} = 'third'; BEGIN; SET {} = 'other'; SAVEPOINT s; SET LOCAL {} = 'third'",
    "BEGIN; SET {} = 'third'; SAVEPOINT s; SET {} = 'other'; RELEASE s; COMMIT",
];

/// How a session can start, and the server that it then has.
const STARTS: [(&str, &str); 2] = [("", "neon"), ("-c neon_auth_admin.server=third", "third")];

#[test]
fn no_statement_chooses_the_server() {
    let database = database("it_fixed");
    for (options, server) in STARTS {
        for statement in STATEMENTS {
            let statement = statement.replace("{}", SETTING);
            // Before Postgres knows the setting, anything may be set. It has no effect.
            let mut session = database.session_with(options);
            session.run(&statement);
            assert_eq!(called(&mut session), server, "{options} {statement}");
            session.batch_execute("ROLLBACK").expect("over");
            assert_eq!(called(&mut session), server, "{options} {statement}");

            // Now it is known.
            let error = session.refused(&statement, &SqlState::CANT_CHANGE_RUNTIME_PARAM);
            assert!(error.message().contains(SETTING), "{error}");
            let hint = error.hint().expect("a hint");
            assert!(hint.contains("argument \"server\""), "{hint}");
            session.batch_execute("ROLLBACK").expect("over");
            assert_eq!(called(&mut session), server, "{options} {statement}");
        }
    }
}

/// What ends what a session has set, ends nothing that it has started with.
#[test]
fn the_server_is_that_of_the_start_until_the_end() {
    let database = database("it_fixed_reset");
    let reset = format!("RESET {SETTING}");
    let default = format!("SET {SETTING} TO DEFAULT");
    let statements = [
        "",
        &reset,
        &default,
        "RESET ALL",
        "DISCARD ALL",
        "SET SESSION AUTHORIZATION DEFAULT",
    ];
    for (options, server) in STARTS {
        for statement in statements {
            let mut session = database.session_with(options);
            session.run(statement);
            assert_eq!(called(&mut session), server, "{options} {statement}");
            session.run(statement);
            assert_eq!(called(&mut session), server, "{options} {statement}");
        }
    }
}

/// An administrator of the role or the database chooses, and so does the connection, which has the last
/// word; all of it also under a SET of a session that has not loaded the library yet.
#[test]
fn a_role_a_database_and_a_connection_choose_the_server() {
    let database = database("it_fixed_start");
    let mut admin = connect("it_fixed_start", "postgres");
    for of_what in [
        "ROLE it_fixed_start",
        "DATABASE it_fixed_start",
        "ROLE it_fixed_start IN DATABASE it_fixed_start",
        "ROLE ALL IN DATABASE it_fixed_start",
    ] {
        let set = format!("ALTER {of_what} SET {SETTING} = 'other'");
        admin.batch_execute(&set).expect(of_what);
        assert_eq!(called(&mut database.session()), "other", "{of_what}");
        let mut session = database.session();
        let statement = format!("SET {SETTING} = 'third'");
        session.batch_execute(&statement).expect("not known yet");
        assert_eq!(called(&mut session), "other", "{of_what}");
        let mut session = database.session_with("-c neon_auth_admin.server=third");
        assert_eq!(called(&mut session), "third", "{of_what}");
        // The library is loaded now, and a session may still say what later ones start with.
        let reset = format!("ALTER {of_what} RESET {SETTING}");
        admin.run(&format!("LOAD 'neon_auth_admin'; {set}; {reset}"));
        assert_eq!(called(&mut session), "third", "a session that runs");
        assert_eq!(called(&mut database.session()), "neon", "{of_what}");
    }
    // A role for itself.
    let mut session = database.session();
    called(&mut session);
    let itself = format!("ALTER ROLE CURRENT_USER SET {SETTING} = 'other'");
    session.batch_execute(&itself).expect("its own");
    assert_eq!(called(&mut session), "neon", "a session that runs");
    assert_eq!(called(&mut database.session()), "other");
}

/// A pooler hands the session of one client to the next, with whatever the first has set.
#[test]
fn a_client_of_a_pooler_chooses_nothing_for_the_next() {
    let database = database("it_fixed_pooled");
    let mut owner = database.session();
    let provider = "SELECT neon_auth_admin.add_oauth_provider('vercel', 'id', 's3cret')";
    owner.query(provider, &[]).expect("added");
    for is_loaded in [false, true] {
        let mut session = database.session();
        if is_loaded {
            called(&mut session);
        }
        let set = session.batch_execute(&format!("SET {SETTING} = 'other'"));
        assert_eq!(set.is_err(), is_loaded);
        // A name that is not taken; whether Postgres lets it pass depends on its version.
        drop(session.batch_execute("SET neon_auth_admin.show_secrets = on"));

        // The next client.
        let secret = "SELECT client_secret FROM neon_auth_admin.list_oauth_providers()
                      WHERE type = 'standard'";
        let shown: String = one(&mut session, secret).get(0);
        assert_eq!(shown, "********");
        assert_eq!(called(&mut session), "neon");
    }
}

/// A SECURITY DEFINER function calls with its owner's key: neither its caller nor its own SET clause
/// chooses where.
#[test]
fn a_caller_chooses_nothing_for_a_function_of_another_role() {
    database("it_fixed_definer");
    let mut admin = connect("it_fixed_definer", "postgres");
    admin.run(
        "CREATE ROLE it_fixed_caller LOGIN;
         GRANT CREATE ON SCHEMA public TO it_fixed_definer;
         SET check_function_bodies = off;
         SET SESSION AUTHORIZATION it_fixed_definer;
         CREATE FUNCTION called() RETURNS text LANGUAGE sql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp
             AS 'SELECT domain FROM neon_auth_admin.list_domains()';
         CREATE FUNCTION secret() RETURNS text LANGUAGE sql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp
             AS 'SELECT client_secret FROM neon_auth_admin.list_oauth_providers()
                 WHERE type = ''standard''';
         SELECT neon_auth_admin.add_oauth_provider('vercel', 'id', 's3cret')",
    );
    let function = "SELECT called()";
    for is_loaded in [false, true] {
        for statement in STATEMENTS {
            let statement = statement.replace("{}", SETTING);
            let mut caller = connect("it_fixed_definer", "it_fixed_caller");
            if is_loaded {
                one(&mut caller, function);
            }
            let set = caller.batch_execute(&statement);
            assert_eq!(set.is_err(), is_loaded, "{statement}");
            if is_loaded {
                caller.batch_execute("ROLLBACK").expect("over");
            }
            let domain = one(&mut caller, function).get(0);
            assert_eq!(of_domain(domain), "neon", "{statement}");
        }
        let mut caller = connect("it_fixed_definer", "it_fixed_caller");
        if is_loaded {
            one(&mut caller, function);
        }
        drop(caller.batch_execute("SET neon_auth_admin.show_secrets = on"));
        let shown: String = one(&mut caller, "SELECT secret()").get(0);
        assert_eq!(shown, "********");
    }
}

/// A function that says so itself is refused when it is made, or, where it could not be known then, when
/// it is called; what it sets before the library is loaded has no effect.
#[test]
fn no_function_has_the_server_in_its_set_clause() {
    let database = database("it_fixed_clause");
    let create = format!(
        "CREATE FUNCTION called() RETURNS text LANGUAGE sql SET {SETTING} = 'other'
         AS 'SELECT domain FROM neon_auth_admin.list_domains()'"
    );
    let mut admin = connect("it_fixed_clause", "postgres");
    admin.run("LOAD 'neon_auth_admin'");
    admin.refused(&create, &SqlState::CANT_CHANGE_RUNTIME_PARAM);

    // As pg_dump has it restored.
    let create = format!("SET check_function_bodies = off; {create}");
    admin.batch_execute(&create).expect("not looked at");
    let mut session = database.session();
    let domain = one(&mut session, "SELECT called()").get(0);
    assert_eq!(of_domain(domain), "neon", "before the library is loaded");
    session.refused("SELECT called()", &SqlState::CANT_CHANGE_RUNTIME_PARAM);
    assert_eq!(called(&mut session), "neon");
}

/// A parallel worker has the settings of its leader: it must start.
#[test]
fn parallel_workers_start_with_it() {
    let database = database("it_fixed_parallel");
    let mut session = database.session_with("-c neon_auth_admin.server=third");
    called(&mut session);
    session.run(
        "CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) AS n;
         ALTER TABLE numbers SET (parallel_workers = 2);
         ANALYZE numbers;
         CREATE FUNCTION setting() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
             AS 'SELECT current_setting(''neon_auth_admin.server'')';
         SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
         SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off",
    );
    let query =
        "SELECT string_agg(DISTINCT setting(), ' ') FROM numbers WHERE setting() <> n::text";
    let plan = session.query(&format!("EXPLAIN (ANALYZE, COSTS OFF) {query}"), &[]);
    let plan: Vec<String> = plan.expect("a plan").iter().map(|row| row.get(0)).collect();
    let launched = plan.iter().any(|line| line.contains("Workers Launched: 2"));
    assert!(launched, "{plan:?}");
    let seen: String = one(&mut session, query).get(0);
    assert_eq!(seen, "third");
}
