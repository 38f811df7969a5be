//! Every operation of the table as the client makes it: the request as a value, what arrives of it, and
//! what a level lacks.

use std::collections::BTreeSet;
use std::fs;

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::client::Client;
use neon_auth_admin::neon::email_server::Fields;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::plugins::{MagicLink, OrganizationUpdate, PhoneNumber};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::scope::Scope;
use neon_auth_admin::neon::settings::EmailAndPasswordUpdate;
use neon_auth_admin::neon::{
    domains, email_server, integration, oauth_providers, plugins, settings, users, webhooks,
};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use self::table::{Operation, Row, operations, rows};
use crate::support::World;

#[path = "../operations.rs"]
mod table;

const PROJECT: &str = "test-operations";
const BRANCH: &str = "br-main-000001";

/// A request, whatever its answer is read as.
trait AnyRequest {
    fn parts(&self) -> (String, String, Value);
    fn send(&self, client: &Client) -> Result<(), Error>;
}

impl<T> AnyRequest for Request<T> {
    fn parts(&self) -> (String, String, Value) {
        let body = self.body().map_or(Value::Null, |body| {
            serde_json::from_str(body.expose()).expect("bodies are JSON")
        });
        (self.method().to_string(), self.path(), body)
    }

    fn send(&self, client: &Client) -> Result<(), Error> {
        client.send(self).map(drop)
    }
}

fn any<T: 'static>(request: Request<T>) -> Box<dyn AnyRequest> {
    Box::new(request)
}

