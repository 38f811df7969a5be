//! What each branch-level operation sends, as the API's specification has it; and which operations
//! one of the two levels lacks.

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::email_server::Fields;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::plugins::{MagicLink, OrganizationUpdate, PhoneNumber};
use neon_auth_admin::neon::scope::Scope;
use neon_auth_admin::neon::settings::EmailAndPasswordUpdate;
use neon_auth_admin::neon::{
    domains, email_server, integration, oauth_providers, plugins, settings, users, webhooks,
};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::requests::{assert_sends, ok};
use crate::support;

const AUTH: &str = "/projects/quiet-bar-123456/branches/br-main-000001/auth";

fn scope() -> Scope {
    Scope::new("quiet-bar-123456", Some("br-main-000001"), None).expect("valid ids")
}

fn path(tail: &str) -> String {
    format!("{AUTH}/{tail}")
}

#[test]
fn integrations() {
    let scope = scope();
    assert_sends(integration::list(&scope), "GET", AUTH, Value::Null);
    let new = |database| ok(integration::create(&scope, None, database, None));
    let body = json!({"auth_provider": "better_auth"});
    assert_sends(new(None), "POST", AUTH, body);
    let body = json!({"auth_provider": "better_auth", "database_name": "neondb"});
    assert_sends(new(Some("neondb")), "POST", AUTH, body);
    let same = ok(integration::create(
        &scope,
        Some("br-main-000001"),
        None,
        None,
    ));
    assert_sends(same, "POST", AUTH, json!({"auth_provider": "better_auth"}));
    for delete_data in [false, true] {
        let body = json!({"delete_data": delete_data});
        let delete = integration::delete(&scope, delete_data);
        assert_sends(delete, "DELETE", AUTH, body);
    }
}

#[test]
fn users() {
    let scope = scope();
    let new = |name| ok(users::create(&scope, "ada@example.com", name));
    let body = json!({"email": "ada@example.com"});
    assert_sends(new(None), "POST", &path("users"), body);
    let body = json!({"email": "ada@example.com", "name": "Ada"});
    assert_sends(new(Some("Ada")), "POST", &path("users"), body);
    let delete = ok(users::delete(&scope, "u-1"));
    assert_sends(delete, "DELETE", &path("users/u-1"), Value::Null);
    let set = ok(users::set_roles(
        &scope,
        "u-1",
        &[Some("admin"), Some("user")],
    ));
    let body = json!({"roles": ["admin", "user"]});
    assert_sends(set, "PUT", &path("users/u-1/role"), body);
}

#[test]
fn oauth_providers() {
    let scope = scope();
    let secret = Secret::new("s3cret");
    let all = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        microsoft_tenant_id: Some("tenant-1"),
    };
    let providers = &path("oauth_providers");
    let microsoft = &path("oauth_providers/microsoft");
    assert_sends(oauth_providers::list(&scope), "GET", providers, Value::Null);
    let add = ok(oauth_providers::add(&scope, "microsoft", all));
    let mut body = json!({
        "client_id": "id-1",
        "client_secret": "s3cret",
        "microsoft_tenant_id": "tenant-1",
    });
    let update = ok(oauth_providers::update(&scope, "microsoft", all));
    assert_sends(update, "PATCH", microsoft, body.clone());
    body["id"] = "microsoft".into();
    assert_sends(add, "POST", providers, body);
    let delete = ok(oauth_providers::delete(&scope, "microsoft"));
    assert_sends(delete, "DELETE", microsoft, Value::Null);
}

#[test]
fn domains() {
    let scope = scope();
    let path = &path("domains");
    let domain = "https://a.example.com";
    assert_sends(domains::list(&scope), "GET", path, Value::Null);
    let add = ok(domains::add(&scope, domain));
    let body = json!({"domain": domain, "auth_provider": "better_auth"});
    assert_sends(add, "POST", path, body);
    let delete = ok(domains::delete(&scope, domain));
    let body = json!({"auth_provider": "better_auth", "domains": [{"domain": domain}]});
    assert_sends(delete, "DELETE", path, body);
}

