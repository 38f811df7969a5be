//! Views in the eyes of who listens: a secret that is written through one is in nothing that is said of it.

use std::collections::BTreeSet;

use super::World;
use crate::calls::CLIENT_SECRET;
use crate::oracle::{Canaries, Witness, logged};
use crate::support::Statements;

#[test]
fn what_is_written_is_shown_to_nobody() {
    let mut world = World::new("it_view_said");
    let canaries = Canaries::new(&[CLIENT_SECRET]);
    let secret = canaries.value(CLIENT_SECRET);
    let mut witness = Witness::new(&world.database.name, &world.database.name);
    let providers = "neon_auth_admin.oauth_providers";
    let insert = format!("INSERT INTO {providers} (id, client_id, client_secret) VALUES");
    let update = format!("UPDATE {providers} SET");
    for (project, statement, state) in [
        (
            "test-view-said",
            "{insert} ('google', 'a', $1) RETURNING *",
            "",
        ),
        (
            "test-view-said",
            "{insert} ('github', 'a', $1), ('google', 'a', $1)",
            "23505",
        ),
        (
            "test-view-said",
            "{insert} ('vercel', 'a', $1 || E'\n')",
            "22023",
        ),
        ("test-view-said", "{insert} ('vercel', NULL, $1)", "22023"),
        (
            "test-view-said",
            "{update} client_secret = $1 WHERE id = 'google' RETURNING *",
            "",
        ),
        (
            "test-view-said",
            "{update} client_secret = $1 || E'\n' WHERE id = 'google'",
            "22023",
        ),
        (
            "test-view-said",
            "{update} client_secret = $1 || n FROM generate_series(1, 2) AS n WHERE id = 'google'",
            "21000",
        ),
        // The same with an UPDATE, after the row was read.
        (
            "fault-echo-after1--view-said-update",
            "{update} client_secret = $1 WHERE id = 'google'",
            "22023",
        ),
        (
            "fault-badjson-after1--view-said-update",
            "{update} client_secret = $1 WHERE id = 'google'",
            "NA003",
        ),
        (
            "fault-reset-after1--view-said-update",
            "{update} client_secret = $1 WHERE id = 'google'",
            "NA003",
        ),
        // Neon repeats what it was sent, answers what nobody can read, and not at all.
        (
            "fault-echo--view-said",
            "{insert} ('google', 'a', $1)",
            "22023",
        ),
        (
            "fault-badjson--view-said",
            "{insert} ('google', 'a', $1)",
            "NA003",
        ),
        (
            "fault-reset--view-said",
            "{insert} ('google', 'a', $1)",
            "NA003",
        ),
    ] {
        let session = &mut world.session;
        session.run(&format!(
            "ALTER SERVER neon OPTIONS (SET project_id '{project}')"
        ));
        let statement = statement
            .replace("{insert}", &insert)
            .replace("{update}", &update);
        let answer = witness.run(&statement, &[&secret]);
        let code = answer.err().and_then(|error| error.code().cloned());
        let code = code.as_ref().map_or("", |code| code.code());
        assert_eq!(code, state, "{project}: {statement}");
    }
    assert!(witness.rows.contains("********"), "{}", witness.rows);
    let heard = witness.messages();
    assert!(heard.contains("1 created."), "{heard}");
    for (text, what) in [(&heard, "messages"), (&witness.rows, "rows")] {
        assert_eq!(canaries.names_in(text), BTreeSet::new(), "{what}: {text}");
    }
    assert_eq!(logged(&canaries), BTreeSet::new(), "the server's log");
}
