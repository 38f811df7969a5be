//! Owns the options of foreign servers and user mappings: one table, and the validator that it feeds.

// Calls Postgres' parser of times.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::time::Duration;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::{api_url, argument, target};
use crate::pg::args::elements;
use crate::pg::report::{Raise, raise};
use crate::pg::reserve::Entry;
use crate::pg::text::Text;
use crate::seal;
use crate::secret::Secret;

/// More than any value needs, and less than what is taken of an argument: a value that was cut off
/// there must not be judged by its beginning, because all of it is stored.
const MAX_VALUE: usize = 4096;

/// The catalogs that may hold options.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Catalog {
    Server,
    UserMapping,
}

/// Of no use but in the mapping that the extension's own server has.
const SECRET: &str = "secret";
const API_KEY: &str = "api_key";

/// An option: where it belongs, and whether a value is one.
struct OptionRule {
    name: &'static str,
    catalog: Catalog,
    /// Completes "It must be ...".
    expected: &'static str,
    is_valid: fn(&str) -> bool,
}

/// The one table of options: it feeds the validator and its hints. A row is a security decision:
/// what is not here cannot be set by anybody.
const OPTIONS: [OptionRule; 8] = [
    OptionRule {
        name: "project_id",
        catalog: Catalog::Server,
        expected: argument::NEON_ID,
        is_valid: argument::is_neon_id,
    },
    OptionRule {
        name: "branch_id",
        catalog: Catalog::Server,
        expected: argument::NEON_ID,
        is_valid: argument::is_neon_id,
    },
    OptionRule {
        name: "auth_provider",
        catalog: Catalog::Server,
        expected: target::AUTH_PROVIDER,
        is_valid: target::is_auth_provider,
    },
    OptionRule {
        name: "api_url",
        catalog: Catalog::Server,
        expected: "a URL such as https://console.neon.tech/api/v2",
        is_valid: api_url::is_well_formed,
    },
    OptionRule {
        name: "timeout",
        catalog: Catalog::Server,
        expected: "a time from 1ms to 10min",
        is_valid: |value| parse_timeout(value).is_some(),
    },
    OptionRule {
        name: "max_attempts",
        catalog: Catalog::Server,
        expected: "a number from 1 to 10",
        is_valid: |value| parse_max_attempts(value).is_some(),
    },
    OptionRule {
        name: API_KEY,
        catalog: Catalog::UserMapping,
        expected: argument::API_KEY,
        is_valid: |value| match seal::claims_to_be_sealed(value) {
            true => seal::is_sealed(value),
            false => argument::is_api_key(&Secret::new(value)),
        },
    },
    OptionRule {
        name: SECRET,
        catalog: Catalog::UserMapping,
        expected: "what the extension has made",
        is_valid: seal::is_secret,
    },
];

/// Validator of the foreign-data wrapper: called with each set of options before it is stored.
/// `options` are `name=value`, `catalog` is the catalog they go into. No value is ever repeated in a
/// message.
#[pg_extern(volatile, parallel_unsafe)]
pub fn neon_auth_admin_validator(
    _entry: Entry,
    options: Array<Text>,
    catalog: pg_sys::Oid,
) -> Result<(), Raise> {
    let catalog = match catalog {
        pg_sys::ForeignServerRelationId => Some(Catalog::Server),
        pg_sys::UserMappingRelationId => Some(Catalog::UserMapping),
        // Without options, too: Postgres would make the table, and refuse whatever is done with it.
        pg_sys::ForeignTableRelationId => raise(Error::no_foreign_tables()),
        _ => None,
    };
    for option in elements("options", &options)?.flatten() {
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        let rule = OPTIONS
            .iter()
            .find(|rule| rule.name == name && Some(rule.catalog) == catalog)
            .ok_or_else(|| invalid_option_name(name, catalog))?;
        if value.len() > MAX_VALUE || !(rule.is_valid)(value) {
            raise(
                match rule.name == API_KEY && seal::claims_to_be_sealed(value) {
                    true => Error::damaged_seal(name),
                    false => Error::invalid_option(name, rule.expected),
                },
            );
        }
    }
    Ok(())
}

fn invalid_option_name(name: &str, catalog: Option<Catalog>) -> Error {
    if let Some(rule) = OPTIONS.iter().find(|rule| rule.name == name) {
        let hint = match rule.catalog {
            Catalog::Server => "This option belongs to the server: CREATE SERVER.",
            Catalog::UserMapping => {
                "A key belongs to a user mapping: neon_auth_admin.set_api_key(), or CREATE USER MAPPING."
            }
        };
        return Error::invalid_option_name(name, hint);
    }
    let valid: Vec<_> = OPTIONS
        .iter()
        .filter(|rule| Some(rule.catalog) == catalog && rule.name != SECRET)
        .map(|rule| rule.name)
        .collect();
    let hint = match valid.as_slice() {
        [] => "There are no valid options here.".to_owned(),
        valid => format!("Valid options here are: {}.", valid.join(", ")),
    };
    Error::invalid_option_name(name, hint)
}

/// What `statement_timeout` takes: a number of milliseconds, or one with a unit.
pub fn parse_timeout(value: &str) -> Option<Duration> {
    let value = CString::new(value).ok()?;
    let mut milliseconds = 0;
    // SAFETY: a NUL-terminated string, and a place for the result; no hint is asked for.
    let parsed = unsafe {
        pg_sys::parse_int(
            value.as_ptr(),
            &mut milliseconds,
            pg_sys::GUC_UNIT_MS as i32,
            std::ptr::null_mut(),
        )
    };
    let milliseconds = u64::try_from(milliseconds).ok()?;
    (parsed && (1..=600_000).contains(&milliseconds)).then(|| Duration::from_millis(milliseconds))
}

pub fn parse_max_attempts(value: &str) -> Option<u32> {
    value.parse().ok().filter(|n| (1..=10).contains(n))
}
