//! The columns of a row: those of its type in `sql/types.sql` are the fields of its struct.

use std::collections::BTreeMap;
use std::fs;

use neon_auth_admin::fields::fields;
use neon_auth_admin::neon::any_operation::ApiAnswer;
use neon_auth_admin::neon::branches::Branch;
use neon_auth_admin::neon::configuration::ConfigurationChange;
use neon_auth_admin::neon::domains::{EnsuredDomain, RedirectDomain};
use neon_auth_admin::neon::email_server::{EmailServer, EmailTest};
use neon_auth_admin::neon::integration::{Integration, IntegrationKeys};
use neon_auth_admin::neon::oauth_clients::{NewOauthClient, OauthClient, OauthClientSecret};
use neon_auth_admin::neon::oauth_providers::{EnsuredOauthProvider, OauthProvider};
use neon_auth_admin::neon::oauth_server::OauthServer;
use neon_auth_admin::neon::plugins::{MagicLink, Organization, PhoneNumber, Plugins};
use neon_auth_admin::neon::projects::Project;
use neon_auth_admin::neon::sign_in::EmailAndPassword;
use neon_auth_admin::neon::users::{AuthUser, EnsuredUser};
use neon_auth_admin::neon::webhooks::Webhooks;

/// Made by a query or in the outer ring, where the names are compared when a row is made.
const OF_NO_ANSWER: [&str; 3] = ["connection_check", "operation", "synced_user"];

/// The names of each type's columns, by the name of the type.
fn types() -> BTreeMap<String, Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/types.sql");
    let text = fs::read_to_string(path).expect("the types");
    let types = text.split("CREATE TYPE neon_auth_admin.").skip(1);
    types
        .map(|text| {
            let (name, rest) = text.split_once(" AS (").expect("a composite type");
            let columns = rest.split(");").next().expect("its end").lines();
            let columns = columns.filter_map(|line| line.split_whitespace().next());
            let columns = columns.filter(|word| !word.starts_with("--"));
            let columns = columns.map(|name| name.trim_matches('"').to_owned());
            (name.to_owned(), columns.collect())
        })
        .collect()
}

#[test]
fn are_the_fields_of_the_struct() {
    let mut types = types();
    for (name, fields) in [
        ("api_answer", fields::<ApiAnswer>()),
        ("auth_user", fields::<AuthUser>()),
        ("branch", fields::<Branch>()),
        ("configuration_change", fields::<ConfigurationChange>()),
        ("email_and_password", fields::<EmailAndPassword>()),
        ("email_server", fields::<EmailServer>()),
        ("email_test", fields::<EmailTest>()),
        ("ensured_domain", fields::<EnsuredDomain>()),
        ("ensured_oauth_provider", fields::<EnsuredOauthProvider>()),
        ("ensured_user", fields::<EnsuredUser>()),
        ("integration", fields::<Integration>()),
        ("integration_keys", fields::<IntegrationKeys>()),
        ("magic_link", fields::<MagicLink>()),
        ("new_oauth_client", fields::<NewOauthClient>()),
        ("oauth_client", fields::<OauthClient>()),
        ("oauth_client_secret", fields::<OauthClientSecret>()),
        ("oauth_provider", fields::<OauthProvider>()),
        ("oauth_server", fields::<OauthServer>()),
        ("organization", fields::<Organization>()),
        ("phone_number", fields::<PhoneNumber>()),
        ("plugins", fields::<Plugins>()),
        ("project", fields::<Project>()),
        ("redirect_domain", fields::<RedirectDomain>()),
        ("webhooks", fields::<Webhooks>()),
    ] {
        let columns = types.remove(name);
        let columns = columns.unwrap_or_else(|| panic!("there is no type {name}"));
        assert_eq!(columns, fields, "{name}");
    }
    let rest: Vec<_> = types.into_keys().collect();
    assert_eq!(rest, OF_NO_ANSWER);
}
