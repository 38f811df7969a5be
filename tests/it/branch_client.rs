//! What arrives when the client calls the branch-level API: every operation, and what becomes of a
//! branch that has no integration or does not exist.

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::email_server::Fields;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::plugins::{MagicLink, OrganizationUpdate, PhoneNumber};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::scope::Scope;
use neon_auth_admin::neon::settings::EmailAndPasswordUpdate;
use neon_auth_admin::neon::webhooks::Update;
use neon_auth_admin::neon::{
    domains, email_server, integration, oauth_providers, plugins, settings, users, webhooks,
};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::support::World;

const AUTH: &str = "/projects/test-branch/branches/br-a/auth";
const DOMAIN: &str = "https://a.example.com";

/// How it is called; method, what follows `.../auth`, and status; the body.
type Operation = (Call, &'static str, Value);
type Call = Box<dyn Fn(&World) -> Result<(), Error>>;

fn op<T>(
    request: impl Fn(&Scope) -> Result<Request<T>, Error> + 'static,
    arrives: &'static str,
    body: Value,
) -> Operation {
    let call = move |world: &World| {
        let request = request(world.client().scope())?;
        world.client().send(&request).map(drop)
    };
    (Box::new(call), arrives, body)
}

fn secret() -> Secret {
    Secret::new("s3cret")
}

fn credentials(secret: &Secret) -> Credentials<'_> {
    Credentials {
        client_id: Some("id-1"),
        client_secret: Some(secret),
        microsoft_tenant_id: Some("tenant-1"),
    }
}

fn server(password: &Secret) -> Fields<'_> {
    Fields {
        host: Some("smtp.example.com"),
        port: Some(587),
        username: Some("mailer"),
        password: Some(password),
        sender_email: Some("no-reply@example.com"),
        sender_name: Some("Example"),
    }
}

const ALL_OF_WEBHOOKS: Update<'static> = Update {
    enabled: Some(true),
    webhook_url: Some("https://hooks.example.com"),
    enabled_events: Some(&[Some("user.created"), Some("send.otp")]),
    timeout_seconds: Some(10),
};

/// In an order in which all of them succeed on a branch that has the user. (The ledger masks secrets.)
fn operations(user: &str) -> Vec<Operation> {
    let (id, other_id) = (user.to_owned(), user.to_owned());
    let mut microsoft = json!({
        "client_id": "id-1", "client_secret": "********", "microsoft_tenant_id": "tenant-1",
    });
    let microsoft_update = microsoft.clone();
    microsoft["id"] = "microsoft".into();
    let mut standard = json!({
        "host": "smtp.example.com", "port": 587, "username": "mailer", "password": "********",
        "sender_email": "no-reply@example.com", "sender_name": "Example",
    });
    let mut test_email = standard.clone();
    test_email["recipient_email"] = "ada@example.com".into();
    standard["type"] = "standard".into();
    let domain = json!({"domain": DOMAIN, "auth_provider": "better_auth"});
    let domains = json!({"domains": [{"domain": DOMAIN}], "auth_provider": "better_auth"});
    let webhooks = json!({
        "enabled": true, "webhook_url": "https://hooks.example.com",
        "enabled_events": ["user.created", "send.otp"], "timeout_seconds": 10,
    });
    let email_and_password = EmailAndPasswordUpdate {
        disable_sign_up: Some(true),
        ..EmailAndPasswordUpdate::default()
    };
    let organization = OrganizationUpdate {
        organization_limit: Some(3),
        ..OrganizationUpdate::default()
    };
    let magic_link = MagicLink {
        expires_in: Some(10),
        ..MagicLink::default()
    };
    let phone_number = PhoneNumber {
        enabled: Some(true),
        otp_expires_in: None,
    };
    let none = Value::Null;
    vec![
        op(|s| Ok(integration::list(s)), "GET  200", none.clone()),
        op(
            |s| settings::update_config(s, "Example"),
            "PATCH /config 200",
            json!({"name": "Example"}),
        ),
        op(
            |s| users::create(s, "bob@example.com", Some("Bob")),
            "POST /users 201",
            json!({"email": "bob@example.com", "name": "Bob"}),
        ),
        op(
            move |s| users::set_roles(s, &id, &[Some("admin"), Some("user")]),
            "PUT /users/{user}/role 200",
            json!({"roles": ["admin", "user"]}),
        ),
        op(
            move |s| users::delete(s, &other_id),
            "DELETE /users/{user} 204",
            none.clone(),
        ),
        op(
            |s| Ok(oauth_providers::list(s)),
            "GET /oauth_providers 200",
            none.clone(),
        ),
        op(
            |s| oauth_providers::add(s, "microsoft", credentials(&secret())),
            "POST /oauth_providers 200",
            microsoft,
        ),
        op(
            |s| oauth_providers::update(s, "microsoft", credentials(&secret())),
            "PATCH /oauth_providers/microsoft 200",
            microsoft_update,
        ),
        op(
            |s| oauth_providers::delete(s, "microsoft"),
            "DELETE /oauth_providers/microsoft 200",
            none.clone(),
        ),
        op(|s| domains::add(s, DOMAIN), "POST /domains 201", domain),
        op(|s| Ok(domains::list(s)), "GET /domains 200", none.clone()),
        op(
            |s| domains::delete(s, DOMAIN),
            "DELETE /domains 200",
            domains,
        ),
        op(
            |s| email_server::update(s, "standard", server(&secret())),
            "PATCH /email_provider 200",
            standard,
        ),
        op(
            |s| Ok(email_server::get(s)),
            "GET /email_provider 200",
            none.clone(),
        ),
        op(
            |s| email_server::test(s, "ada@example.com"),
            "POST /email_provider/test 200",
            json!({"recipient_email": "ada@example.com"}),
        ),
        op(
            |s| email_server::send_test(s, "ada@example.com", server(&secret())),
            "POST /send_test_email 200",
            test_email,
        ),
        op(
            settings::get_email_and_password,
            "GET /email_and_password 200",
            none.clone(),
        ),
        op(
            move |s| settings::update_email_and_password(s, email_and_password),
            "PATCH /email_and_password 200",
            json!({"disable_sign_up": true}),
        ),
        op(
            settings::get_allow_localhost,
            "GET /allow_localhost 200",
            none.clone(),
        ),
        op(
            |s| settings::update_allow_localhost(s, false),
            "PATCH /allow_localhost 200",
            json!({"allow_localhost": false}),
        ),
        op(plugins::list, "GET /plugins 200", none.clone()),
        op(
            move |s| plugins::update_organization(s, organization),
            "PATCH /plugins/organization 200",
            json!({"organization_limit": 3}),
        ),
        op(
            move |s| plugins::update_magic_link(s, magic_link),
            "PATCH /plugins/magic-link 200",
            json!({"expires_in": 10}),
        ),
        op(
            plugins::get_phone_number,
            "GET /plugins/phone-number 200",
            none.clone(),
        ),
        op(
            move |s| plugins::update_phone_number(s, phone_number),
            "PATCH /plugins/phone-number 200",
            json!({"enabled": true}),
        ),
        (
            // All fields are named: nothing has to be read.
            Box::new(|world| webhooks::update(&world.client(), ALL_OF_WEBHOOKS).map(drop)),
            "PUT /webhooks 200",
            webhooks,
        ),
        op(webhooks::get, "GET /webhooks 200", none.clone()),
        op(
            |s| Ok(integration::delete(s, true)),
            "DELETE  200",
            json!({"delete_data": true}),
        ),
        op(
            |s| integration::create(s, None, Some("appdb"), None),
            "POST  201",
            json!({"auth_provider": "better_auth", "database_name": "appdb"}),
        ),
    ]
}