/// The request that an operation's function makes of its id and of the values in its body.
fn request(scope: &Scope, operation: &Operation) -> Result<Box<dyn AnyRequest>, Error> {
    let Operation {
        function, id, body, ..
    } = operation;
    let flag = |name: &str| body[name].as_bool();
    let number = |name: &str| body[name].as_i64().map(|value| value as i32);
    let text = |name: &str| body[name].as_str();
    let needed = |name: &str| text(name).unwrap_or_default();
    let list = |name: &str| body[name].as_array().into_iter().flatten();
    let roles: Vec<_> = list("roles").map(Value::as_str).collect();
    let domains: Vec<_> = list("domains").map(|it| it["domain"].as_str()).collect();
    let client_secret = text("client_secret").map(Secret::new);
    let password = text("password").map(Secret::new);
    let credentials = Credentials {
        client_id: text("client_id"),
        client_secret: client_secret.as_ref(),
        microsoft_tenant_id: text("microsoft_tenant_id"),
    };
    let server = Fields {
        host: text("host"),
        port: number("port"),
        username: text("username"),
        password: password.as_ref(),
        sender_email: text("sender_email"),
        sender_name: text("sender_name"),
    };
    Ok(match function.as_str() {
        "add_domain" => any(domains::add(scope, needed("domain"))?),
        "add_oauth_provider" => any(oauth_providers::add(scope, needed("id"), credentials)?),
        "create_integration" => {
            let (database, role) = (text("database_name"), text("role_name"));
            any(integration::create(
                scope,
                text("branch_id"),
                database,
                role,
            )?)
        }
        "create_sdk_keys" => any(integration::create_sdk_keys(scope)?),
        "create_user" => any(users::create(scope, needed("email"), text("name"))?),
        "delete_domain" => any(domains::delete(scope, domains[0].unwrap_or_default())?),
        "delete_domains" => any(domains::delete_all(scope, &domains)?),
        "delete_integration" => any(integration::delete(
            scope,
            flag("delete_data") == Some(true),
        )),
        "delete_oauth_provider" => any(oauth_providers::delete(scope, id)?),
        "delete_user" => any(users::delete(scope, id)?),
        "get_allow_localhost" => any(settings::get_allow_localhost(scope)?),
        "get_email_and_password" => any(settings::get_email_and_password(scope)?),
        "get_email_server" => any(email_server::get(scope)),
        "get_phone_number" => any(plugins::get_phone_number(scope)?),
        "get_plugins" => any(plugins::list(scope)?),
        "get_webhooks" => any(webhooks::get(scope)?),
        "list_domains" => any(domains::list(scope)),
        "get_integration" | "list_integrations" => any(integration::list(scope)),
        "list_oauth_providers" => any(oauth_providers::list(scope)),
        "send_test_email" => any(email_server::send_test(
            scope,
            needed("recipient_email"),
            server,
        )?),
        "set_user_roles" => any(users::set_roles(scope, id, &roles)?),
        "test_email_server" => any(email_server::test(scope, needed("recipient_email"))?),
        "transfer_ownership" => any(integration::transfer_ownership(scope)?),
        "update_allow_localhost" => {
            let allow = flag("allow_localhost") == Some(true);
            any(settings::update_allow_localhost(scope, allow)?)
        }
        "update_config" => any(settings::update_config(scope, needed("name"))?),
        "update_email_and_password" => {
            let update = EmailAndPasswordUpdate {
                enabled: flag("enabled"),
                email_verification_method: text("email_verification_method"),
                require_email_verification: flag("require_email_verification"),
                auto_sign_in_after_verification: flag("auto_sign_in_after_verification"),
                send_verification_email_on_sign_up: flag("send_verification_email_on_sign_up"),
                send_verification_email_on_sign_in: flag("send_verification_email_on_sign_in"),
                disable_sign_up: flag("disable_sign_up"),
            };
            any(settings::update_email_and_password(scope, update)?)
        }
        "update_email_server" => any(email_server::update(scope, needed("type"), server)?),
        "update_magic_link" => {
            let update = MagicLink {
                enabled: flag("enabled"),
                expires_in: number("expires_in"),
                disable_sign_up: flag("disable_sign_up"),
            };
            any(plugins::update_magic_link(scope, update)?)
        }
        "update_oauth_provider" => any(oauth_providers::update(scope, id, credentials)?),
        "update_organization" => {
            let update = OrganizationUpdate {
                enabled: flag("enabled"),
                organization_limit: number("organization_limit"),
                membership_limit: number("membership_limit"),
                creator_role: text("creator_role"),
                send_invitation_email: flag("send_invitation_email"),
            };
            any(plugins::update_organization(scope, update)?)
        }
        "update_phone_number" => {
            let update = PhoneNumber {
                enabled: flag("enabled"),
                otp_expires_in: number("otp_expires_in"),
            };
            any(plugins::update_phone_number(scope, update)?)
        }
        "update_webhooks" => {
            let webhooks = serde_json::from_value(body.clone()).expect("webhooks");
            any(webhooks::replace(scope, &webhooks)?)
        }
        _ => panic!("how {function} is called is missing here"),
    })
}

fn scope(branch: Option<&str>) -> Scope {
    Scope::new(PROJECT, branch, None).expect("valid ids")
}

#[test]
fn every_operation_is_the_request_of_the_table() {
    for branch in [None, Some(BRANCH)] {
        for operation in operations(PROJECT, branch, "3f2a_B-9") {
            let made = request(&scope(branch), &operation).expect("a valid request");
            let Operation {
                method, path, body, ..
            } = operation;
            assert_eq!(made.parts(), (method, path, body));
        }
    }
}

#[test]
fn every_operation_arrives_as_it_was_made() {
    for branch in [None, Some(BRANCH)] {
        let mut world = World::new();
        world.connection.scope = scope(branch);
        let user = world.create_user().expect("created");
        let operations = operations(PROJECT, branch, &user);
        for operation in &operations {
            let request = request(&world.connection.scope, operation).expect("a valid request");
            let sent = request.send(&world.client());
            sent.unwrap_or_else(|error| panic!("{}: {error:?}", operation.function));
        }
        let arrived = world.arrived().into_iter().skip(1);
        let arrived: Vec<_> = arrived
            .map(|it| (it.method, it.path, it.body, it.status, it.authorized))
            .collect();
        let expected = operations.into_iter().map(|it| {
            let body = it.masked_body();
            (it.method, it.path, body, Some(it.status), true)
        });
        assert_eq!(arrived, Vec::from_iter(expected));
        assert_eq!(world.simulator.connections(), 1, "one connection for all");
    }
}

