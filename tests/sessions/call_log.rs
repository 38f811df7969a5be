//! The log of calls: what is in it, for whom, and what never is.

mod setting;

use postgres::Client;
use postgres::error::SqlState;

use crate::backend::Backend;
use crate::oracle::Witness;
use crate::support::{Database, Statements, arrived, connect, ledger, one, server_log};
use crate::support::{set_api_key, sqlstate, variable};

const CALL: &str = "LOG:  Neon API call: ";

/// A superuser's session, and what it has logged since somebody looked last.
struct World {
    database: Database,
    session: Client,
    backend: Backend,
    seen: usize,
}

impl World {
    /// With a server "neon" for that project, at branch level.
    fn new(name: &str, project: &str) -> Self {
        let database = Database::new(name);
        let mut session = connect(name, "postgres");
        let backend = Backend::of(&mut session);
        let mut world = Self {
            database,
            session,
            backend,
            seen: 0,
        };
        world.server("neon", project, &variable("NEON_SIMULATOR_URL"));
        world
            .session
            .run("SET neon_auth_admin.log_calls = 'writes'");
        world.news();
        world
    }

    fn server(&mut self, server: &str, project: &str, url: &str) {
        self.session.run(&format!(
            "CREATE SERVER {server} FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id '{project}',
             branch_id 'br-main-000001', api_url '{url}', timeout '2s', max_attempts '2')"
        ));
        let name = one(
            &mut self.session,
            "SELECT srvname::text FROM pg_foreign_server ORDER BY oid DESC LIMIT 1",
        );
        set_api_key(&mut self.session, name.get(0));
    }

    /// The new lines of calls, without the time that it took and the request's id.
    fn news(&mut self) -> Vec<String> {
        let log = self.backend.log();
        let news = log[self.seen..].to_vec();
        self.seen = log.len();
        let own = news.iter().filter_map(|line| line.split_once(CALL));
        own.map(|(_, line)| masked(line)).collect()
    }

    #[track_caller]
    fn fails(&mut self, call: &str, state: &str) {
        let call = format!("SELECT neon_auth_admin.{call}");
        self.session.refused(&call, &SqlState::from_code(state));
    }
}

