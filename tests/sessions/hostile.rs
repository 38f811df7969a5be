//! Hostile objects: what lies in a caller's search_path, in pg_temp or in a schema that was there first
//! is never used, neither by the install script nor by a call.

use postgres::error::SqlState;
use postgres::{Client, SimpleQueryMessage};

use crate::support::{Database, Statements, arrived, connect, one, set_api_key, variable};

const HIJACKED: &str = "hijacked";

/// In `evil`, what a careless script or function would name: functions and operators that say so when
/// they are called, types that are not what they are called, and tables without rows.
fn plant(session: &mut Client) {
    session.run(&format!(
        "CREATE SCHEMA evil;
         CREATE FUNCTION evil.hijack() RETURNS boolean LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION '{HIJACKED}'; END $$"
    ));
    for (left, right) in [
        ("text", "text"),
        ("name", "text"),
        ("oid", "oid"),
        ("int4", "int4"),
        ("text[]", "text[]"),
    ] {
        session.run(&format!(
            "CREATE FUNCTION evil.compare(pg_catalog.{left}, pg_catalog.{right}) RETURNS boolean
                LANGUAGE sql AS 'SELECT evil.hijack()';
             CREATE OPERATOR evil.= (FUNCTION = evil.compare,
                LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right});
             CREATE OPERATOR evil.<> (FUNCTION = evil.compare,
                LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right})"
        ));
    }
    for function in [
        "current_setting(pg_catalog.text)",
        "current_setting(pg_catalog.text, pg_catalog.bool)",
        "format(pg_catalog.text, VARIADIC pg_catalog.text[])",
        "quote_ident(pg_catalog.text)",
        "quote_literal(pg_catalog.text)",
        "array_length(pg_catalog.anyarray, pg_catalog.int4)",
        "has_server_privilege(pg_catalog.text, pg_catalog.text)",
        "neon_auth_admin_validator(pg_catalog.text[], pg_catalog.oid)",
        "set_api_key(pg_catalog.text, pg_catalog.text, pg_catalog.text)",
        "list_domains(pg_catalog.text)",
    ] {
        session.run(&format!(
            "CREATE FUNCTION evil.{function} RETURNS boolean LANGUAGE sql
             AS 'SELECT evil.hijack()'"
        ));
    }
    for schema in ["evil", "pg_temp"] {
        for r#type in [
            "text",
            "oid",
            "int4",
            "bool",
            "timestamptz",
            "interval",
            "uuid",
            "void",
            "jsonb",
        ] {
            session
                .batch_execute(&format!(
                    "CREATE DOMAIN {schema}.{type} AS pg_catalog.xml CHECK (evil.hijack())"
                ))
                .expect(r#type);
        }
        for relation in [
            "pg_user_mapping",
            "pg_user_mappings",
            "pg_foreign_server",
            "pg_type",
            "pg_namespace",
            "redirect_domain",
            "oauth_provider",
            "email_server",
            "auth_user",
            "integration",
            "integration_keys",
        ] {
            session.run(&format!("CREATE TABLE {schema}.{relation} (evil xml)"));
        }
    }
}

const HOSTILE: &str = "SET search_path = pg_temp, evil, neon_auth_admin, pg_catalog";

/// What the extension is made of, in the words of pg_catalog alone.
fn surface(session: &mut Client) -> Vec<String> {
    session.run("SET search_path = pg_catalog, pg_temp");
    let surface = "
        SELECT concat_ws(' ', p.oid::regprocedure, p.prorettype::regtype,
            pg_get_function_arguments(p.oid), p.proacl IS NULL)
        FROM pg_proc AS p WHERE pronamespace = 'neon_auth_admin'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', attrelid::regclass, attname, atttypid::regtype)
        FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
        WHERE relnamespace = 'neon_auth_admin'::regnamespace
        ORDER BY 1";
    let rows = session.query(surface, &[]).expect("the surface");
    rows.iter().map(|row| row.get(0)).collect()
}

/// The rows of `SELECT * FROM neon_auth_admin.{call}`, as texts.
fn call(session: &mut Client, call: &str) -> Vec<Vec<Option<String>>> {
    let query = format!("SELECT * FROM neon_auth_admin.{call}");
    let answer = session.simple_query(&query);
    let answer = answer.unwrap_or_else(|error| panic!("{call}: {error:?}"));
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| {
        (0..row.len())
            .map(|n| row.get(n).map(str::to_owned))
            .collect()
    })
    .collect()
}

