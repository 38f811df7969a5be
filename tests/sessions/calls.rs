//! Every call with every secret, by whom one likes, and each kind of failure. It knows nothing of who
//! may see what.

use neon_simulator::{Options, Simulator};
use postgres::Client;

use crate::functions::{Function, arguments, functions};
use crate::oracle::{Canaries, Witness};
use crate::support::{Database, Statements, one};

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
pub const OAUTH_SECRET: &str = "the secret of an OAuth client";
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

/// These alone show the secret of an OAuth client, once.
const SHOW_OAUTH_SECRETS: [&str; 2] = ["create_oauth_client", "rotate_oauth_client_secret"];

/// What befalls whoever calls everything: refused by Neon and by the arguments' checks, unreachable,
/// cut off, unknown, malformed.
const FAILURES: [&str; 6] = ["28000", "22023", "NA001", "NA002", "NA003", "NA004"];

/// With both kinds of secrets, of which one is a change and the other cannot be compared.
const CONFIGURATION: &str = "jsonb_build_object(
    'oauth_providers', jsonb_build_object('google', jsonb_build_object(
        'client_id', 'id', 'client_secret', ($1::text[])[1])),
    'email_server', jsonb_build_object('type', 'standard', 'host', 'smtp.example.com', 'port', 587,
        'username', 'mailer', 'password', ($1::text[])[2], 'sender_email', 'a@example.com', 'sender_name', 'A'))";

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
                BRANCH | BRANCH_ECHO => ", branch_id 'br-main-000001'",
                _ => "",
            };
            let timeout = if server == "silent" { "20ms" } else { "10s" };
            owner.run(&format!(
                "CREATE SERVER {server} FOREIGN DATA WRAPPER neon_auth_admin
                 OPTIONS (project_id '{project}', api_url '{url}', timeout '{timeout}', max_attempts '1'{branch})"
            ));
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

/// Makes every call on every server, with a secret where one belongs, and with a key in the place of
/// any other text. What becomes of a call depends on its server, and on whether the role may make it.
/// With `show_secrets` it asks for those that are masked otherwise.
pub fn call_everything(witness: &mut Witness, canaries: &mut Canaries, show_secrets: bool) {
    let functions = functions(&mut witness.session);
    misplace_a_key(witness, &functions, canaries.value(OWNERS_KEY));
    for (server, _) in SERVERS {
        let (server, show_secrets) = (format!("'{server}'"), show_secrets.to_string());
        // That of the newest OAuth client, if one was created.
        let mut client_id = "'none'".to_owned();
        // Keys are stored before, with another for each role.
        for function in functions.iter().filter(|it| !it.has("api_key")) {
            let given = [
                ("client_secret", "($1::text[])[1]"),
                ("configuration", CONFIGURATION),
                ("password", "($1::text[])[2]"),
                ("name", "($1::text[])[3]"),
                (
                    "body",
                    "jsonb_build_object('client_secret', ($1::text[])[1], 'password', ($1::text[])[2])",
                ),
                ("email", "current_user || '@example.com'"),
                ("server", &server),
                ("show_secrets", &show_secrets),
                ("client_id", &client_id),
                // With a schema that is left there is no integration for the next who calls.
                ("delete_data", "true"),
            ];
            let before = witness.rows.len();
            let new_client = call_with_secrets(witness, canaries, &function.call(&given));
            let is_in_rows = canaries
                .names_in(&witness.rows[before..])
                .contains(OAUTH_SECRET);
            let is_shown = SHOW_OAUTH_SECRETS.contains(&function.name.as_str());
            assert!(is_shown || !is_in_rows, "{} shows a secret", function.name);
            if function.has("host") {
                let failing = [&[("host", "'smtp.fail.example'")], &given[..]].concat();
                call_with_secrets(witness, canaries, &function.call(&failing));
            }
            client_id = new_client.map_or(client_id, |id| format!("'{id}'"));
        }
    }
}

/// Whoever may call has met with every failure.
pub fn assert_everything_failed(witness: &Witness) {
    let heard = witness.messages();
    for code in FAILURES {
        // As the driver writes those that it knows, and others.
        let shapes = [format!("E{code}"), format!("Other(\"{code}\")")];
        let is_heard = |shape: &String| heard.contains(&format!("SqlState({shape})"));
        assert!(shapes.iter().any(is_heard), "no {code}");
    }
}

/// `call` has the array of secrets as its `$1`. The id of an OAuth client whose secret it shows.
fn call_with_secrets(witness: &mut Witness, canaries: &mut Canaries, call: &str) -> Option<String> {
    let mut new_client = None;
    let secrets = [CLIENT_SECRET, PASSWORD, NAME].map(|name| canaries.value(name));
    let call = format!("{call} WHERE $1::text[] IS NOT NULL");
    for row in witness.call(&call, &[&&secrets[..]]).unwrap_or_default() {
        let text = |column| row.try_get::<_, Option<&str>>(column).ok().flatten();
        if let Some(key) = text("secret_server_key").filter(|key| !key.is_empty()) {
            canaries.add(SDK_KEY, key, "ssk_");
        }
        if let Some(url) = text("transfer_ownership") {
            canaries.add(TRANSFER, url, "/transfer/confirm?code=");
        }
        // That of a provider is the caller's own.
        let secret = text("client_secret").filter(|secret| secret.starts_with("oacs_"));
        if let Some(secret) = secret {
            canaries.add(OAUTH_SECRET, secret, "oacs_");
            new_client = text("client_id").map(str::to_owned);
        }
    }
    new_client
}

/// Keys that are none, and keys that are given as something else, at both levels.
fn misplace_a_key(witness: &mut Witness, functions: &[Function], key: &str) {
    let line = format!("{key}\r\nX-Evil: 1");
    for (function, argument) in arguments(functions) {
        // The name of a server that is not there is repeated, except where a key is due as well.
        if argument.name == "server" && !function.has("api_key") {
            continue;
        }
        let Some(value) = argument.with("$1") else {
            continue;
        };
        for server in ["'neon'", "'branch'"] {
            let call = function.call(&[(&argument.name, &value), ("server", server)]);
            witness.call(&call, &[&line]).expect_err(&call);
        }
    }
}