/// The line with `...` for whatever is no other time the same.
fn masked(line: &str) -> String {
    let mask = |word: &str| match word.split_once('=') {
        Some((name @ ("ms" | "request_id"), value)) if !value.is_empty() => format!("{name}=..."),
        _ => word.to_owned(),
    };
    line.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

/// What is said of a call of that function.
fn line(function: &str, request: &str, project: &str, below: &str, end: &str) -> String {
    let path = format!("/projects/{project}/branches/br-main-000001/auth{below}");
    let (status, attempts) = end.split_once(' ').unwrap_or((end, "1"));
    format!(
        "function={function} server=\"neon\" method={request} path={path} \
         status={status} ms=... attempts={attempts} request_id=..."
    )
}

const ADD: &str = "SELECT neon_auth_admin.add_domain('https://app.example.com')";
const LIST: &str = "SELECT count(*) FROM neon_auth_admin.list_domains()";

#[test]
fn a_line_for_each_request_that_is_asked_for() {
    let project = "test-call-log";
    let mut world = World::new("it_call_log", project);
    let write = line("add_domain", "POST", project, "/domains", "201");
    let read = line("list_domains", "GET", project, "/domains", "200");
    for (setting, expected) in [
        ("none", vec![]),
        ("writes", vec![write.clone()]),
        ("all", vec![read, write.clone()]),
    ] {
        let set = format!("SET neon_auth_admin.log_calls = '{setting}'");
        world.session.run(&set);
        // It is done, whatever becomes of the transaction.
        world.session.run("BEGIN");
        world.session.run(LIST);
        world.session.run(&ADD.replace("app", setting));
        world.session.run("ROLLBACK");
        assert_eq!(world.news(), expected, "{setting}");
    }
    let id = ledger(project)[0]["request_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let attempts = world.backend.log().join("\n");
    assert!(attempts.contains(&format!("request_id={id}")), "{attempts}");

    // One for each request, of whatever function.
    world
        .session
        .run("SELECT * FROM neon_auth_admin.check_connection('neon')");
    let list = line("get_integration", "GET", project, "", "200");
    let looked = world.news();
    assert_eq!(looked.len(), 2, "{looked:?}");
    let kind = "function=check_connection server=\"neon\" method=GET path=/auth status=200 ";
    assert!(looked[1].starts_with(kind), "{looked:?}");
    assert_eq!(
        looked[0].split_once(' ').expect("words").1,
        list.split_once(' ').expect("words").1
    );
    world
        .session
        .run("SELECT neon_auth_admin.delete_domains('{https://none.example.com,https://all.example.com}')");
    let deleted = world.news().into_iter().map(|line| {
        let mut words = line.split(' ').skip(2);
        words.next().expect("a method").to_owned()
    });
    assert_eq!(deleted.collect::<Vec<_>>(), ["method=GET", "method=DELETE"]);
}

#[test]
fn a_line_however_a_call_ends() {
    let project = "fault-404--call-log";
    let mut world = World::new("it_call_log_ends", project);
    let id = "1e38f016-4964-43de-a4d0-4aaad026ff95";
    world.fails(&format!("delete_user('{id}')"), "P0002");
    let below = format!("/users/{id}");
    let expected = line("delete_user", "DELETE", project, &below, "404");
    assert_eq!(world.news(), [expected]);
    // Whatever somebody typed may be a secret.
    let call = "SELECT neon_auth_admin.delete_user($1)";
    let secret = "napi_s3cret";
    world.session.query(call, &[&secret]).expect_err("no user");
    let expected = line("delete_user", "DELETE", project, "/users/*", "404");
    assert_eq!(world.news(), [expected]);

    for (project, end, state) in [
        ("fault-500--call-log", "500", "NA003"),
        ("fault-503--call-log", "503 2", "NA005"),
        ("fault-reset--call-log", "none", "NA003"),
        ("fault-silent--call-log", "none", "NA003"),
    ] {
        let move_on = format!("ALTER SERVER neon OPTIONS (SET project_id '{project}')");
        world.session.run(&move_on);
        let error = world.session.batch_execute(ADD).expect_err(project);
        let ended = world.news();
        assert_eq!(
            ended,
            [line("add_domain", "POST", project, "/domains", end)]
        );
        assert_eq!(sqlstate(&error).code(), state, "{project}");
    }

    // Done, but of the answer nothing can be made.
    let project = "fault-badjson--call-log";
    let move_on = format!("ALTER SERVER neon OPTIONS (SET project_id '{project}')");
    world.session.run(&move_on);
    world.fails("create_user('ada@example.com')", "NA003");
    let expected = line("create_user", "POST", project, "/users", "200");
    assert_eq!(world.news(), [expected]);

    // Cancelled, while the request is out.
    world.session.run(
        "ALTER SERVER neon OPTIONS (SET project_id 'fault-silent--call-log', SET timeout '30s');
         SET statement_timeout = '2s'",
    );
    let refused = SqlState::QUERY_CANCELED;
    world.session.refused(ADD, &refused);
    let project = "fault-silent--call-log";
    let expected = line("add_domain", "POST", project, "/domains", "none");
    assert_eq!(world.news(), [expected]);
    // Cancelled, between two attempts: the status is that of the last.
    world
        .session
        .run("ALTER SERVER neon OPTIONS (SET project_id 'fault-429-retry-5--call-log')");
    world.session.refused(ADD, &refused);
    let waited = world.news();
    assert!(
        waited.len() == 1 && waited[0].contains(" status=429 "),
        "{waited:?}"
    );
    world.session.run("RESET statement_timeout");

    // Nothing listens there, so nothing was sent.
    world
        .session
        .run("ALTER SERVER neon OPTIONS (SET api_url 'http://127.0.0.1:1')");
    world
        .session
        .batch_execute("SELECT neon_auth_admin.set_api_key('napi_1')")
        .expect("a key");
    world
        .session
        .run("ALTER SERVER neon OPTIONS (SET project_id 'p-1')");
    world.session.refused(ADD, &SqlState::from_code("NA001"));
    let expected = line("add_domain", "POST", "p-1", "/domains", "unsent 2");
    assert_eq!(world.news(), [expected]);

    // What is refused here is no request, and what is only tried is none.
    world.fails("add_domain('no uri')", "22023");
    assert_eq!(world.news(), Vec::<String>::new());
}

#[test]
fn what_is_only_tried_is_not_logged() {
    let project = "test-call-log-dry";
    let database = Database::new("it_call_log_dry");
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session_with("-c neon_auth_admin.dry_run=on");
    let backend = Backend::of(&mut session);
    session.run(ADD);
    let log = backend.log().join("\n");
    assert!(!log.contains("Neon API call: "), "{log}");
    assert_eq!(arrived(project), 0);
}

/// Neither to the client, nor with the statement and its context, in which there may be anything.
#[test]
fn a_line_has_neither_statement_nor_context_and_is_for_nobody_else() {
    let project = "test-call-log-alone";
    let world = World::new("it_call_log_alone", project);
    let mut witness = Witness::new("it_call_log_alone", "postgres");
    let backend = Backend::of(&mut witness.session);
    let secret = "s3cret@example.com";
    witness
        .session
        .batch_execute(&format!(
            "SET neon_auth_admin.log_calls = 'all'; SET log_min_error_statement = debug5;
             DO $$ BEGIN PERFORM neon_auth_admin.create_user('{secret}'); END $$"
        ))
        .expect("created");
    let heard = witness.messages();
    assert!(heard.contains("Neon API attempt: "), "{heard}");
    assert!(!heard.contains("Neon API call: "), "{heard}");

    let log = server_log();
    let mark = format!(" [{}] ", backend.pid);
    let mut lines = log
        .lines()
        .skip_while(|line| !(line.contains(&mark) && line.contains("LOG:  Neon API call: ")));
    assert!(lines.next().is_some(), "the call is logged");
    let next = lines.find(|line| line.contains(&mark)).expect("another");
    assert!(
        !next.contains("STATEMENT: ") && !next.contains("CONTEXT: "),
        "{next}"
    );
    for line in log.lines().filter(|line| line.contains("Neon API ")) {
        assert!(!line.contains(secret), "{line}");
    }
    assert!(arrived(project) == 1 && world.seen > 0);
}

/// At DEBUG1, for whoever wants to see what a call is waiting for.
#[test]
fn each_attempt_and_each_wait_is_told() {
    let project = "fault-503-x1--call-log";
    let mut world = World::new("it_call_log_debug", project);
    world
        .session
        .run("ALTER SERVER neon OPTIONS (SET timeout '10s')");
    world.session.run("SET neon_auth_admin.log_calls = 'none'");
    world.session.run(ADD);
    let told: Vec<_> = world.backend.log();
    let of_call = told
        .iter()
        .filter(|line| line.contains("DEBUG:  Neon API "));
    let told: Vec<_> = of_call
        .filter_map(|line| line.split_once("Neon API "))
        .map(|(_, line)| masked(line))
        .collect();
    let says = |kind: &str, end: &str| {
        format!(
            "{kind}: {}",
            line("add_domain", "POST", project, "/domains", end)
        )
    };
    let expected = [
        says("attempt", "503"),
        says("wait", "503"),
        says("attempt", "201 2"),
        says("call", "201 2"),
    ];
    assert_eq!(told, expected);
}

/// Whatever its parts hold.
#[test]
fn a_line_is_one_line() {
    let mut world = World::new("it_call_log_line", "test-call-log-line");
    let url = variable("NEON_SIMULATOR_URL");
    world.server("\"a\nb \"\" é\u{202e}\"", "test-call-log-line", &url);
    world.session.run("SET neon_auth_admin.log_calls = 'all'");
    world.news();
    let server = "a\nb \" é\u{202e}";
    let list = "SELECT count(*) FROM neon_auth_admin.list_domains($1)";
    world.session.query(list, &[&server]).expect("listed");
    let logged = world.news();
    let shown = r#"function=list_domains server="a\nb \" é\u{202e}" method=GET "#;
    assert!(
        logged.len() == 1 && logged[0].starts_with(shown),
        "{logged:?}"
    );
    assert!(
        logged[0].ends_with(" attempts=1 request_id=..."),
        "{logged:?}"
    );
}
