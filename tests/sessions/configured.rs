//! Settings of the configuration file, and what docs/servers.md says of all of them from the first statement
//! of a session, before the library is loaded. They reach every session, so tests/run.sh runs these
//! when the others are over, and one at a time.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use postgres::Client;
use postgres::error::SqlState;

use crate::configuration::Configuration;
use crate::connect_proxy::proxy;
use crate::oracle::{Canaries, Sightings, Witness, logged, sightings};
use crate::support::{Database, Statements, arrived, connect, one, sqlstate, variable, wait_until};

const PROXY: &str = "neon_auth_admin.proxy";
const USER: &str = "neon_auth_admin.proxy_user";
const PASSWORD_FILE: &str = "neon_auth_admin.proxy_password_file";
const SERVER: &str = "neon_auth_admin.server";

/// A file that the server's user may read, and no other.
struct PasswordFile(PathBuf);

impl PasswordFile {
    fn new(text: &str) -> Self {
        let show = "SHOW data_directory";
        let data: String = one(&mut connect("postgres", "postgres"), show).get(0);
        let file = Path::new(&variable("PGHOST")).join("proxy-password");
        fs::write(&file, text).expect("a file");
        let data = fs::metadata(data).expect("the server's folder");
        chown(&file, Some(data.uid()), Some(data.gid())).expect("the server's file");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("permissions");
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path of ours")
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("our own file");
    }
}

/// A row of `check_connection`.
fn step(session: &mut Client, server: &str, step: &str) -> (Option<bool>, String) {
    let query = "SELECT ok, detail FROM neon_auth_admin.check_connection($1) WHERE step = $2";
    let row = session.query_one(query, &[&server, &step]).expect("a row");
    (row.get(0), row.get(1))
}

#[test]
#[ignore = "tests/run.sh runs this when nothing else runs"]
fn a_password_for_the_proxy_is_seen_by_the_proxy_alone() {
    let database = Database::new("it_proxied");
    let url = variable("NEON_SIMULATOR_HTTPS_URL");
    database.add_server("neon", "test-proxied", &url, "");
    connect("postgres", "postgres").run("CREATE ROLE it_proxied_stranger LOGIN");
    let canaries = Canaries::new(&["the proxy's password"]);
    let password = canaries.value("the proxy's password");
    let file = PasswordFile::new(&format!("{password}\nand a second line\n"));
    let configuration = Configuration::own();
    let (address, served) = proxy("HTTP/1.1 200 OK\r\n\r\n");
    configuration.set(PASSWORD_FILE, Some(file.path()));
    configuration.set(USER, Some("ada"));
    configuration.set(PROXY, Some(&format!("http://{address}")));

    let mut owner = Witness::new("it_proxied", "it_proxied");
    owner.call("list_domains()", &[]).expect("listed");
    assert_eq!(arrived("test-proxied"), 1);
    drop(owner.session);
    let connect_request = served.join().expect("served");
    let credentials = format!("ada:{password}");
    let encode = "SELECT translate(encode(convert_to($1, 'UTF8'), 'base64'), E'\\n', '')";
    let encoded = connect("postgres", "postgres").query_one(encode, &[&credentials]);
    let encoded: String = encoded.expect("a text").get(0);
    assert!(connect_request.contains(&encoded), "{connect_request}");

    // Nobody listens there any more. Whatever a call says, and whoever looks, from the first statement
    // of a session and after the library was loaded.
    let mut owner = Witness::new("it_proxied", "it_proxied");
    let error = owner.call("list_domains()", &[]).expect_err("no proxy");
    let unreachable = SqlState::from_code("NA001");
    assert_eq!(sqlstate(&error), unreachable);
    owner.call("check_connection()", &[]).expect("rows");
    assert!(canaries.names_in(&owner.messages()).is_empty());
    assert!(canaries.names_in(&owner.rows).is_empty());
    for role in ["it_proxied_stranger", "it_proxied", "postgres"] {
        let mut session = connect("it_proxied", role);
        for is_loaded in [false, true] {
            let shown: String = one(&mut session, &format!("SHOW {PROXY}")).get(0);
            assert_eq!(shown, format!("http://{address}"), "{role}");
            let shown: String = one(&mut session, &format!("SHOW {USER}")).get(0);
            assert_eq!(shown, "ada", "{role}");
            let seen = sightings(&mut session, &canaries);
            assert_eq!(seen, Sightings::new(), "{role}, loaded: {is_loaded}");
            // Whoever may call a function loads the library with it.
            let call = "SELECT neon_auth_admin.list_domains('nowhere')";
            session.query(call, &[]).expect_err("no such server");
        }
    }

    // What is wrong with the file is said, and nothing of what is in it.
    fs::set_permissions(&file.0, Permissions::from_mode(0o644)).expect("permissions");
    let mut owner = Witness::new("it_proxied", "it_proxied");
    let error = owner.call("list_domains()", &[]).expect_err("refused");
    assert_eq!(sqlstate(&error), SqlState::from_code("NA009"), "{error:?}");
    let (ok, detail) = step(&mut owner.session, "neon", "TLS");
    assert_eq!(ok, Some(false));
    assert!(detail.contains("permissions must be u=rw,g=r"), "{detail}");
    assert!(canaries.names_in(&owner.messages()).is_empty());
    assert_eq!(logged(&canaries), BTreeSet::new(), "the server's log");
}