#[test]
fn in_the_search_path() {
    let plain = Database::new("it_hostile_not");
    let name = "it_hostile";
    connect("postgres", "postgres").run(&format!("CREATE ROLE {name} LOGIN"));
    connect("postgres", "postgres").run(&format!("CREATE DATABASE {name} OWNER {name}"));
    let hostile = Database { name: name.into() };
    let mut session = hostile.session();
    plant(&mut session);
    session.run(HOSTILE);
    // The trap does spring.
    let error = session.refused(
        "SELECT 'a'::pg_catalog.text = 'a'::pg_catalog.text",
        &SqlState::RAISE_EXCEPTION,
    );
    assert!(format!("{error:?}").contains(HIJACKED), "{error:?}");

    session.run("CREATE EXTENSION neon_auth_admin");
    assert_eq!(
        surface(&mut session),
        surface(&mut plain.session()),
        "the same functions of the same types"
    );

    session.run(HOSTILE);
    let url = variable("NEON_SIMULATOR_URL");
    session.run(&format!(
        "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
            OPTIONS (project_id 'test-hostile', api_url '{url}', timeout '5s');
         ALTER SERVER neon OPTIONS (ADD max_attempts '2')"
    ));
    let bad = "ALTER SERVER neon OPTIONS (SET timeout 'never')";
    session.refused(bad, &SqlState::INVALID_PARAMETER_VALUE);
    // The driver would look for the types of bound values in search_path, so the key is set without.
    set_api_key(&mut hostile.session(), "neon");

    let created = call(&mut session, "create_user('ada@example.com', 'Ada')");
    assert_eq!(created[0][1].as_deref(), Some("ada@example.com"));
    assert_eq!(created[0][2].as_deref(), Some("Ada"));
    let id = created[0][0].as_deref().expect("an id");
    call(&mut session, &format!("delete_user('{id}')"));
    call(&mut session, "add_domain('https://a.example.com')");
    assert_eq!(
        call(&mut session, "list_domains()"),
        [["https://a.example.com", "stack"].map(|text| Some(text.to_owned()))]
    );
    call(&mut session, "delete_domain('https://a.example.com')");
    call(&mut session, "delete_domains('{https://b.example.com}')");
    call(&mut session, "add_oauth_provider('vercel', 'id', 'secret')");
    call(&mut session, "update_oauth_provider('vercel', 'id-2')");
    assert_eq!(call(&mut session, "list_oauth_providers()").len(), 3);
    call(&mut session, "delete_oauth_provider('vercel')");
    call(
        &mut session,
        "update_email_server('shared', sender_name => 'Ada')",
    );
    let server = call(&mut session, "get_email_server()");
    assert_eq!(server[0][6].as_deref(), Some("Ada"));
    let integration = call(&mut session, "get_integration()");
    assert_eq!(integration, call(&mut session, "list_integrations()"));
    assert_eq!(call(&mut session, "create_sdk_keys()")[0].len(), 8);
    call(&mut session, "transfer_ownership()");
    call(&mut session, "delete_integration()");
    call(&mut session, "create_integration('br-main-000001')");
    assert_eq!(arrived("test-hostile"), 20);

    // What reads this database is parsed with the caller's search_path.
    session.run(
        "CREATE SCHEMA neon_auth;
         CREATE TABLE neon_auth.users_sync (id pg_catalog.text, email pg_catalog.text,
            name pg_catalog.text, created_at pg_catalog.timestamptz,
            deleted_at pg_catalog.timestamptz);
         INSERT INTO neon_auth.users_sync VALUES ('u1', 'ada@example.com')",
    );
    assert_eq!(
        call(&mut session, "list_users()")[0][0].as_deref(),
        Some("u1")
    );
    assert_eq!(
        call(&mut session, "wait_for_user('u1')")[0][0].as_deref(),
        Some("u1")
    );

    session.run("DROP EXTENSION neon_auth_admin CASCADE");
    session.run("CREATE EXTENSION neon_auth_admin");
}

/// A schema of that name is somebody else's: the installation fails and adopts nothing.
#[test]
fn in_a_schema_that_was_there_first() {
    let database = Database::new("it_squatted");
    let mut owner = database.session();
    owner.run(
        "DROP EXTENSION neon_auth_admin;
         CREATE SCHEMA neon_auth_admin;
         CREATE FUNCTION neon_auth_admin.list_domains(server text DEFAULT NULL) RETURNS text
            LANGUAGE sql AS $$ SELECT 'hijacked' $$;
         CREATE TYPE neon_auth_admin.auth_user AS (evil xml)",
    );
    for schema in ["", " SCHEMA public", " SCHEMA neon_auth_admin"] {
        let expected = match schema {
            "" => &SqlState::DUPLICATE_SCHEMA,
            // The extension says where it goes.
            _ => &SqlState::FEATURE_NOT_SUPPORTED,
        };
        let create = format!("CREATE EXTENSION neon_auth_admin{schema}");
        owner.refused(&create, expected);
    }
    let left = "SELECT (SELECT count(*) FROM pg_extension WHERE extname = 'neon_auth_admin')
        + (SELECT count(*) FROM pg_foreign_data_wrapper WHERE fdwname = 'neon_auth_admin')
        + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'neon_auth_admin'::regnamespace) - 1";
    assert_eq!(
        one(&mut owner, left).get::<_, i64>(0),
        0,
        "nothing was made"
    );
    let theirs: String = one(&mut owner, "SELECT neon_auth_admin.list_domains()").get(0);
    assert_eq!(theirs, HIJACKED, "and nothing was touched");

    // The other way round: once it is installed, nobody who is no superuser puts anything beside it.
    owner.run("DROP SCHEMA neon_auth_admin CASCADE; CREATE EXTENSION neon_auth_admin");
    for statement in [
        "CREATE FUNCTION neon_auth_admin.list_domains(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION neon_auth_admin.list_domains(server text DEFAULT NULL)
            RETURNS SETOF neon_auth_admin.redirect_domain LANGUAGE sql AS 'SELECT NULL, NULL'",
        "CREATE TYPE neon_auth_admin.evil AS (evil text)",
        "ALTER FUNCTION neon_auth_admin.set_api_key SET search_path = evil",
        "ALTER TYPE neon_auth_admin.auth_user ADD ATTRIBUTE evil text",
        "ALTER FOREIGN DATA WRAPPER neon_auth_admin NO VALIDATOR",
        "ALTER SCHEMA neon_auth_admin RENAME TO evil",
    ] {
        owner.refused(statement, &SqlState::INSUFFICIENT_PRIVILEGE);
    }
}
