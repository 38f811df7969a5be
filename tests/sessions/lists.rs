//! Lists that come in pages, in a backend: one time for all of them, an interrupt between two, and a
//! server that has no ids yet.

use std::thread;
use std::time::Instant;

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use crate::backend::Backend;
use crate::interrupts::PATIENCE;
use crate::support::{
    Database, Statements, arrived, ledger, one, set_api_key, sqlstate, variable, wait_for,
};

/// Of the second page no answer comes; the id of the project is that of the organization, too.
const SILENT: &str = "fault-pages-silent--lists-branches-120";

fn lists(id: &str) -> [String; 2] {
    [
        "SELECT * FROM neon_auth_admin.list_branches()".to_owned(),
        format!("SELECT * FROM neon_auth_admin.list_projects('{id}')"),
    ]
}

/// A database with a server that has these options besides its URL.
fn database(name: &str, options: &str) -> (Database, Client) {
    let database = Database::new(name);
    let mut session = database.session();
    let url = variable("NEON_SIMULATOR_URL");
    session.run(&format!(
        "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (api_url '{url}'{options})"
    ));
    set_api_key(&mut session, "neon");
    (database, session)
}

#[test]
fn a_cancel_ends_a_list_between_its_pages() {
    for (n, project) in ["branches", "projects"].into_iter().enumerate() {
        let id = format!("fault-pages-silent--cancel-{project}-120");
        let options = format!(", project_id '{id}', timeout '60s'");
        let (_database, mut session) = database(&format!("it_lists_cancel_{n}"), &options);
        let backend = Backend::of(&mut session);
        let token = session.cancel_token();
        let list = lists(&id)[n].clone();
        let call = thread::spawn(move || (session.query(&list, &[]), session));
        wait_for("the second page is asked for", || arrived(&id) == 2);
        let cancelled = Instant::now();
        token.cancel_query(NoTls).expect("a cancel");
        let (result, mut session) = call.join().expect("no panic");
        assert!(cancelled.elapsed() < PATIENCE);
        assert_eq!(
            sqlstate(&result.expect_err("cancelled")),
            SqlState::QUERY_CANCELED
        );
        assert_eq!(backend.threads().len(), 1);
        session.run("ALTER SERVER neon OPTIONS (SET project_id 'test-lists-branches-60')");
        let count = "SELECT count(*) FROM neon_auth_admin.list_branches()";
        assert_eq!(one(&mut session, count).get::<_, i64>(0), 60);
        assert_eq!(arrived(&id), 2, "nothing was sent again");
    }
}

/// Also where each page comes in time.
#[test]
fn one_time_is_for_all_pages() {
    let (_database, mut session) = database("it_lists_time", ", project_id 'p', timeout '3s'");
    for (id, first) in [
        (SILENT, "1 page had"),
        ("fault-slow-500--lists-branches-500", ""),
    ] {
        let set = format!("ALTER SERVER neon OPTIONS (SET project_id '{id}')");
        session.run(&set);
        let begun = Instant::now();
        let error = session
            .query(&lists(id)[0], &[])
            .expect_err("not in three seconds");
        assert!(begun.elapsed() < 2 * PATIENCE);
        let states = ["NA001", "NA002"].map(SqlState::from_code);
        assert!(states.contains(&sqlstate(&error)), "{error:?}");
        let detail = error
            .as_db_error()
            .and_then(|it| it.detail())
            .unwrap_or_default();
        assert!(detail.contains(first), "{detail}");
        let end = "had arrived, of which nothing is returned: a part would pass for the whole.";
        assert!(detail.ends_with(end), "{detail}");
    }
}

/// What a call does not need is not looked at, and what is missing is named.
#[test]
fn a_server_needs_no_ids_to_find_them() {
    let (database, mut session) = database("it_lists_ids", "");
    let count = |session: &mut Client, list: &str| {
        let count = format!("SELECT count(*) FROM neon_auth_admin.{list}");
        one(session, &count).get::<_, i64>(0)
    };
    let list_projects = "list_projects('org-lists-ids')";
    assert_eq!(count(&mut session, list_projects), 2);
    assert_eq!(
        ledger("org-lists-ids")[0]["path"],
        "/projects?limit=50&org_id=org-lists-ids"
    );
    let missing = SqlState::from_code("NA009");
    for call in ["list_branches()", "list_domains()"] {
        let call = format!("SELECT * FROM neon_auth_admin.{call}");
        let error = session.refused(&call, &missing);
        let hint = error.hint().unwrap_or_default();
        assert!(
            hint.contains("neon_auth_admin.list_projects(server => 'neon')"),
            "{hint}"
        );
    }
    // Which stand for the branch of a compute that has another setting: nothing is read of them.
    session.run("ALTER SERVER neon OPTIONS (ADD branch_id 'current')");
    let mut elsewhere = database.session_with("-c neon.branch_id=br-of-a-session");
    assert_eq!(count(&mut elsewhere, list_projects), 2);
    session.run("ALTER SERVER neon OPTIONS (ADD project_id 'test-lists-ids')");
    assert_eq!(count(&mut elsewhere, "list_branches()"), 2);
    let list = "SELECT * FROM neon_auth_admin.list_domains()";
    elsewhere.refused(list, &SqlState::INSUFFICIENT_PRIVILEGE);
    assert_eq!(arrived("test-lists-ids"), 1);
    let mut dry = database.session_with("-c neon_auth_admin.dry_run=on");
    for list in [list_projects, "list_branches()"] {
        assert_eq!(count(&mut dry, list), 0);
    }
    assert_eq!(
        (arrived("org-lists-ids"), arrived("test-lists-ids")),
        (4, 1)
    );
}
