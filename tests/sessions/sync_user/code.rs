//! No code of others runs with the rights of the owner when an id is stored.

use super::attacks::{TELL, mallory, message, told};
use super::{Synced, calls, trigger_on, users, words};
use postgres::Client;

use crate::support::Statements;

/// Whatever belongs to somebody else, and an UPDATE would run.
#[test]
fn no_code_of_others_runs_as_the_owner() {
    let synced = Synced::new("it_sync_code", "test-sync-code");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run("GRANT TRIGGER ON customers TO it_sync_code_mallory");
    mallory.run(
        "CREATE FUNCTION mallory.minus(float8, float8) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2';
        CREATE OPERATOR mallory.~~~~ (FUNCTION = mallory.is_good, RIGHTARG = text);
        CREATE DOMAIN mallory.good AS text CHECK (mallory.is_good(VALUE));
        CREATE DOMAIN mallory.bare AS text; CREATE TYPE mallory.both AS (a mallory.good)",
    );
    session.run(
        "CREATE DOMAIN mine AS text CHECK (mallory.is_good(VALUE));
         CREATE DOMAIN by_cast AS text CHECK (VALUE::mallory.good IS NOT NULL);
         CREATE TYPE span AS RANGE (subtype = mallory.good);
         CREATE TYPE far AS RANGE (subtype = float8, subtype_diff = mallory.minus)",
    );
    let cases = [
        (
            "owner",
            "CREATE STATISTICS b ON (mallory.plus(auth_user_id)) FROM customers",
            "DROP STATISTICS b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD b far",
            "ALTER TABLE customers DROP b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD CONSTRAINT b CHECK (('{' || auth_user_id || '}')::mallory.good[] IS NOT NULL) NOT VALID",
            "ALTER TABLE customers DROP CONSTRAINT b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD CONSTRAINT b CHECK (('(' || auth_user_id || ')')::mallory.both IS NOT NULL) NOT VALID",
            "ALTER TABLE customers DROP CONSTRAINT b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD CONSTRAINT b CHECK (('[' || auth_user_id || ',]')::span IS NOT NULL) NOT VALID",
            "ALTER TABLE customers DROP CONSTRAINT b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD CONSTRAINT b CHECK (auth_user_id::by_cast IS NOT NULL) NOT VALID",
            "ALTER TABLE customers DROP CONSTRAINT b",
        ),
        (
            "",
            "CREATE TRIGGER b BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION mallory.tell()",
            "DROP TRIGGER b ON customers",
        ),
        (
            "",
            "CREATE TRIGGER b AFTER UPDATE ON customers FOR EACH STATEMENT EXECUTE FUNCTION mallory.tell()",
            "DROP TRIGGER b ON customers",
        ),
        (
            "",
            "CREATE CONSTRAINT TRIGGER b AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mallory.tell()",
            "DROP TRIGGER b ON customers",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD CONSTRAINT b CHECK (mallory.is_good(auth_user_id)) NOT VALID",
            "ALTER TABLE customers DROP CONSTRAINT b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD CONSTRAINT b CHECK (OPERATOR(mallory.~~~~) auth_user_id) NOT VALID",
            "ALTER TABLE customers DROP CONSTRAINT b",
        ),
        (
            "owner",
            "CREATE INDEX b ON customers (mallory.plus(auth_user_id))",
            "DROP INDEX b",
        ),
        (
            "owner",
            "CREATE INDEX b ON customers (id) WHERE mallory.is_good(auth_user_id)",
            "DROP INDEX b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD b text GENERATED ALWAYS AS (mallory.plus(auth_user_id)) STORED",
            "ALTER TABLE customers DROP b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD b text GENERATED ALWAYS AS ((auth_user_id || 'x')::mallory.good) STORED",
            "ALTER TABLE customers DROP b",
        ),
        // Its owner can add to it.
        (
            "owner",
            "ALTER TABLE customers ADD b text GENERATED ALWAYS AS ((auth_user_id || 'x')::mallory.bare) STORED",
            "ALTER TABLE customers DROP b",
        ),
        (
            "owner",
            "ALTER TABLE customers ADD b text GENERATED ALWAYS AS ((auth_user_id || 'x')::mine) STORED",
            "ALTER TABLE customers DROP b",
        ),
        (
            "owner",
            "CREATE TRIGGER b BEFORE UPDATE ON customers FOR EACH ROW WHEN (mallory.is_good(NEW.auth_user_id)) EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "DROP TRIGGER b ON customers",
        ),
    ];
    for (n, (who, attack, undo)) in cases.into_iter().enumerate() {
        let address = format!("user{n}@example.com");
        session.run(&format!(
            "INSERT INTO customers (email) VALUES ('{address}')"
        ));
        match who {
            "owner" => session.run(attack),
            _ => mallory.run(attack),
        }
        // Whoever changes the table has it checked.
        mallory.run("ALTER SEQUENCE mallory.told RESTART");
        // Before it is sent, and when the user was made already.
        for result in [
            "NULL",
            "'{\"id\": \"d2f2a9e5-0000-4000-8000-000000000001\"}'",
        ] {
            synced.admin().run(&format!(
                "UPDATE neon_auth_admin.queued_calls SET result = {result}, next_attempt_at = now() WHERE state = 'waiting'"
            ));
            let run = |session: &mut Client, expected: &str| {
                session.run("CALL neon_auth_admin.run_queue()");
                let said = words(session);
                assert!(said.contains(expected), "{attack}: {said}");
            };
            // Whoever has made it may have said what it does.
            if attack.contains("TRIGGER b") {
                run(&mut session, "could have made a trigger");
                session.run("REVOKE TRIGGER ON customers FROM it_sync_code_mallory");
                synced.hasten();
            }
            run(&mut session, "would run with the rights of");
            session.run("GRANT TRIGGER ON customers TO it_sync_code_mallory");
            assert_eq!(told(&mut mallory), 0, "{attack}");
        }
        session.run(undo);
        session.run("SELECT neon_auth_admin.cancel_queued(id) FROM neon_auth_admin.queue WHERE state = 'waiting'");
    }
    assert_eq!(users(&mut session), "", "nothing was sent");
}