#[test]
#[ignore = "tests/run.sh runs this when nothing else runs"]
fn a_proxy_is_sent_no_key_and_has_no_password_in_its_url() {
    let database = Database::new("it_proxy_url");
    let (https, http) = (
        variable("NEON_SIMULATOR_HTTPS_URL"),
        variable("NEON_SIMULATOR_URL"),
    );
    database.add_server("neon", "test-proxy-url", &https, "");
    database.add_server("plain", "test-proxy-url", &http, "");
    let configuration = Configuration::own();
    let trap = TcpListener::bind("127.0.0.1:0").expect("a free port");
    trap.set_nonblocking(true).expect("a listener");
    let address = trap.local_addr().expect("bound");
    configuration.set(PROXY, Some(&format!("http://{address}")));

    let mut session = database.session();
    let call = "SELECT * FROM neon_auth_admin.list_domains('plain')";
    let error = session.refused(call, &SqlState::INSUFFICIENT_PRIVILEGE);
    let message = error.message();
    assert!(message.contains("must use https"), "{message}");
    let (ok, detail) = step(&mut session, "plain", "host allowed");
    assert_eq!(ok, Some(false));
    assert!(detail.contains("while a proxy is set"), "{detail}");

    let canaries = Canaries::new(&["the proxy's password"]);
    let password = canaries.value("the proxy's password");
    configuration.set(PROXY, Some(&format!("http://ada:{password}@{address}")));
    let mut owner = Witness::new("it_proxy_url", "it_proxy_url");
    let error = owner.call("list_domains()", &[]).expect_err("refused");
    assert_eq!(sqlstate(&error), SqlState::from_code("NA009"));
    let rows = owner.call("check_connection()", &[]).expect("rows");
    let has = |part: &str| {
        let mut details = rows.iter().map(|row| row.get::<_, String>("detail"));
        details.any(|detail| detail.contains(part))
    };
    assert!(has("must not have a user name or a password in it"));
    assert!(has("proxy_password_file"));
    assert!(canaries.names_in(&owner.messages()).is_empty());
    assert!(canaries.names_in(&owner.rows).is_empty());

    let reached = trap.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(reached, Err(ErrorKind::WouldBlock), "at the proxy");
    assert_eq!(arrived("test-proxy-url"), 0);
}

#[test]
#[ignore = "tests/run.sh runs this when nothing else runs"]
fn an_authority_that_is_not_trusted_can_be() {
    const CA_FILE: &str = "neon_auth_admin.ca_file";
    let configuration = Configuration::own();
    let database = Database::new("it_authority");
    let url = variable("NEON_SIMULATOR_HTTPS_URL");
    database.add_server("neon", "test-authority", &url, "");
    configuration.set(CA_FILE, Some(""));
    let mut session = database.session();
    let unreachable = SqlState::from_code("NA001");
    let error = session.refused("SELECT neon_auth_admin.list_domains()", &unreachable);
    let hint = error.hint().expect("a hint");
    assert!(hint.contains(CA_FILE), "{hint}");
    let (ok, detail) = step(&mut session, "neon", "TLS");
    assert_eq!(ok, Some(false));
    assert!(detail.contains(CA_FILE), "{detail}");
    assert_eq!(arrived("test-authority"), 0);
}

