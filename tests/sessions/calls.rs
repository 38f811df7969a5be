//! Every call with every secret, by whom one likes, and each kind of failure. It knows nothing of who
//! may see what.

use neon_simulator::{Options, Simulator};
use postgres::Client;

use crate::oracle::{Canaries, Witness};
use crate::support::{Database, one};

pub const OWNERS_KEY: &str = "the owner's key";
pub const MAPPED_KEY: &str = "the key of a role with a mapping";
pub const PUBLIC_KEY: &str = "the key of PUBLIC";
pub const ADMINS_KEY: &str = "the superuser's key";
pub const REFUSED_KEY: &str = "a key that Neon refuses";
pub const KEYS: [&str; 5] = [OWNERS_KEY, MAPPED_KEY, PUBLIC_KEY, ADMINS_KEY, REFUSED_KEY];
/// What the mappings hold in place of the keys, and what opens it.
pub const OWNERS_SEALED: &str = "the owner's sealed key";
pub const MAPPED_SEALED: &str = "the sealed key of a role with a mapping";
pub const PUBLIC_SEALED: &str = "the sealed key of PUBLIC";
pub const ADMINS_SEALED: &str = "the superuser's sealed key";
pub const SEALED: [&str; 4] = [OWNERS_SEALED, MAPPED_SEALED, PUBLIC_SEALED, ADMINS_SEALED];
pub const SEAL: &str = "the secret that opens sealed keys";
pub const CLIENT_SECRET: &str = "a client secret";
pub const PASSWORD: &str = "a password";
pub const SDK_KEY: &str = "an SDK key";
pub const NAME: &str = "a user's name";
pub const TRANSFER: &str = "a URL that completes a transfer";

/// The project of each server is the kind of fault that it has; of one, nobody is at its address. One
/// speaks to the branch-level API.
const SERVERS: [(&str, &str); 9] = [
    ("neon", "test-secrets"),
    ("echo", "fault-echo--secrets"),
    ("silent", "fault-silent--secrets"),
    ("reset", "fault-reset--secrets"),
    ("malformed", "fault-badjson--secrets"),
    ("refused", "test-secrets"),
    (NOWHERE, "test-secrets"),
    (BRANCH, "test-secrets"),
    (BRANCH_ECHO, "fault-echo--secrets"),
];
const NOWHERE: &str = "nowhere";
const BRANCH: &str = "branch";
const BRANCH_ECHO: &str = "branch_echo";

/// What befalls whoever calls everything: refused by Neon and by the arguments' checks, unreachable,
/// cut off, unknown, malformed.
const FAILURES: [&str; 6] = ["28000", "22023", "08001", "08006", "08007", "08P01"];

pub struct World {
    pub database: Database,
    pub canaries: Canaries,
    /// A superuser.
    pub admin: Witness,
    /// Its accounts have the keys, and no other test's.
    _simulator: Simulator,
}

impl World {
    pub fn new(name: &str) -> Self {
        let mut names = KEYS.to_vec();
        names.extend([CLIENT_SECRET, PASSWORD, NAME]);
        let canaries = Canaries::new(&names);
        let known = KEYS.iter().filter(|key| **key != REFUSED_KEY);
        let simulator = Simulator::start(Options {
            api_keys: known.map(|key| canaries.value(key).to_owned()).collect(),
            ..Options::default()
        })
        .expect("the simulator starts");
        let database = Database::new(name);
        let mut owner = database.session();
        for (server, project) in SERVERS {
            let url = match server {
                NOWHERE => "http://127.0.0.1:1",
                _ => simulator.url(),
            };
            let branch = match server {
                BRANCH | BRANCH_ECHO => ", branch_id 'br-secrets-1'",
                _ => "",
            };
            let timeout = if server == "silent" { "20ms" } else { "10s" };
            owner
                .batch_execute(&format!(
                    "CREATE SERVER {server} FOREIGN DATA WRAPPER neon_auth_admin
                     OPTIONS (project_id '{project}', api_url '{url}', timeout '{timeout}', max_attempts '1'{branch})"
                ))
                .expect(server);
        }
        let admin = Witness::new(name, "postgres");
        Self {
            database,
            canaries,
            admin,
            _simulator: simulator,
        }
    }

    /// A role that may call everything on every server.
    pub fn add_role(&mut self, role: &str) {
        let servers = SERVERS.map(|(server, _)| server).join(", ");
        self.execute(&format!(
            "CREATE ROLE {role} LOGIN;
             GRANT USAGE ON SCHEMA neon_auth_admin TO {role};
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO {role};
             GRANT USAGE ON FOREIGN SERVER {servers} TO {role}"
        ));
    }

    pub fn execute(&mut self, statements: &str) {
        let done = self.admin.session.batch_execute(statements);
        done.expect(statements);
    }

    pub fn witness(&self, role: &str) -> Witness {
        Witness::new(&self.database.name, role)
    }
}

/// Stores the key of a role for each server.
pub fn store_keys(witness: &mut Witness, canaries: &Canaries, key: &str, role: &str) {
    for (server, _) in SERVERS {
        let key = if server == "refused" {
            REFUSED_KEY
        } else {
            key
        };
        let key = canaries.value(key);
        let call = "set_api_key($1, $2, $3)";
        witness.call(call, &[&key, &server, &role]).expect("a key");
    }
}

