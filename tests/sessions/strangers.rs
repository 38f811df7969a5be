//! Code in what list_users, wait_for_user and check_connection read: nobody's runs with the rights of
//! a caller who did not choose to trust him. The combinations are generated: how the code gets in, whose
//! the schema and the relation are, who calls, and which function.

mod meanwhile;
mod people;
mod rights;
mod ways;

use std::collections::BTreeSet;

use postgres::{Client, SimpleQueryMessage};

use self::people::{
    ALICE, CALLERS, Caller, FAKE, MALLORY, OWNER, OWNERSHIPS, Ownership, SUPERUSER,
};
use self::ways::{COLUMNS, ID, PLANT, WAYS, Way};
use crate::support::{Database, Statements, connect, one, variable};

const CALLS: [&str; 5] = [
    "SELECT id || email FROM neon_auth_admin.list_users()",
    "SELECT id || email FROM neon_auth_admin.list_users(include_deleted => true, server => '{server}')",
    "SELECT id || email FROM neon_auth_admin.wait_for_user('5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77', '0')",
    "SELECT detail FROM neon_auth_admin.check_connection('{server}') WHERE step = 'users table'",
    "SELECT detail FROM neon_auth_admin.check_connection('nowhere') WHERE step = 'users table'",
];

/// What became of a call: what it returned, or its SQLSTATE and message.
fn outcome(session: &mut Client, query: &str) -> (String, String) {
    match session.simple_query(query) {
        Ok(messages) => {
            let rows = messages.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("").to_owned()),
                _ => None,
            });
            ("00000".to_owned(), rows.collect::<Vec<_>>().join(" "))
        }
        Err(error) => {
            let error = error.as_db_error().expect("an error of the server");
            (error.code().code().to_owned(), error.message().to_owned())
        }
    }
}

struct World {
    database: Database,
    admin: Client,
}

impl World {
    fn new() -> Self {
        let database = Database::new(OWNER);
        let mut admin = connect(OWNER, SUPERUSER);
        let url = variable("NEON_SIMULATOR_URL");
        admin.run(&format!(
            "CREATE ROLE {MALLORY} LOGIN; CREATE ROLE {ALICE} LOGIN; CREATE ROLE {FAKE} LOGIN;
             GRANT CREATE ON DATABASE {OWNER} TO {MALLORY}, {FAKE};
             CREATE SERVER named FOREIGN DATA WRAPPER neon_auth_admin
                OPTIONS (project_id 'test-strangers', branch_id 'br-a', api_url '{url}');
             CREATE SERVER of_project FOREIGN DATA WRAPPER neon_auth_admin
                OPTIONS (project_id 'test-strangers', api_url '{url}');
             CREATE FOREIGN DATA WRAPPER bare;
             CREATE SERVER bare FOREIGN DATA WRAPPER bare;
             GRANT USAGE ON FOREIGN SERVER named, of_project, bare TO PUBLIC;
             GRANT USAGE ON SCHEMA neon_auth_admin TO PUBLIC;
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO PUBLIC"
        ));
        admin.batch_execute(PLANT).expect("planted");
        for (function, owner) in [("as_owner", OWNER), ("as_alice", ALICE)] {
            admin.run(&format!(
                "CREATE FUNCTION witness.{function}(query text) RETURNS SETOF text
                    LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN QUERY EXECUTE query; END';
                 ALTER FUNCTION witness.{function} OWNER TO {owner}"
            ));
        }
        Self { database, admin }
    }

    /// The schema neon_auth, with nothing but that.
    fn plant(&mut self, way: &Way, owners: &Ownership) {
        let Ownership {
            schema,
            relation,
            part,
            ..
        } = owners;
        let statements = way
            .relation
            .replace("{id}", ID)
            .replace("{columns}", COLUMNS);
        let part = match way.part {
            Some(name) => format!("ALTER TABLE neon_auth.{name} OWNER TO {part};"),
            None => String::new(),
        };
        let members: String = owners
            .member_of
            .iter()
            .map(|role| format!("GRANT {role} TO {MALLORY};"))
            .collect();
        self.run(&format!(
            "DROP SCHEMA IF EXISTS neon_auth CASCADE;
             REVOKE {OWNER}, {ALICE} FROM {MALLORY};
             CREATE SCHEMA neon_auth AUTHORIZATION {schema};
             GRANT ALL ON SCHEMA neon_auth TO PUBLIC"
        ));
        // In a session of its own: in one of a superuser what is planted would have reached its end.
        connect(&self.database.name, relation)
            .batch_execute(&statements)
            .unwrap_or_else(|error| panic!("{}: {error:?}", way.name));
        self.run(&format!(
            "{part} {members} GRANT SELECT ON ALL TABLES IN SCHEMA neon_auth TO PUBLIC"
        ));
    }

