//! Every operation of the table as the client makes it: the request as a value, what arrives of it, and
//! what a level lacks.

use std::collections::BTreeSet;

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::client::{Client, new_request_id};
use neon_auth_admin::neon::endpoint::{ENDPOINTS, Endpoint, Path};
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::oauth_server::Update;
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::webhooks::Fields;
use neon_auth_admin::neon::{
    account, any_operation, branches, domains, email_server, integration, oauth_clients,
    oauth_providers, oauth_server, plugins, projects, sign_in, users, webhooks,
};
use neon_auth_admin::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::table::{Operation, operations, rows};
use crate::support::World;

mod documented;
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
        (
            self.method().to_string(),
            self.path_and_query().into_owned(),
            body,
        )
    }

    fn send(&self, client: &Client) -> Result<(), Error> {
        client.send(self, &new_request_id()).map(drop)
    }
}

fn any<T: 'static>(request: Request<T>) -> Box<dyn AnyRequest> {
    Box::new(request)
}

/// The request that an operation's function makes of its id and of the values in its body.
fn request(target: &Target, operation: &Operation) -> Result<Box<dyn AnyRequest>, Error> {
    let Operation {
        function,
        id,
        body,
        query,
        ..
    } = operation;
    let asked = |name: &str| query.get(name).and_then(Value::as_str);
    fn update<T: DeserializeOwned>(body: &Value) -> T {
        serde_json::from_value(body.clone()).expect("fields of an update")
    }
    let flag = |name: &str| body[name].as_bool() == Some(true);
    let text = |name: &str| body[name].as_str();
    let needed = |name: &str| text(name).unwrap_or_default();
    let list = |name: &str| body[name].as_array().into_iter().flatten();
    let roles: Vec<_> = list("roles").filter_map(Value::as_str).collect();
    let domains = list("domains").filter_map(|it| it["domain"].as_str());
    let domains: Vec<_> = domains.collect();
    let client_secret = text("client_secret").map(Secret::new);
    let credentials = Credentials {
        client_id: text("client_id"),
        client_secret: client_secret.as_ref(),
        microsoft_tenant_id: text("microsoft_tenant_id"),
    };
    let recipient = needed("recipient_email");
    Ok(match function.as_str() {
        "add_domain" => any(domains::add(target, needed("domain"))?),
        "add_oauth_provider" => any(oauth_providers::add(target, needed("id"), credentials)?),
        "call_api" => {
            let endpoint = any_operation::endpoint("method", &operation.method)?;
            let body = Some(body).filter(|body| !body.is_null());
            let (path, body) = (&operation.given_path, body.map(Secret::json));
            any(any_operation::call(endpoint, target, path, body)?)
        }
        "check_connection" => any(account::auth_details()?),
        "create_integration" => {
            let (branch, database) = (text("branch_id"), text("database_name"));
            any(integration::create(
                target,
                branch,
                database,
                text("role_name"),
            )?)
        }
        "create_oauth_client" => any(oauth_clients::create(target, &update(body))?),
        "create_sdk_keys" => any(integration::create_sdk_keys(target)?),
        "create_user" => any(users::create(target, needed("email"), text("name"))?),
        "delete_domain" => {
            let domain = domains.first().copied().unwrap_or_default();
            any(domains::delete(target, domain)?)
        }
        "delete_domains" => any(domains::delete_all(target, &domains)?),
        "delete_integration" => any(integration::delete(target, flag("delete_data"))?),
        "delete_oauth_client" => any(oauth_clients::delete(target, id)?),
        "delete_oauth_provider" => any(oauth_providers::delete(target, id)?),
        "delete_user" => any(users::delete(target, id)?),
        "ensure_domain" => any(domains::ensure(target, needed("domain"))?),
        "ensure_oauth_provider" => any(oauth_providers::ensure(target, needed("id"), credentials)?),
        "ensure_user" => any(users::ensure(target, needed("email"), text("name"))?),
        "get_allow_localhost" => any(sign_in::get_allow_localhost(target)?),
        "get_email_and_password" => any(sign_in::get_email_and_password(target)?),
        "get_email_server" => any(email_server::get(target)?),
        "get_integration" => any(integration::get(target)?),
        "get_oauth_server" => any(oauth_server::get(target)?),
        "get_phone_number" => any(plugins::get_phone_number(target)?),
        "get_plugins" => any(plugins::get(target)?),
        "get_webhooks" => any(webhooks::get::<Fields>(target)?),
        "list_branches" => any(branches::list(target, asked("search"))?),
        "list_domains" => any(domains::list(target)?),
        "list_integrations" => any(integration::list(target)?),
        "list_oauth_clients" => any(oauth_clients::list(target)?),
        "list_oauth_providers" => any(oauth_providers::list(target)?),
        "list_projects" => {
            let account = Target::account();
            any(projects::list(&account, asked("org_id"), asked("search"))?)
        }
        "rotate_oauth_client_secret" => any(oauth_clients::rotate_secret(target, id)?),
        "send_test_email" => any(email_server::send_test(target, recipient, &update(body))?),
        "set_user_roles" => any(users::set_roles(target, id, &roles)?),
        "test_email_server" => any(email_server::test(target, recipient)?),
        "transfer_ownership" => any(integration::transfer_ownership(target)?),
        "update_allow_localhost" => any(sign_in::update_allow_localhost(
            target,
            flag("allow_localhost"),
        )?),
        "update_config" => any(sign_in::update_config(target, needed("name"))?),
        "update_email_and_password" => {
            any(sign_in::update_email_and_password(target, &update(body))?)
        }
        "update_email_server" => any(email_server::update(target, &update(body))?),
        "update_magic_link" => any(plugins::update_magic_link(target, &update(body))?),
        "update_oauth_client" => any(oauth_clients::update(target, id, &update(body))?),
        "update_oauth_provider" => any(oauth_providers::update(target, id, credentials)?),
        "update_oauth_server" => {
            let json = |name: &str| body.get(name).map(Value::to_string);
            let (mcp, resources) = (json("mcp"), json("resources"));
            let changes = Update {
                enabled: body["enabled"].as_bool(),
                login_page: text("login_page"),
                consent_page: text("consent_page"),
                mcp: mcp.as_deref(),
                resources: resources.as_deref(),
            };
            any(oauth_server::update(target, &changes)?)
        }
        "update_organization" => any(plugins::update_organization(target, &update(body))?),
        "update_phone_number" => any(plugins::update_phone_number(target, &update(body))?),
        "update_webhooks" => any(webhooks::replace(target, Fields::new(), &update(body))?),
        _ => panic!("how {function} is called is missing here"),
    })
}