#[test]
fn what_a_level_lacks_is_not_sent() {
    let mut lacking = 0;
    for (branch, other, level) in [
        (None, Some(BRANCH), "project"),
        (Some(BRANCH), None, "branch"),
    ] {
        let offered = operations(PROJECT, branch, "u-1");
        let has = |function: &str| offered.iter().any(|it| it.function == function);
        for operation in operations(PROJECT, other, "u-1")
            .iter()
            .filter(|it| !has(&it.function))
        {
            let Err(error) = request(&scope(branch), operation) else {
                panic!("{} is not refused", operation.function);
            };
            assert_eq!(
                error.kind,
                ErrorKind::NotSupported,
                "{}",
                operation.function
            );
            let detail = error.detail.unwrap_or_default();
            assert!(
                detail.contains(&format!("The {level}-level API")),
                "{detail}"
            );
            lacking += 1;
        }
    }
    assert!(lacking > 0);
}

/// Whatever operation has the field.
#[test]
fn what_a_field_does_not_take_is_not_sent() {
    let refused = [
        ("branch_id", json!("br/1")),
        ("client_secret", json!("********")),
        ("domain", json!("example.com")),
        ("domains", json!([{"domain": "example.com"}])),
        ("email", json!("ada")),
        ("expires_in", json!(4)),
        ("expires_in", json!(1441)),
        ("id", json!("go/ogle")),
        ("name", json!("")),
        ("organization_limit", json!(0)),
        ("otp_expires_in", json!(59)),
        ("otp_expires_in", json!(601)),
        ("password", json!("********")),
        ("port", json!(0)),
        ("recipient_email", json!("ada")),
        ("roles", json!([])),
        ("type", json!("smtp")),
    ];
    let mut met = BTreeSet::new();
    for branch in [None, Some(BRANCH)] {
        for mut operation in operations(PROJECT, branch, "u-1") {
            let body = operation.body.take();
            for (n, (field, value)) in refused.iter().enumerate() {
                if body.get(field).is_some() {
                    operation.body = body.clone();
                    operation.body[field] = value.clone();
                    let Err(error) = request(&scope(branch), &operation) else {
                        panic!("{}: {field}", operation.function);
                    };
                    assert_eq!(error.kind, ErrorKind::InvalidValue, "{error:?}");
                    met.insert(n);
                }
            }
        }
    }
    assert_eq!(met.len(), refused.len(), "{met:?}");
}

/// docs/functions.md has a line for each function, whose last two cells are its calls.
#[test]
fn the_documentation_has_the_calls_of_the_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md");
    let page = fs::read_to_string(page).expect("the page");
    let rows = rows();
    for Row { function, .. } in &rows {
        let starts = [format!("| `{function}("), format!("| [`{function}(")];
        let mut lines = page.lines();
        let line = lines.find(|line| starts.iter().any(|start| line.starts_with(start)));
        let line = line.unwrap_or_else(|| panic!("{function} is not documented"));
        let cells: Vec<_> = line.trim_end_matches(" |").split(" | ").collect();
        let [.., of_branch, of_project] = cells[..] else {
            panic!("{line}");
        };
        let of_project = if of_project == "the same" {
            of_branch
        } else {
            of_project
        };
        let of_function = || rows.iter().filter(|it| it.function == *function);
        let branch: Vec<_> = of_function().filter_map(|it| it.branch.as_ref()).collect();
        let project: Vec<_> = of_function().filter_map(|it| it.project.as_ref()).collect();
        for (calls, cell) in [(branch, of_branch), (project, of_project)] {
            assert_eq!(calls.is_empty(), cell == "–", "{line}");
            for call in calls {
                assert!(
                    cell.contains(&format!("`{call}`")),
                    "{call} is not in {line}"
                );
            }
        }
    }
}