    fn run(&mut self, statements: &str) {
        self.admin.run(statements);
    }

    /// As whom planted code has run, since the last time.
    fn witnesses(&mut self) -> BTreeSet<String> {
        let any = "SELECT is_called FROM witness.anybody";
        if !one(&mut self.admin, any).get::<_, bool>(0) {
            return BTreeSet::new();
        }
        let called = "SELECT sequencename::text FROM pg_sequences
            WHERE schemaname = 'witness' AND last_value IS NOT NULL";
        let rows = self.admin.query(called, &[]).expect("sequences");
        let mut found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        for name in &found {
            self.run(&format!("SELECT setval('witness.{name}', 1, false)"));
        }
        found.remove("anybody");
        found
    }

    fn clean(mut self) {
        self.admin
            .batch_execute("DROP SCHEMA IF EXISTS neon_auth CASCADE; DROP OWNED BY neon_auth; DROP ROLE neon_auth")
            .expect("another test may have such a role");
    }
}

/// Whose the code is that must not run for this caller, if there is any.
fn stranger(way: &Way, owners: &Ownership, caller: &Caller) -> Option<&'static str> {
    let trusted = |role| [SUPERUSER, OWNER, FAKE, caller.effective].contains(&role);
    if !trusted(owners.schema) {
        return Some(owners.schema);
    }
    if !trusted(owners.relation) {
        return Some(owners.relation);
    }
    let is_part_trusted = if caller.has_superuser || owners.relation == FAKE {
        owners.part == owners.relation
    } else {
        trusted(owners.part)
    };
    (way.part.is_some() && !is_part_trusted).then_some(owners.part)
}

#[test]
fn nobodys_code_runs_with_a_callers_rights() {
    let mut world = World::new();
    let mut sessions: Vec<_> = CALLERS
        .iter()
        .map(|caller| {
            let mut session = connect(&world.database.name, caller.login);
            session.run(caller.prelude);
            session
        })
        .collect();
    let (mut count, mut refused, mut ran) = (0, 0, 0);
    for way in &WAYS {
        for owners in &OWNERSHIPS {
            if way.part.is_none() && owners.part != owners.relation {
                continue;
            }
            world.plant(way, owners);
            world.witnesses();
            let is_sync = way.relation.contains("users_sync");
            let server = if is_sync { "of_project" } else { "named" };
            if way.runs {
                // Row security is not for the owner of a table.
                let victim = if owners.relation == OWNER {
                    ALICE
                } else {
                    OWNER
                };
                let table = if is_sync { "users_sync" } else { "\"user\"" };
                let condition = if is_sync {
                    " WHERE deleted_at IS NULL"
                } else {
                    ""
                };
                let control =
                    format!("SELECT id::text, email::text FROM neon_auth.{table}{condition}");
                outcome(&mut connect(&world.database.name, victim), &control);
                assert!(!world.witnesses().is_empty(), "{}: no danger", way.name);
            }
            for (caller, session) in CALLERS.iter().zip(&mut sessions) {
                for call in CALLS {
                    let query = call.replace("{server}", server);
                    let query = match caller.through {
                        Some(function) => {
                            format!("SELECT * FROM {function}($query${query}$query$)")
                        }
                        None => query,
                    };
                    let (state, said) = outcome(session, &query);
                    let witnesses = world.witnesses();
                    let what = format!(
                        "{}, {}, {}: {call}: {state} {said}; ran as {witnesses:?}",
                        way.name, owners.name, caller.name
                    );
                    count += 1;
                    ran += i32::from(!witnesses.is_empty());
                    if let Some(stranger) = stranger(way, owners, caller) {
                        refused += 1;
                        assert!(witnesses.is_empty(), "{what}");
                        assert!(said.contains(stranger), "{what}");
                        let expected = if call.contains("check_") {
                            "00000"
                        } else {
                            "42501"
                        };
                        assert_eq!(state, expected, "{what}");
                    }
                    let stands_in = caller.has_superuser || owners.relation == FAKE;
                    let runs_as = if stands_in {
                        owners.relation
                    } else {
                        caller.effective
                    };
                    assert!(witnesses.iter().all(|role| role == runs_as), "{what}");
                    if call.contains("check_") {
                        assert_eq!(state, "00000", "{what}");
                    }
                }
                let kept =
                    "SELECT current_setting('search_path') || current_setting('statement_timeout')";
                let (_, kept) = outcome(session, kept);
                assert_eq!(kept, "\"$user\", public0", "{}", caller.name);
            }
        }
    }
    println!(
        "hostile objects: {count} combinations, {refused} of them refused; {ran} ran trusted code"
    );
    assert!(ran > 100, "trusted code runs: {ran}");
    assert_eq!(world.witnesses(), BTreeSet::new());
    world.clean();
}