#[test]
fn email_server() {
    let scope = scope();
    let provider = &path("email_provider");
    assert_sends(email_server::get(&scope), "GET", provider, Value::Null);
    // What is not named stays as it is.
    let port = Fields {
        port: Some(2525),
        ..Fields::default()
    };
    let update = ok(email_server::update(&scope, "standard", port));
    let body = json!({"type": "standard", "port": 2525});
    assert_sends(update, "PATCH", provider, body);
    let update = ok(email_server::update(&scope, "shared", Fields::default()));
    assert_sends(update, "PATCH", provider, json!({"type": "shared"}));

    let password = Secret::new("s3cret");
    let all = Fields {
        host: Some("smtp.example.com"),
        port: Some(587),
        username: Some("mailer"),
        password: Some(&password),
        sender_email: Some("no-reply@example.com"),
        sender_name: Some("Example"),
    };
    let send = ok(email_server::send_test(&scope, "ada@example.com", all));
    let body = json!({
        "host": "smtp.example.com",
        "port": 587,
        "username": "mailer",
        "password": "s3cret",
        "sender_email": "no-reply@example.com",
        "sender_name": "Example",
        "recipient_email": "ada@example.com",
    });
    assert_sends(send, "POST", &path("send_test_email"), body);
    let test = ok(email_server::test(&scope, "ada@example.com"));
    let body = json!({"recipient_email": "ada@example.com"});
    assert_sends(test, "POST", &path("email_provider/test"), body);
}

#[test]
fn settings() {
    let scope = scope();
    let passwords = &path("email_and_password");
    let get = ok(settings::get_email_and_password(&scope));
    assert_sends(get, "GET", passwords, Value::Null);
    let update = EmailAndPasswordUpdate {
        enabled: Some(true),
        email_verification_method: Some("otp"),
        require_email_verification: Some(true),
        auto_sign_in_after_verification: Some(false),
        send_verification_email_on_sign_up: Some(true),
        send_verification_email_on_sign_in: Some(false),
        disable_sign_up: Some(false),
    };
    let update = ok(settings::update_email_and_password(&scope, update));
    let body = json!({
        "enabled": true,
        "email_verification_method": "otp",
        "require_email_verification": true,
        "auto_sign_in_after_verification": false,
        "send_verification_email_on_sign_up": true,
        "send_verification_email_on_sign_in": false,
        "disable_sign_up": false,
    });
    assert_sends(update, "PATCH", passwords, body);

    let localhost = &path("allow_localhost");
    let get = ok(settings::get_allow_localhost(&scope));
    assert_sends(get, "GET", localhost, Value::Null);
    let update = ok(settings::update_allow_localhost(&scope, false));
    assert_sends(
        update,
        "PATCH",
        localhost,
        json!({"allow_localhost": false}),
    );
    let update = ok(settings::update_config(&scope, "Example"));
    assert_sends(update, "PATCH", &path("config"), json!({"name": "Example"}));
}

#[test]
fn plugins() {
    let scope = scope();
    let list = ok(plugins::list(&scope));
    assert_sends(list, "GET", &path("plugins"), Value::Null);
    let update = OrganizationUpdate {
        enabled: Some(true),
        organization_limit: Some(5),
        membership_limit: Some(50),
        creator_role: Some("admin"),
        send_invitation_email: Some(false),
    };
    let update = ok(plugins::update_organization(&scope, update));
    let body = json!({
        "enabled": true,
        "organization_limit": 5,
        "membership_limit": 50,
        "creator_role": "admin",
        "send_invitation_email": false,
    });
    assert_sends(update, "PATCH", &path("plugins/organization"), body);
    let update = MagicLink {
        enabled: Some(true),
        expires_in: Some(10),
        disable_sign_up: Some(false),
    };
    let update = ok(plugins::update_magic_link(&scope, update));
    let body = json!({"enabled": true, "expires_in": 10, "disable_sign_up": false});
    assert_sends(update, "PATCH", &path("plugins/magic-link"), body);
    let get = ok(plugins::get_phone_number(&scope));
    let phone = &path("plugins/phone-number");
    assert_sends(get, "GET", phone, Value::Null);
    let update = PhoneNumber {
        enabled: Some(true),
        otp_expires_in: Some(60),
    };
    let update = ok(plugins::update_phone_number(&scope, update));
    let body = json!({"enabled": true, "otp_expires_in": 60});
    assert_sends(update, "PATCH", phone, body);
}