#[test]
#[ignore = "tests/run.sh runs this when nothing else runs"]
fn the_configuration_chooses_the_server() {
    let database = Database::new("it_configured");
    let url = variable("NEON_SIMULATOR_URL");
    let projects = ["neon", "other", "third"].map(|server| {
        let project = format!("test-configured-{server}");
        database.add_server(server, &project, &url, "");
        project
    });
    let called = |session: &mut Client| {
        let before = projects.each_ref().map(|project| arrived(project));
        let call = "SELECT * FROM neon_auth_admin.list_domains()";
        session.query(call, &[]).expect("listed");
        let grown = |n: &usize| arrived(&projects[*n]) > before[*n];
        ["neon", "other", "third"][(0..3).find(grown).expect("arrived")]
    };
    let configuration = Configuration::own();
    let mut running = database.session();
    assert_eq!(called(&mut running), "neon");
    let mut own = database.session_with("-c neon_auth_admin.server=third");
    assert_eq!(called(&mut own), "third");

    configuration.set(SERVER, Some("other"));
    let mut fresh = database.session();
    let statement = format!("SET {SERVER} = 'third'");
    fresh.batch_execute(&statement).expect("not known yet");
    assert_eq!(called(&mut fresh), "other");
    fresh.batch_execute("RESET ALL").expect("reset");
    assert_eq!(called(&mut fresh), "other");
    // Sessions that run follow, if nothing closer to them has chosen.
    let known = format!("SELECT current_setting('{SERVER}') = 'other'");
    wait_until(&mut running, "the configuration is read", &known);
    assert_eq!(called(&mut running), "other");
    assert_eq!(called(&mut own), "third");

    configuration.set(SERVER, None);
    let known = format!("SELECT current_setting('{SERVER}') = 'neon'");
    for session in [&mut running, &mut fresh] {
        wait_until(session, "the configuration is read", &known);
        assert_eq!(called(session), "neon");
    }
    assert_eq!(called(&mut own), "third");
}

/// As the page says: what is set before the library is loaded is only noted.
#[test]
#[ignore = "tests/run.sh runs this when nothing else runs"]
fn what_is_noted_before_the_library_is_loaded() {
    const SIZE: &str = "neon_auth_admin.max_response_size";
    let _unchanged = Configuration::own();
    let database = Database::new("it_noted");
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "test-noted", &url, "");
    let role = "it_noted";
    let version: i32 = one(&mut database.session(), "SHOW server_version_num")
        .get::<_, String>(0)
        .parse()
        .expect("a number");
    let set_role = format!("ALTER ROLE {role} SET {SIZE} = '32kB'");

    for (value, shown) in [
        ("32kB", "32kB"),
        ("1GB", "256kB"),
        ("15kB", "256kB"),
        ("x", "256kB"),
    ] {
        let mut session = Witness::new(role, role);
        let statement = format!("SET {SIZE} = '{value}'");
        session.session.batch_execute(&statement).expect("noted");
        session.call("list_domains()", &[]).expect("listed");
        let size: String = one(&mut session.session, &format!("SHOW {SIZE}")).get(0);
        assert_eq!(size, shown, "{value}");
        let messages = session.messages();
        let is_warning = |line: &str| line.contains("severity: \"WARNING\"") && line.contains(SIZE);
        assert_eq!(
            messages.lines().any(is_warning),
            value != shown,
            "{value}: {messages}"
        );
        // Now it is looked at.
        let set = session.session.batch_execute(&statement);
        assert_eq!(set.is_ok(), value == shown, "{value}");
    }

    // A role for itself, before and after a call.
    let mut session = database.session();
    session.refused(&set_role, &SqlState::INSUFFICIENT_PRIVILEGE);
    session
        .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
        .expect("listed");
    session.batch_execute(&set_role).expect("after a call");
    let mut fresh = database.session();
    let size: String = one(&mut fresh, &format!("SHOW {SIZE}")).get(0);
    assert_eq!(size, "32kB");

    // A superuser, for the configuration.
    let system = format!("ALTER SYSTEM SET {SIZE} = '64kB'");
    let reset = format!("ALTER SYSTEM RESET {SIZE}");
    let mut admin = connect(role, "postgres");
    let altered = admin.batch_execute(&system);
    assert_eq!(altered.is_ok(), version >= 170_000, "before LOAD");
    admin.run("LOAD 'neon_auth_admin'");
    admin.batch_execute(&system).expect("after LOAD");
    admin.batch_execute(&reset).expect("taken back");
}
