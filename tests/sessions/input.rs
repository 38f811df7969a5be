//! Wrong input: a clear error, and nothing is sent.

use std::collections::BTreeSet;

use postgres::error::SqlState;

use crate::functions::{Argument, arguments, functions};
use crate::support::{Database, Statements, arrived, ledger, set_api_key, sqlstate, variable};

/// Those for which the API names no least length. At branch level, which the tests below call, there is
/// no `role_name` at all.
const MAY_BE_EMPTY: [&str; 12] = [
    "client_id",
    "client_secret",
    "consent_page",
    "database_name",
    "host",
    "login_page",
    "microsoft_tenant_id",
    "password",
    "sender_email",
    "sender_name",
    "username",
    "webhook_url",
];

#[test]
fn nothing_is_sent() {
    let database = Database::new("it_input");
    let project = "test-wrong-input";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session();
    session.refused(
        "SELECT neon_auth_admin.list_domains('nowhere')",
        &SqlState::from_code("NA009"),
    );
    // Postgres' own text has no NUL, wherever it comes from.
    for call in ["delete_user($1)", "set_api_key($1)", "add_domain($1)"] {
        let error = session
            .query(&format!("SELECT neon_auth_admin.{call}"), &[&"a\0b"])
            .expect_err(call);
        let state = sqlstate(&error);
        assert_eq!(state, SqlState::CHARACTER_NOT_IN_REPERTOIRE, "{call}");
    }
    assert_eq!(arrived(project), 0);

    // The project does take a right call: the ledger can count.
    session
        .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
        .expect("listed");
    assert_eq!(arrived(project), 1);
}

/// No ids: each of them would change the path that it is a part of.
const NO_IDS: &str = ". .. ../x a/b a#b a?b %2e%2e a\u{202e}b";

/// An id of a client, which is none of a field, is never empty.
fn may_be_empty(argument: &Argument) -> bool {
    let name = argument.name.as_str();
    MAY_BE_EMPTY.contains(&name) && (name != "client_id" || argument.may_be_null)
}