/// Nor do types, whoever makes a column of them, be it after the call was queued.
#[test]
fn no_type_of_others_is_read_or_written() {
    let synced = Synced::new("it_sync_types", "test-sync-types");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    mallory.run(
        "CREATE DOMAIN mallory.good AS text CHECK (mallory.is_good(VALUE));
         CREATE TYPE mallory.span AS RANGE (subtype = int)",
    );
    let mut session = synced.session();
    session.run(
        "CREATE TABLE spans (id mallory.span PRIMARY KEY, email text, name text, auth_user_id text)",
    );
    session.run(&trigger_on("spans"));
    let said = message(
        &mut session,
        "INSERT INTO spans VALUES ('[1,2)', 'ada@example.com')",
    );
    assert!(said.contains("cannot be kept together"), "{said}");

    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    session.run("ALTER TABLE customers ALTER id DROP IDENTITY");
    for result in [
        "NULL",
        "'{\"id\": \"d2f2a9e5-0000-4000-8000-000000000001\"}'",
    ] {
        for change in [
            "ALTER TABLE customers ALTER auth_user_id TYPE mallory.good",
            "ALTER TABLE customers ALTER email TYPE mallory.good",
            "ALTER TABLE customers ALTER id TYPE mallory.span USING mallory.span(id::int, NULL)",
        ] {
            let mut there = synced.session();
            there.run(change);
            mallory.run("ALTER SEQUENCE mallory.told RESTART");
            synced.admin().run(&format!(
                "UPDATE neon_auth_admin.queued_calls SET result = {result}, next_attempt_at = now()"
            ));
            there.run("CALL neon_auth_admin.run_queue()");
            assert_eq!(told(&mut mallory), 0, "{change}");
            assert!(
                calls(&mut session).starts_with("create_user waiting "),
                "{change}"
            );
            there.run(
                "ALTER TABLE customers ALTER auth_user_id TYPE text, ALTER email TYPE text;
                 ALTER TABLE customers ALTER id TYPE bigint USING 1",
            );
        }
    }
    assert_eq!(users(&mut session), "", "nothing was sent");
}

/// Who has made a trigger has said with what it runs, whoever owns its function.
#[test]
fn triggers_that_others_could_have_made_do_not_run() {
    let synced = Synced::new("it_sync_made", "test-sync-made");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run("GRANT TRIGGER ON customers TO it_sync_made_mallory");
    mallory.run(
        "CREATE TRIGGER b BEFORE UPDATE ON public.customers FOR EACH ROW
             WHEN (query_to_xml('SELECT mallory.note()', true, false, '') IS NOT NULL)
             EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    );
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    session.run("CALL neon_auth_admin.run_queue()");
    let said = words(&mut session);
    assert!(said.contains("could have made a trigger"), "{said}");
    assert_eq!(
        (calls(&mut session), told(&mut mallory)),
        ("create_user waiting 42501".to_owned(), 0)
    );
}

/// Also where it would stand in the statement's place.
#[test]
fn rules_are_refused() {
    let synced = Synced::new("it_sync_rules", "test-sync-rules");
    let mut mallory = mallory(&synced);
    mallory.run(TELL);
    let mut session = synced.session();
    session.run("CREATE TABLE notes (note text)");
    for (n, rule) in [
        "DO ALSO INSERT INTO notes VALUES (mallory.plus('x'))",
        "WHERE mallory.is_good(OLD.email) DO INSTEAD NOTHING",
    ]
    .iter()
    .enumerate()
    {
        session.run(&format!(
            "INSERT INTO customers (email) VALUES ('user{n}@example.com')"
        ));
        // Before it is sent, or when the user was made already.
        if n > 0 {
            synced.admin().run(
                "UPDATE neon_auth_admin.queued_calls SET result = '{\"id\": \"d2f2a9e5-0000-4000-8000-000000000001\"}'",
            );
        }
        session.run(&format!("CREATE RULE b AS ON UPDATE TO customers {rule}"));
        synced.hasten();
        session.run("CALL neon_auth_admin.run_queue()");
        assert_eq!(told(&mut mallory), 0, "{rule}");
        assert!(words(&mut session).contains("It has rules."), "{rule}");
        session.run("DROP RULE b ON customers");
    }
    session.run("CREATE RULE b AS ON UPDATE TO customers DO ALSO NOTIFY x");
    let said = message(
        &mut session,
        "INSERT INTO customers (email) VALUES ('x@example.com')",
    );
    assert!(said.contains("cannot be kept together"), "{said}");
}