fn target(branch: Option<&str>) -> Target {
    Target::new(PROJECT, branch, None).expect("valid ids")
}

/// As the table has it: a method, and a path below `.../auth`.
fn of_the_table(endpoint: &Endpoint, path: &str) -> String {
    let method = endpoint.method;
    match path.strip_prefix('/') {
        Some(_) => format!("{method} {path}"),
        None if path.is_empty() => format!("{method} .../auth"),
        None => format!("{method} .../auth/{path}"),
    }
}

/// The consts and the table name the same functions, methods and paths on the same levels.
#[test]
fn every_endpoint_is_in_the_table() {
    let mut declared = BTreeSet::new();
    for endpoint in ENDPOINTS {
        let (project, branch) = match endpoint.path {
            Path::Account(path) | Path::OfProject(path) | Path::Both(path) => {
                (Some(path), Some(path))
            }
            Path::Project(path) => (Some(path), None),
            Path::Branch(path) => (None, Some(path)),
            Path::Each { project, branch } => (Some(project), Some(branch)),
        };
        for (level, path) in [("project", project), ("branch", branch)] {
            let call = path.map(|path| of_the_table(endpoint, path));
            declared.extend(call.map(|call| (endpoint.function.to_owned(), level, call)));
        }
    }
    let mut tabled = BTreeSet::new();
    for row in rows() {
        let function = row.function;
        tabled.extend(row.project.map(|call| (function.clone(), "project", call)));
        tabled.extend(row.branch.map(|call| (function, "branch", call)));
    }
    assert_eq!(declared, tabled);
}

#[test]
fn every_operation_is_the_request_of_the_table() {
    for branch in [None, Some(BRANCH)] {
        for operation in operations(PROJECT, branch, "3f2a_B-9") {
            let made = request(&target(branch), &operation).expect("a valid request");
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
        world.connection.target = target(branch);
        let user = world.create_user().expect("created");
        let operations = operations(PROJECT, branch, &user);
        for operation in &operations {
            let request = request(&world.connection.target, operation).expect("a valid request");
            let sent = request.send(&world.client());
            sent.unwrap_or_else(|error| panic!("{}: {error:?}", operation.function));
        }
        let arrived = world.simulator.requests().into_iter().skip(1);
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
            let Err(error) = request(&target(branch), operation) else {
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
        ("consent_page", json!("app.example.com")),
        ("client_secret", json!("********")),
        ("domain", json!("example.com")),
        ("domains", json!([{"domain": ""}])),
        ("email", json!("ada")),
        ("expires_in", json!(4)),
        ("expires_in", json!(1441)),
        ("mcp", json!(["https://mcp.example.com"])),
        ("mcp", json!({"key": "********"})),
        ("id", json!("go/ogle")),
        ("name", json!("")),
        ("organization_limit", json!(0)),
        ("otp_expires_in", json!(59)),
        ("otp_expires_in", json!(601)),
        ("password", json!("********")),
        ("port", json!(0)),
        ("recipient_email", json!("ada")),
        ("redirect_uris", json!(["https://a", "/callback"])),
        ("roles", json!([])),
        ("type", json!("")),
    ];
    let mut met = BTreeSet::new();
    for branch in [None, Some(BRANCH)] {
        for mut operation in operations(PROJECT, branch, "u-1") {
            let body = operation.body.take();
            for (n, (field, value)) in refused.iter().enumerate() {
                if body.get(field).is_some() {
                    operation.body = body.clone();
                    operation.body[field] = value.clone();
                    let Err(error) = request(&target(branch), &operation) else {
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
