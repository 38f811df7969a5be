//! Arguments of 10 MB: refused before they are copied.

use postgres::Client;
use postgres::error::SqlState;

use crate::backend::Backend;
use crate::support::{Database, arrived, connect, one, set_api_key, sqlstate, variable};

/// Every argument that is a text, where `huge` stands, with what else is needed. An array that is
/// stored whole is read whole: it is its elements that are huge here.
const CALLS: [&str; 44] = [
    "create_user(huge)",
    "create_user('ada@example.com', huge)",
    "delete_user(huge)",
    "set_user_roles(huge, ARRAY['admin'], 'branch')",
    "set_user_roles('id', ARRAY[left(huge, 5000)], 'branch')",
    "add_domain(huge)",
    "delete_domain(huge)",
    "delete_domains(ARRAY['https://example.com', left(huge, 5000)])",
    "add_oauth_provider(huge, 'id', 'secret')",
    "add_oauth_provider('google', huge, 'secret')",
    "add_oauth_provider('google', 'id', huge)",
    "add_oauth_provider('microsoft', 'id', 'secret', huge)",
    "update_oauth_provider(huge, 'id')",
    "update_oauth_provider('google', huge)",
    "update_oauth_provider('google', client_secret => huge)",
    "update_oauth_provider('microsoft', microsoft_tenant_id => huge)",
    "delete_oauth_provider(huge)",
    "update_email_server(huge)",
    "update_email_server('standard', huge, 587, 'u', 'p', 'a@b.c', 'n')",
    "update_email_server('standard', 'h', 587, huge, 'p', 'a@b.c', 'n')",
    "update_email_server('standard', 'h', 587, 'u', huge, 'a@b.c', 'n')",
    "update_email_server('standard', 'h', 587, 'u', 'p', huge, 'n')",
    "update_email_server('standard', 'h', 587, 'u', 'p', 'a@b.c', huge)",
    "send_test_email(huge, 'h', 587, 'u', 'p', 'a@b.c', 'n', 'branch')",
    "send_test_email('a@b.c', huge, 587, 'u', 'p', 'a@b.c', 'n', 'branch')",
    "send_test_email('a@b.c', 'h', 587, huge, 'p', 'a@b.c', 'n', 'branch')",
    "send_test_email('a@b.c', 'h', 587, 'u', huge, 'a@b.c', 'n', 'branch')",
    "send_test_email('a@b.c', 'h', 587, 'u', 'p', huge, 'n', 'branch')",
    "send_test_email('a@b.c', 'h', 587, 'u', 'p', 'a@b.c', huge, 'branch')",
    "test_email_server(huge, 'branch')",
    "update_email_and_password(email_verification_method => huge, server => 'branch')",
    "update_config(huge, 'branch')",
    "update_organization(creator_role => huge, server => 'branch')",
    "update_webhooks(webhook_url => huge, server => 'branch')",
    "update_webhooks(true, 'https://a.b', ARRAY[left(huge, 5000)], server => 'branch')",
    "create_integration(huge)",
    "create_integration('br-1', huge)",
    "create_integration('br-1', 'db', huge)",
    "set_api_key(huge)",
    "set_api_key('napi_1', huge)",
    "set_api_key('napi_1', 'neon', huge)",
    "set_api_key('napi_1', 'neon', project_id => huge)",
    "list_domains(huge)",
    "wait_for_user(huge)",
];
/// No server and no role can have such a name.
const NAMES: [&str; 3] = [
    "set_api_key('napi_1', huge",
    "set_api_key('napi_1', 'neon', huge",
    "list_domains(",
];

/// Except for the servers of all but two functions, which are looked up by the same code.
fn assert_all_are_here(session: &mut Client) {
    let arguments = one(
        session,
        "SELECT count(*)
         FROM pg_proc,
             unnest(proargtypes::oid[], proargnames[:pronargs]) AS arguments (type, name)
         WHERE pronamespace = 'neon_auth_admin'::regnamespace
             AND type IN ('text'::regtype, 'text[]'::regtype)
             AND (name <> 'server' OR proname IN ('set_api_key', 'list_domains'))",
    );
    assert_eq!(arguments.get::<_, i64>(0), CALLS.len() as i64);
}

