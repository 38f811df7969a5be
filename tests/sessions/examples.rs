//! Runs the examples as their reader would: those for psql in psql, the others as a migration tool runs
//! them, through a driver.

use std::fs;
use std::sync::{Arc, Mutex};

use neon_simulator::Simulator;
use postgres::NoTls;

use crate::support::{Statements, config, connect};
use crate::tryout::{DATABASE, OWNER, Place, file};

fn script(name: &str) -> String {
    fs::read_to_string(file("examples").join(name)).expect(name)
}

/// What the migration tool gets from its environment.
const SECRETS: &str = "-c app.google_client_id=id -c app.google_client_secret=example-secret";

/// In one transaction, as most tools do; what it notices.
fn migrate(script: &str) -> Vec<String> {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&notices);
    let mut config = config(DATABASE, OWNER);
    config.options(SECRETS);
    config.notice_callback(move |notice| {
        let mut heard = heard.lock().expect("nobody panics with it");
        heard.push(notice.message().to_owned());
    });
    let mut session = config.connect(NoTls).expect("a session");
    let mut transaction = session.transaction().expect("a transaction");
    transaction.batch_execute(script).expect("the script runs");
    transaction.commit().expect("committed");
    drop(session);
    let notices = notices.lock().expect("nobody panicked with it");
    notices.clone()
}

fn psql(place: &Place, name: &str, options: &str) -> String {
    let script = script(name);
    place.psql(&format!("\\set ON_ERROR_STOP on\n{script}"), options)
}

#[test]
fn the_examples_run_and_the_migration_runs_twice() {
    let place = Place::new();
    // The server under test says that it is the compute of another branch. Its workers are not to say so, either.
    let mut admin = connect("postgres", "postgres");
    admin.run(&format!(
        "ALTER DATABASE {DATABASE} SET neon.branch_id = ''"
    ));
    psql(&place, "tour.sql", "");
    admin.run(&format!("ALTER DATABASE {DATABASE} RESET neon.branch_id"));
    let changes = || -> Vec<_> {
        let notices = migrate(&script("migration.sql")).into_iter();
        notices
            .filter(|it| !it.ends_with("already exists, skipping"))
            .collect()
    };
    assert!(changes().contains(&"updated the email server".to_owned()));
    assert_eq!(changes(), [""; 0], "the second run changes nothing");

    let simulator = place.simulator.as_ref().expect("it runs");
    let before = simulator.requests().len();
    migrate(&script("triggers.sql"));
    for (commits, customers) in [
        (
            true,
            "INSERT INTO app.customers (email) VALUES ('mary@example.com')",
        ),
        (
            false,
            "INSERT INTO app.customers (email) VALUES ('nobody@example.com')",
        ),
        (
            true,
            "INSERT INTO app.customers (email) VALUES ('gone@example.com');
             DELETE FROM app.customers WHERE email = 'gone@example.com'",
        ),
        (
            true,
            "INSERT INTO app.customers (email) VALUES ('grce@example.com');
             UPDATE app.customers SET email = 'grace@example.com' WHERE email = 'grce@example.com'",
        ),
        (
            true,
            "DELETE FROM app.customers; INSERT INTO app.customers (email) VALUES ('Mary@example.com')",
        ),
    ] {
        let end = if commits { "COMMIT" } else { "ROLLBACK" };
        let mut session = config(DATABASE, OWNER).connect(NoTls).expect("a session");
        let statements = format!("BEGIN; {customers}; {end}");
        session.batch_execute(&statements).expect(customers);
    }
    let arrived = &simulator.requests()[before..];
    let created: Vec<_> = arrived
        .iter()
        .filter_map(|request| request.body["email"].as_str())
        .collect();
    let expected = ["mary@example.com", "grace@example.com", "Mary@example.com"];
    assert_eq!(created, expected, "who is a customer at COMMIT");

    let real = psql(
        &place,
        "tour_real.sql",
        "-c default_transaction_read_only=on",
    );
    let errors: Vec<_> = real
        .lines()
        .filter(|line| line.contains("ERROR:"))
        .collect();
    assert_eq!(
        errors,
        ["ERROR:  cannot execute add_domain() in a read-only transaction"]
    );
}

