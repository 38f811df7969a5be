//! Where pages and examples are tried: a database, its owner, and psql.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use neon_simulator::{Options, Simulator};
use postgres::Client;

use crate::support::{Statements, connect, variable};

/// Not the key of the other tests: pages give keys as literals, and the server logs those.
const KEY: &str = "napi_readme";
const PROJECT: &str = "quiet-bar-123456";
const BRANCH: &str = "br-cool-lake-123456";
pub const DATABASE: &str = "neondb";
pub const OWNER: &str = "neondb_owner";
/// The owner, and the roles that the pages create.
const ROLES: [&str; 3] = ["web", "reporting", OWNER];

/// A file or folder of the repository.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A fresh database, its owner, and a simulator that writes users into it. One at a time, because
/// roles belong to the whole cluster and the pages name them.
pub struct Place {
    admin: Client,
    pub simulator: Option<Simulator>,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Place {
    pub fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut admin = connect("postgres", "postgres");
        clean_up(&mut admin);
        for statement in [
            format!("CREATE ROLE {OWNER} LOGIN CREATEROLE"),
            format!("CREATE DATABASE {DATABASE} OWNER {OWNER}"),
        ] {
            admin.run(&statement);
        }
        let (host, port) = (variable("PGHOST"), variable("PGPORT"));
        let simulator = Simulator::start(Options {
            api_keys: vec![KEY.to_owned()],
            database_url: Some(format!(
                "host={host} port={port} user={OWNER} dbname={DATABASE}"
            )),
            ..Options::default()
        });
        Self {
            admin,
            simulator: Some(simulator.expect("the simulator starts")),
            _turn: turn,
        }
    }

    pub fn api_url(&self) -> &str {
        self.simulator
            .as_ref()
            .expect("it runs until the end")
            .url()
    }

    /// What psql prints, as the owner: errors and rows in the order in which a terminal shows them.
    pub fn psql(&self, script: &str, options: &str) -> String {
        let (status, printed) = self.try_psql(script, options);
        assert!(status.success(), "psql ended with {status}:\n{printed}");
        printed
    }

    /// The same for a script that may end at an error.
    pub fn try_psql(&self, script: &str, options: &str) -> (ExitStatus, String) {
        let name = format!("neon_auth_admin_readme.{}", std::process::id());
        let path = env::temp_dir().join(name);
        let output = File::create(&path).expect("the temporary folder is writable");
        let mut psql = Command::new(variable("PSQL"))
            .args(["-X", "-P", "pager=off", "-U", OWNER, "-d", DATABASE])
            .env("NEON_API_KEY", KEY)
            .env("NEON_PROJECT_ID", PROJECT)
            .env("NEON_BRANCH_ID", BRANCH)
            .env("NEON_SIMULATOR_URL", self.api_url())
            .env("PGOPTIONS", options)
            .env("PGTZ", "UTC")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stderr(output.try_clone().expect("a file has a second handle"))
            .stdout(output)
            .spawn()
            .expect("psql starts");
        let mut stdin = psql.stdin.take().expect("it was piped");
        // psql may stop at an error, and then does not read the rest.
        let _ = stdin.write_all(script.as_bytes());
        drop(stdin);
        let status = psql.wait().expect("psql ends");
        let printed = fs::read_to_string(&path).expect("psql prints UTF-8");
        let _ = fs::remove_file(&path);
        (status, printed)
    }
}

/// The major version of the psql that runs the scripts.
pub fn psql_version() -> u32 {
    let output = Command::new(variable("PSQL")).arg("--version").output();
    let version = String::from_utf8(output.expect("psql starts").stdout).expect("ASCII");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    let major = numbers.find(|number| !number.is_empty());
    major.expect("a version").parse().expect("a number")
}

impl Drop for Place {
    fn drop(&mut self) {
        self.simulator = None;
        clean_up(&mut self.admin);
    }
}

/// Without a panic, because it may run during one: what stays is in the way of the next [`Place`],
/// which then says so.
fn clean_up(admin: &mut Client) {
    for statement in [
        format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"),
        format!("DROP ROLE IF EXISTS {}", ROLES.join(", ")),
    ] {
        if let Err(error) = admin.batch_execute(&statement) {
            eprintln!("{statement}: {error}");
        }
    }
}