/// An array of NULLs has a bit for each: 16 MB hold the most that Postgres can look at.
#[test]
fn arrays_are_refused_before_they_are_walked() {
    let most = 64 << 10;
    let database = Database::new("it_huge_arrays");
    let project = "test-huge-arrays";
    let url = variable("NEON_SIMULATOR_URL");
    let options = ", branch_id 'br-main-000001'";
    database.add_server("neon", project, &url, options);
    for call in [
        "neon_auth_admin.delete_domains(nulls)",
        "neon_auth_admin.set_user_roles('id', nulls)",
        "neon_auth_admin.update_webhooks(enabled_events => nulls)",
        "pg_catalog.neon_auth_admin_validator(nulls, 0)",
    ] {
        let mut session = connect(&database.name, "postgres");
        set_api_key(&mut session, "neon");
        let backend = Backend::of(&mut session);
        let before = backend.peak();
        let call = call.replace("nulls", "array_fill(NULL::text, ARRAY[134217727])");
        let error = session
            .query(&format!("SELECT {call}"), &[])
            .expect_err(&call);
        assert_eq!(
            sqlstate(&error),
            SqlState::INVALID_PARAMETER_VALUE,
            "{call}"
        );
        let growth = backend.growth_of_peak(before);
        println!("{call}: {growth} KiB more");
        assert!(growth < most, "{call}: {growth} KiB");
        session
            .batch_execute("DROP USER MAPPING FOR postgres SERVER neon")
            .expect("a mapping");
    }
    assert_eq!(arrived(project), 0);
}

/// A value that is stored out of line is read when somebody asks for it, and only so much of it.
#[test]
fn ten_megabytes_are_refused_before_they_are_copied() {
    let size = 10 << 10;
    let database = Database::new("it_huge");
    let project = "test-huge";
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", project, &url, "");
    database.add_server("branch", project, &url, ", branch_id 'br-main-000001'");
    assert_all_are_here(&mut database.session());
    database
        .session()
        .batch_execute(&format!(
            "CREATE TABLE stored (how text, huge text);
             ALTER TABLE stored ALTER huge SET STORAGE EXTERNAL;
             INSERT INTO stored VALUES ('plain', repeat('x', {size} * 1024));
             ALTER TABLE stored ALTER huge SET STORAGE EXTENDED;
             INSERT INTO stored VALUES ('compressed', repeat('x', {size} * 1024));"
        ))
        .expect("a table");
    for how in ["plain", "compressed"] {
        let mut session = database.session();
        let backend = Backend::of(&mut session);
        let mut refuse = |argument: &str| {
            for call in CALLS {
                let is_name = NAMES.iter().any(|start| call.starts_with(start));
                let expected = if is_name {
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
                } else {
                    SqlState::INVALID_PARAMETER_VALUE
                };
                let call = call.replace("huge", argument);
                let error = session
                    .query(
                        &format!("SELECT neon_auth_admin.{call} FROM stored WHERE how = '{how}'"),
                        &[],
                    )
                    .expect_err(&call);
                assert_eq!(sqlstate(&error), expected, "{call}");
            }
        };
        // What a first call takes is no part of it.
        refuse("repeat(how, 50000)");
        let before = backend.peak();
        refuse("huge");
        let growth = backend.growth_of_peak(before);
        println!("peak of memory, 10 MB refused, {how}: {growth} KiB more");
        assert!(growth < size / 10, "{how}: {growth} KiB");

        let all = format!("SELECT md5(huge) FROM stored WHERE how = '{how}'");
        one(&mut session, &all);
        // Memory that was free before is no growth, and the kernel's counters lag.
        let growth = backend.growth_of_peak(before);
        assert!(growth > size / 2, "{how}: a copy shows, {growth} KiB");
    }
    assert_eq!(arrived(project), 0);
}