/// What was changed, and where: method and branch of each write.
fn writes(simulator: &Simulator) -> Vec<(String, String)> {
    let requests = simulator.requests().into_iter();
    let writes = requests.filter(|it| it.method != "GET");
    writes
        .map(|it| {
            let branch = it.path.split("/branches/").nth(1);
            let branch = branch.and_then(|rest| rest.split('/').next());
            (it.method, branch.unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn a_configuration_is_applied_twice_and_copied() {
    let place = Place::new();
    let servers = "
        \\getenv url NEON_SIMULATOR_URL
        \\getenv key NEON_API_KEY
        CREATE EXTENSION neon_auth_admin;
        CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
            OPTIONS (project_id 'test-example', branch_id 'br-production', api_url :'url');
        CREATE SERVER production FOREIGN DATA WRAPPER neon_auth_admin
            OPTIONS (project_id 'test-example', branch_id 'br-production', api_url :'url');
        CREATE SERVER staging FOREIGN DATA WRAPPER neon_auth_admin
            OPTIONS (project_id 'test-example', branch_id 'br-staging', api_url :'url');
        SELECT neon_auth_admin.set_api_key(:'key', server => srvname) FROM pg_foreign_server
            WHERE srvname IN ('neon', 'production', 'staging');
        SELECT neon_auth_admin.add_domain('https://old.example.com');";
    place.psql(servers, "");
    let simulator = place.simulator.as_ref().expect("it runs");
    simulator.clear();
    let made = migrate(&script("configuration.sql"));
    let made_last = "step 1 was made: delete redirect domain https://old.example.com".to_owned();
    assert_eq!(made.last(), Some(&made_last), "{made:?}");
    assert_eq!(writes(simulator).len(), made.len());
    assert_eq!(migrate(&script("configuration.sql")), [""; 0]);
    assert_eq!(
        writes(simulator).len(),
        made.len(),
        "the second run only reads"
    );

    simulator.clear();
    let made = migrate(&script("environments.sql"));
    let writes_of_copy = writes(simulator);
    assert!(
        made.contains(&"step 1 was made: update name".to_owned()),
        "{made:?}"
    );
    assert_eq!(writes_of_copy.len(), made.len());
    assert!(
        writes_of_copy
            .iter()
            .all(|(_, branch)| branch == "br-staging")
    );
    let notices = migrate(&script("environments.sql"));
    assert_eq!(
        notices,
        ["relation \"auth_configurations\" already exists, skipping"]
    );
    assert_eq!(writes(simulator).len(), made.len());
}

/// With what a file has in it: the same address twice, one that is none, one that is there already, an empty line.
const USERS: &str = "email,name
ada@example.com,Ada Lovelace
 Grace@Example.com ,
ada@example.com,Ada
grace,Grace
it's@example.com,\"Quoted, \"\"twice\"\"\"
taken@example.com,Taken
,
";

#[test]
fn users_are_imported_from_a_file() {
    let place = Place::new();
    let folder = std::env::temp_dir();
    let csv = folder.join(format!("it's users.{}.csv", std::process::id()));
    fs::write(&csv, USERS).expect("the temporary folder is writable");
    let server = "
        \\getenv url NEON_SIMULATOR_URL
        \\getenv key NEON_API_KEY
        CREATE EXTENSION neon_auth_admin;
        CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
            OPTIONS (project_id 'test-import', branch_id 'br-production', api_url :'url');
        SELECT neon_auth_admin.set_api_key(:'key') \\g /dev/null
        SELECT neon_auth_admin.create_user('taken@example.com') \\g /dev/null";
    place.psql(server, "");
    let file = csv.display().to_string().replace('\'', "\\'");
    let script = format!("\\set file '{file}'\n{}", script("import.sql"));
    let first = place.psql(&script, "");
    assert!(
        first.contains("grace | It must be an e-mail address"),
        "{first}"
    );
    assert!(
        first.contains("NOTICE:  4 finished, 0 to go, about 00:00:00 left"),
        "{first}"
    );
    let table = "
 state  | count 
--------+-------
 done   |     3
 failed |     1
(2 rows)
";
    assert!(first.contains(table), "{first}");
    let failed = " | taken@example.com | 23505    | could not create user: ";
    assert!(first.contains(failed), "{first}");
    let simulator = place.simulator.as_ref().expect("it runs");
    let made = || -> Vec<_> {
        let requests = simulator.requests().into_iter();
        let mut made: Vec<_> = requests
            .filter(|it| it.status == Some(201))
            .map(|it| format!("{} {}", it.body["email"], it.body["name"]))
            .collect();
        made.sort();
        made
    };
    let expected = [
        r#""ada@example.com" "Ada Lovelace""#,
        r#""grace@example.com" null"#,
        r#""it's@example.com" "Quoted, \"twice\"""#,
        r#""taken@example.com" null"#,
    ];
    assert_eq!(made(), expected);

    // Again, and again in the same session: what was wrong is queued when it is mended, and nobody else.
    let before = simulator.requests().len();
    let mend = "UPDATE imported SET email = 'grace2@example.com' WHERE email = 'grace';";
    let second = place.psql(&format!("{mend}\n{script}\n{script}"), "");
    assert!(!second.contains("skipping"), "{second}");
    fs::write(&csv, "email,name\nada@example.com,Ada\n\n").expect("the temporary folder");
    let (ended, broken) = place.try_psql(&script, "");
    let _ = fs::remove_file(&csv);
    assert!(!ended.success(), "{broken}");
    assert!(broken.contains("CONTEXT:  COPY file, line 3"), "{broken}");
    assert!(second.contains("NOTICE:  5 finished, 0 to go"), "{second}");
    assert_eq!(simulator.requests().len(), before + 1);
}

/// Whoever opens one knows which tool it is for.
#[test]
fn an_example_that_needs_psql_says_so() {
    let examples = fs::read_dir(file("examples")).expect("the folder");
    let names = examples.map(|it| it.expect("a file").file_name().into_string());
    let mut for_psql: Vec<_> = names
        .map(|name| name.expect("ASCII"))
        .filter(|name| {
            let script = script(name);
            let needs_psql = script.contains('\\') || script.contains(":'");
            let says_so = script.lines().take(3).any(|line| line.contains("For psql"));
            assert_eq!(needs_psql, says_so, "{name}");
            needs_psql
        })
        .collect();
    for_psql.sort();
    assert_eq!(for_psql, ["import.sql", "tour.sql", "tour_real.sql"]);
}