/// Every argument of every function, while all others have values that it would take.
#[test]
fn what_no_argument_takes() {
    let database = Database::new("it_no_argument");
    let (project, url) = ("test-no-argument", variable("NEON_SIMULATOR_URL"));
    database.add_server("branch", project, &url, ", branch_id 'br-main-000001'");
    let mut session = database.session();
    let functions = functions(&mut session);
    for (function, argument) in arguments(&functions).filter(|(it, _)| !it.is_a_report()) {
        let name = argument.name.as_str();
        let null = SqlState::NULL_VALUE_NOT_ALLOWED;
        let is_name = matches!(name, "server" | "role");
        let invalid = match is_name {
            true => SqlState::from_code("NA009"),
            false => SqlState::INVALID_PARAMETER_VALUE,
        };
        let texts = ["''", r"E'a\r\nX-Evil: 1'"].into_iter();
        let texts = texts.skip(usize::from(may_be_empty(argument)));
        let mut bad: Vec<_> = texts
            .filter_map(|text| argument.with(text).zip(Some(&invalid)))
            .collect();
        if matches!(name, "id" | "branch_id") && argument.kind == "text" {
            let quoted = NO_IDS.split(' ').map(|id| format!("'{id}'"));
            bad.extend(quoted.map(|id| (id, &invalid)));
            bad.push(("repeat('a', 129)".to_owned(), &invalid));
        }
        if name == "client_id" && !argument.may_be_null {
            let ids = ["'.'", "'..'", "'../x'", "'https://a/../b'", "'a b'"];
            bad.extend(ids.map(|id| (id.to_owned(), &invalid)));
            bad.push(("repeat('a', 2049)".to_owned(), &invalid));
        }
        if argument.kind == "jsonb" {
            let texts = ["1", "null", "true", r#""x""#, r#"[{"a": "********"}]"#];
            let texts = texts.map(|text| (format!("'{text}'::jsonb"), &invalid));
            bad.extend(texts);
            bad.push(("jsonb_build_array(repeat('a', 66000))".to_owned(), &invalid));
        }
        if argument.kind == "text[]" {
            bad.extend(argument.with("NULL").zip(Some(&null)));
        }
        if !argument.may_be_null {
            bad.push(("NULL".to_owned(), &null));
        }
        for (value, expected) in bad {
            let call = function.call(&[(name, &value), ("server", "'branch'")]);
            let error = session.refused(&format!("SELECT neon_auth_admin.{call}"), expected);
            let message = error.message();
            let is_named = message.contains(&format!("argument \"{name}"));
            assert!(is_named || is_name, "{call}: {message}");
        }
    }
    assert_eq!(arrived(project), 0);
}

/// NULL leaves a field alone.
#[test]
fn an_empty_text_is_a_value() {
    let database = Database::new("it_empty");
    let (project, url) = ("test-empty-texts", variable("NEON_SIMULATOR_URL"));
    database.add_server("branch", project, &url, ", branch_id 'br-main-000001'");
    let mut session = database.session();
    let functions = functions(&mut session);
    let mut met = BTreeSet::new();
    for (function, argument) in arguments(&functions) {
        let name = argument.name.as_str();
        if !may_be_empty(argument) {
            continue;
        }
        let before = arrived(project);
        let call = function.call(&[(name, "''"), ("server", "'branch'")]);
        // Whether Neon takes it here is not the question.
        let _ = session.query(&format!("SELECT neon_auth_admin.{call}"), &[]);
        let ledger = ledger(project);
        let sent = ledger.as_array().into_iter().flatten().skip(before);
        let sent = sent.filter_map(|request| request["body"][name].as_str());
        // The ledger masks secrets, empty ones too.
        let expected = match name {
            "client_secret" | "password" => "********",
            _ => "",
        };
        assert_eq!(sent.last(), Some(expected), "{call}");
        met.insert(name);
    }
    assert_eq!(met.len(), MAY_BE_EMPTY.len(), "{met:?}");
    // A relay without sign-in.
    session
        .query(
            "SELECT neon_auth_admin.update_email_server('standard', 'relay', 25, '', '', '', '', 'branch')",
            &[],
        )
        .expect("an email server");
    let server =
        "SELECT username, sender_name FROM neon_auth_admin.get_email_server(server => 'branch')";
    let row = session.query_one(server, &[]).expect("an email server");
    assert_eq!((row.get(0), row.get(1)), (Some(""), Some("")));
}

#[test]
fn servers_and_hosts() {
    let database = Database::new("it_hosts");
    let project = "test-hosts";
    let mut session = database.session();
    let forbidden = [
        "https://console.neon.tech.evil.example/api/v2",
        "https://console.neon.tech./api/v2",
        "https://console.neon.tech:8443/api/v2",
        "https://203.0.113.1/api/v2",
        "https://[2001:db8::1]/api/v2",
        "https://3405803777/api/v2",
        "https://console.neon.tech-evil.example/api/v2",
        "https://evil.example/console.neon.tech",
        "http://console.neon.tech/api/v2",
        "http://console.neon.tech:80/api/v2",
        "http://203.0.113.1:80",
    ];
    for (n, url) in forbidden.iter().enumerate() {
        database.add_server(&format!("host_{n}"), project, url, "");
        session.refused(
            &format!("SELECT * FROM neon_auth_admin.list_domains('host_{n}')"),
            &SqlState::INSUFFICIENT_PRIVILEGE,
        );
    }
    let malformed = [
        "https://user@console.neon.tech/api/v2",
        "https://console.neon.tech@evil.example/api/v2",
        "https://console.neon.tech:443@evil.example/api/v2",
        "https://console.neon.tech\\@evil.example/api/v2",
        "https://console.neon.tech#@evil.example",
        "https://console.neon.tech%2eevil.example",
        "ftp://console.neon.tech",
        "https://console.neon.tech/../x",
    ];
    for url in malformed {
        session.refused(
            &format!(
                "CREATE SERVER bad FOREIGN DATA WRAPPER neon_auth_admin \
             OPTIONS (project_id '{project}', api_url '{url}')"
            ),
            &SqlState::INVALID_PARAMETER_VALUE,
        );
    }

    // A mapping without a key, and a key where none belongs.
    session.run(
        "CREATE SERVER keyless FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'p');
         CREATE USER MAPPING FOR CURRENT_USER SERVER keyless",
    );
    session.refused(
        "SELECT * FROM neon_auth_admin.list_domains('keyless')",
        &SqlState::from_code("NA009"),
    );
    set_api_key(&mut session, "keyless");
    let stored: String = session
        .query_one(
            "SELECT umoptions[1] FROM pg_user_mappings WHERE srvname = 'keyless'",
            &[],
        )
        .expect("its own mapping")
        .get(0);
    assert!(stored.starts_with("api_key=sealed:v1:"), "sealed");
    let sealed = &stored["api_key=".len()..];
    for bad in ["", "a\r\nb", "clé", "********", sealed, &"k".repeat(5000)] {
        let error = session
            .execute("SELECT neon_auth_admin.set_api_key($1)", &[&bad])
            .expect_err("no key");
        assert_eq!(sqlstate(&error), SqlState::INVALID_PARAMETER_VALUE);
        let text = format!("{error:?}");
        assert!(bad.is_empty() || !text.contains(bad), "{text}");
    }
    assert_eq!(arrived(project), 0);
}

/// Two arguments swapped, and the key would be in a message.
#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    let database = Database::new("it_swapped");
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "test-swapped", &url, "");
    let key = variable("NEON_API_KEY");
    let mut session = database.session();
    for arguments in [["neon", &key, "it_swapped"], ["neon", "neon", &key]] {
        let error = session
            .execute(
                "SELECT neon_auth_admin.set_api_key($1, $2, $3)",
                &[&arguments[0], &arguments[1], &arguments[2]],
            )
            .expect_err("no such name");
        assert_eq!(sqlstate(&error), SqlState::from_code("NA009"));
        assert!(!format!("{error:?}").contains(&key), "the key is repeated");
    }
    // As Neon's keys look, in the place of a server.
    let (list, key) = ("SELECT neon_auth_admin.list_domains($1)", "napi_short");
    let error = session.query(list, &[&key]).expect_err("no such server");
    assert_eq!(sqlstate(&error), SqlState::from_code("NA009"));
    assert!(!format!("{error:?}").contains(key), "{error:?}");
}
