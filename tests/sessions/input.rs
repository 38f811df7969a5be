//! Wrong input: a clear error, and nothing is sent.

use postgres::error::SqlState;

use crate::support::{Database, arrived, set_api_key, sqlstate, variable};

#[test]
fn nothing_is_sent() {
    let database = Database::new("it_input");
    let project = "test-wrong-input";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session();
    let long_email = format!("create_user('{}@example.com')", "a".repeat(250));
    let huge = format!("create_user('ada@example.com', repeat('x', {}))", 10 << 20);
    let null = &SqlState::NULL_VALUE_NOT_ALLOWED;
    let invalid = &SqlState::INVALID_PARAMETER_VALUE;
    let not_configured = &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
    let cases = [
        ("create_user(NULL)", null),
        ("create_user('')", invalid),
        ("create_user('ada')", invalid),
        (&long_email, invalid),
        (&huge, invalid),
        ("create_user('ada@example.com', '')", invalid),
        ("create_user(E'ada@example.com\\r\\nX-Evil: 1')", invalid),
        (
            "create_user('ada@example.com', server => 'nowhere')",
            not_configured,
        ),
        (
            "create_user('ada@example.com', server => '')",
            not_configured,
        ),
        ("delete_user(NULL)", null),
        ("delete_user('')", invalid),
        ("delete_user('..')", invalid),
        ("delete_user('.')", invalid),
        ("delete_user('../x')", invalid),
        ("delete_user('a/b')", invalid),
        ("delete_user('a#b')", invalid),
        ("delete_user('a?b')", invalid),
        ("delete_user('%2e%2e')", invalid),
        ("delete_user(E'a\\r\\nb')", invalid),
        ("delete_user(U&'a\\202Eb')", invalid),
        ("delete_user(repeat('a', 129))", invalid),
        ("add_oauth_provider(NULL)", null),
        ("add_oauth_provider('../x')", invalid),
        ("add_oauth_provider('google', 'id', '********')", invalid),
        ("add_oauth_provider('google', '', 's')", invalid),
        ("update_oauth_provider(NULL)", null),
        (
            "update_oauth_provider('google', client_secret => '********')",
            invalid,
        ),
        ("update_oauth_provider('google')", invalid),
        ("delete_oauth_provider(NULL)", null),
        ("delete_oauth_provider('a/b')", invalid),
        ("add_domain(NULL)", null),
        ("add_domain('example.com')", invalid),
        ("delete_domain(NULL)", null),
        ("delete_domain('')", invalid),
        ("delete_domains(NULL)", null),
        ("delete_domains('{}')", invalid),
        ("delete_domains('{https://a.example.com,NULL}')", null),
        ("update_email_server(NULL)", null),
        ("update_email_server('smtp')", invalid),
        ("update_email_server('shared', host => 'h')", invalid),
        (
            "update_email_server('standard', 'h', 587, 'u', 'p', 'a@b.c')",
            null,
        ),
        (
            "update_email_server('standard', 'h', 0, 'u', 'p', 'a@b.c', 'n')",
            invalid,
        ),
        (
            "update_email_server('standard', 'h', 587, 'u', '********', 'a@b.c', 'n')",
            invalid,
        ),
        ("create_integration()", null),
        ("create_integration('br/1')", invalid),
        ("delete_integration(NULL)", null),
    ];
    for (call, expected) in cases {
        let error = session
            .query(&format!("SELECT * FROM neon_auth_admin.{call}"), &[])
            .expect_err(call);
        assert_eq!(&sqlstate(&error), expected, "{call}: {error:?}");
    }
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
        let error = session
            .query(
                &format!("SELECT * FROM neon_auth_admin.list_domains('host_{n}')"),
                &[],
            )
            .expect_err(url);
        let state = sqlstate(&error);
        assert_eq!(state, SqlState::INSUFFICIENT_PRIVILEGE, "{url}");
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
        let error = session
            .batch_execute(&format!(
                "CREATE SERVER bad FOREIGN DATA WRAPPER neon_auth_admin \
                 OPTIONS (project_id '{project}', api_url '{url}')"
            ))
            .expect_err(url);
        let state = sqlstate(&error);
        assert_eq!(state, SqlState::INVALID_PARAMETER_VALUE, "{url}");
    }

    // A mapping without a key, and a key where none belongs.
    session
        .batch_execute(
            "CREATE SERVER keyless FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'p');
             CREATE USER MAPPING FOR CURRENT_USER SERVER keyless",
        )
        .expect("a server");
    let error = session
        .query("SELECT * FROM neon_auth_admin.list_domains('keyless')", &[])
        .expect_err("no key");
    assert_eq!(sqlstate(&error), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
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
        assert_eq!(sqlstate(&error), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
        assert!(!format!("{error:?}").contains(&key), "the key is repeated");
    }
}