#[test]
fn every_operation_arrives_as_it_was_made() {
    let mut world = World::new();
    world.branch("test-branch", "br-a");
    let user = world.create_user().expect("created");
    let operations = operations(&user);
    assert_eq!(operations.len(), 29);
    for (call, arrives, _) in &operations {
        call(&world).unwrap_or_else(|error| panic!("{arrives}: {error:?}"));
    }
    let arrived = world.arrived();
    assert_eq!(arrived.len(), 1 + operations.len());
    for (request, (_, arrives, body)) in arrived.iter().skip(1).zip(operations) {
        let tail = request.path.strip_prefix(AUTH).expect("below the branch");
        let status = request.status.expect("answered");
        let actual = format!("{} {tail} {status}", request.method);
        assert_eq!(actual.replace(&user, "{user}"), arrives);
        assert_eq!(request.body, body, "{arrives}");
        assert!(request.authorized, "{arrives}");
    }
    assert_eq!(world.simulator.connections(), 1, "one connection for all");
}

#[test]
fn a_branch_without_an_integration() {
    let mut world = World::new();
    world.branch("test-branch", "br-empty-a");
    let listed = world.send(integration::list).expect("an empty list");
    assert_eq!(listed.data.len(), 0);
    let error = integration::get(&world.client()).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound);
    let detail = error.detail.expect("a detail");
    assert!(detail.contains("not found for branch"), "{detail}");
    let error = world.send(domains::list).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound, "other lists are not empty");
    let paths: Vec<_> = world.arrived().into_iter().map(|r| r.path).collect();
    let auth = "/projects/test-branch/branches/br-empty-a/auth";
    assert_eq!(paths, [auth, auth, &format!("{auth}/domains")]);
}

#[test]
fn a_branch_that_does_not_exist() {
    let mut world = World::new();
    world.branch("test-branch", "br-missing-a");
    let error = world.send(integration::list).expect_err("no branch");
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = integration::get(&world.client()).expect_err("no branch");
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(world.arrived().len(), 2);
}

#[test]
fn webhooks_keep_what_an_update_does_not_name() {
    let mut world = World::new();
    world.branch("fault-extra--webhooks", "br-a");
    // The answer to GET has an event and a field that nobody knows yet.
    let update = Update {
        enabled: Some(true),
        enabled_events: Some(&[Some("user.created")]),
        ..Update::default()
    };
    let updated = webhooks::update(&world.client(), update).expect("updated");
    assert_eq!((updated.enabled, updated.timeout_seconds), (true, Some(5)));
    let url = Update {
        webhook_url: Some("https://hooks.example.com"),
        ..Update::default()
    };
    webhooks::update(&world.client(), url).expect_err("the simulator knows no such event");
    let nothing = webhooks::update(&world.client(), Update::default()).expect_err("nothing");
    assert_eq!(nothing.kind, ErrorKind::InvalidValue);

    let future = json!({"nested": [1, null, "x"]});
    let none = Value::Null;
    let arrived = world.arrived().into_iter();
    let arrived: Vec<_> = arrived.map(|it| (it.method, it.body)).collect();
    let expected = [
        ("GET", none.clone()),
        (
            "PUT",
            json!({
                "enabled": true, "enabled_events": ["user.created"], "timeout_seconds": 5,
                "x_future": future,
            }),
        ),
        ("GET", none),
        (
            "PUT",
            json!({
                "enabled": true, "webhook_url": "https://hooks.example.com",
                "enabled_events": ["user.created", "user.deleted"], "timeout_seconds": 5,
                "x_future": future,
            }),
        ),
    ];
    let expected = expected.map(|(method, body)| (method.to_owned(), body));
    assert_eq!(arrived, expected);
}