#[test]
fn webhooks() {
    let scope = scope();
    let path = &path("webhooks");
    let get = ok(webhooks::get(&scope));
    assert_sends(get, "GET", path, Value::Null);
    let body = json!({
        "enabled": true,
        "webhook_url": "https://hooks.example.com",
        "enabled_events": ["user.created", "send.otp"],
        "timeout_seconds": 5,
        "of_the_future": [1],
    });
    let webhooks = serde_json::from_value(body.clone()).expect("webhooks");
    let replace = ok(webhooks::replace(&scope, &webhooks));
    assert_sends(replace, "PUT", path, body);
}

#[test]
fn what_a_level_lacks_is_not_sent() {
    let (project, branch) = (support::scope(), scope());
    let fields = Fields::default();
    let none: &[Option<&str>] = &[];
    let of_a_branch: [Result<(), Error>; 16] = [
        users::set_roles(&project, "u-1", none).map(drop),
        email_server::send_test(&project, "ada@example.com", fields).map(drop),
        email_server::test(&project, "ada@example.com").map(drop),
        settings::get_email_and_password(&project).map(drop),
        settings::update_email_and_password(&project, EmailAndPasswordUpdate::default()).map(drop),
        settings::get_allow_localhost(&project).map(drop),
        settings::update_allow_localhost(&project, true).map(drop),
        settings::update_config(&project, "Example").map(drop),
        plugins::list(&project).map(drop),
        plugins::update_organization(&project, OrganizationUpdate::default()).map(drop),
        plugins::update_magic_link(&project, MagicLink::default()).map(drop),
        plugins::get_phone_number(&project).map(drop),
        plugins::update_phone_number(&project, PhoneNumber::default()).map(drop),
        webhooks::get(&project).map(drop),
        integration::create_sdk_keys(&branch).map(drop),
        integration::transfer_ownership(&branch).map(drop),
    ];
    for (result, n) in of_a_branch.into_iter().zip(0..) {
        let error = result.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::NotSupported, "{n}");
        let level = if n < 14 { "project" } else { "branch" };
        let detail = error.detail.unwrap_or_default();
        assert!(
            detail.contains(&format!("The {level}-level API")),
            "{detail}"
        );
    }
}

#[test]
fn what_is_refused_before_it_is_sent() {
    let scope = scope();
    let organization = OrganizationUpdate {
        organization_limit: Some(0),
        ..OrganizationUpdate::default()
    };
    let magic_link = |minutes| MagicLink {
        expires_in: Some(minutes),
        ..MagicLink::default()
    };
    let phone_number = |seconds| PhoneNumber {
        otp_expires_in: Some(seconds),
        ..PhoneNumber::default()
    };
    let refused: [Result<(), Error>; 13] = [
        integration::create(&scope, Some("br-other"), None, None).map(drop),
        integration::create(&scope, None, None, Some("neondb_owner")).map(drop),
        users::set_roles(&scope, "u-1", &[]).map(drop),
        users::set_roles(&scope, "u/1", &[Some("admin")]).map(drop),
        settings::update_email_and_password(&scope, EmailAndPasswordUpdate::default()).map(drop),
        settings::update_config(&scope, "").map(drop),
        plugins::update_organization(&scope, organization).map(drop),
        plugins::update_organization(&scope, OrganizationUpdate::default()).map(drop),
        plugins::update_magic_link(&scope, magic_link(4)).map(drop),
        plugins::update_magic_link(&scope, magic_link(1441)).map(drop),
        plugins::update_phone_number(&scope, phone_number(59)).map(drop),
        plugins::update_phone_number(&scope, phone_number(601)).map(drop),
        email_server::test(&scope, "ada").map(drop),
    ];
    for (result, n) in refused.into_iter().zip(0..) {
        let error = result.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::InvalidValue, "{n}");
    }
    let null = users::set_roles(&scope, "u-1", &[Some("admin"), None]).expect_err("a NULL");
    assert_eq!(null.message, "argument \"roles[2]\" must not be null");
    let bad = Scope::new("p", Some("br/1"), None).expect_err("no branch");
    assert_eq!(bad.message, "invalid value for option \"branch_id\"");
}