/// Looks for what is stored of these roles, too: the name for it, and whose it is.
pub fn add_stored(admin: &mut Client, canaries: &mut Canaries, roles: &[(&'static str, &str)]) {
    for (name, role) in roles {
        let query = format!(
            "SELECT substr(umoptions[1], length('api_key=') + 1)
             FROM pg_user_mappings WHERE srvname = 'neon' AND usename = '{role}'"
        );
        let sealed: String = one(admin, &query).get(0);
        assert!(sealed.starts_with("sealed:v1:"), "{name}");
        canaries.add(name, &sealed, &sealed);
    }
    let query = "SELECT substr(umoptions[1], length('secret=') + 1)
                 FROM pg_user_mappings WHERE srvname = 'neon_auth_admin_seal'";
    let secret: String = one(admin, query).get(0);
    canaries.add(SEAL, &secret, &secret);
}

/// Makes every call, most of them with a secret. What becomes of a call depends on its server, and on
/// whether the role may make it. With `show_secrets` it asks for those that are masked otherwise.
pub fn call_everything(witness: &mut Witness, canaries: &mut Canaries, show_secrets: bool) {
    misplace_a_key(witness, canaries.value(OWNERS_KEY));
    call_with_secrets(witness, canaries, show_secrets);
    if let Ok(rows) = witness.call("create_sdk_keys()", &[]) {
        canaries.add(SDK_KEY, rows[0].get("secret_server_key"), "ssk_");
    }
    if let Ok(rows) = witness.call("transfer_ownership()", &[]) {
        canaries.add(TRANSFER, rows[0].get(0), "/transfer/confirm?code=");
    }
}

/// Whoever may call has met with every failure.
pub fn assert_everything_failed(witness: &Witness) {
    let heard = witness.messages();
    for code in FAILURES {
        assert!(heard.contains(&format!("SqlState(E{code})")), "no {code}");
    }
}

fn call_with_secrets(witness: &mut Witness, canaries: &Canaries, show_secrets: bool) {
    let secret = canaries.value(CLIENT_SECRET).to_owned();
    let password = canaries.value(PASSWORD).to_owned();
    for (server, _) in SERVERS {
        for call in [
            "list_domains($1)",
            "list_oauth_providers(server => $1)",
            "get_email_server(server => $1)",
            "list_integrations($1)",
            "get_integration($1)",
            "delete_user('no-such-user', $1)",
            "add_domain('https://example.com', $1)",
            "delete_domain('https://example.com', $1)",
            "delete_domains('{https://example.com}', $1)",
            "create_integration('br-main-000001', server => $1)",
            "get_plugins(server => $1)",
            "update_organization(true, server => $1)",
            "update_magic_link(true, server => $1)",
            "update_phone_number(true, server => $1)",
            "get_webhooks($1)",
            "update_webhooks(true, 'https://example.com', server => $1)",
            "get_email_and_password($1)",
            "update_email_and_password(true, server => $1)",
            "get_allow_localhost($1)",
            "update_allow_localhost(true, $1)",
            "get_phone_number($1)",
            "set_user_roles('no-such-user', '{admin}', $1)",
        ] {
            drop(witness.call(call, &[&server]));
        }
        for call in [
            "add_oauth_provider('github', 'id', $1, server => $2)",
            "update_oauth_provider('github', client_secret => $1, server => $2)",
            "update_oauth_provider('google', 'id', $1, server => $2)",
        ] {
            drop(witness.call(call, &[&secret, &server]));
        }
        let name = canaries.value(NAME);
        let create = "create_user(current_user || '@example.com', $1, $2)";
        drop(witness.call(create, &[&name, &server]));
        let update = "update_email_server('standard', 'h', 587, 'u', $1, 'a@b.example', 'n', $2)";
        drop(witness.call(update, &[&password, &server]));
        for host in ["h", "smtp.fail.example"] {
            let test = format!(
                "send_test_email('a@b.example', '{host}', 587, 'u', $1, 'a@b.example', 'n', $2)"
            );
            drop(witness.call(&test, &[&password, &server]));
        }
        let test = "test_email_server('a@b.example', $1)";
        drop(witness.call(test, &[&server]));
        for reader in ["get_email_server", "list_oauth_providers", "get_plugins"] {
            let call = format!("{reader}($1, $2)");
            drop(witness.call(&call, &[&show_secrets, &server]));
        }
        drop(witness.call("delete_oauth_provider('github', $1)", &[&server]));
        let rename = "update_config($1, $2)";
        drop(witness.call(rename, &[&name, &server]));
    }
}

/// Keys that are none, and keys that are given as something else.
fn misplace_a_key(witness: &mut Witness, key: &str) {
    let line = format!("{key}\r\nX-Evil: 1");
    for call in [
        "set_api_key($1)",
        "set_api_key('neon', $1)",
        "set_api_key('neon', 'neon', $1)",
        "create_user($1)",
        "create_user('ada@example.com', $1)",
        "add_domain($1)",
        "update_email_server($1)",
        "create_integration($1)",
    ] {
        witness.call(call, &[&line]).expect_err(call);
    }
}
