//! Owns what the option value `current` stands for: the project and the branch that a Neon compute
//! runs on, which it says in settings.

// Looks into Postgres' table of settings.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use super::catalog::ForeignServer;
use crate::error::Error;
use crate::neon::target::Target;
use crate::pg::compat;
use crate::pg::text::from_server;

pub const CURRENT: &str = "current";

/// The value of an option, or of the setting of a Neon compute that it stands for.
pub fn resolve<'a>(server: &'a ForeignServer, option: &str) -> Result<Option<Cow<'a, str>>, Error> {
    match server.option(option) {
        Some(CURRENT) => read(&server.name, option).map(|id| Some(id.into())),
        value => Ok(value.map(Cow::from)),
    }
}

/// Whether calls for `target` are about the branch that this server is the compute of.
pub fn is_own_branch(target: &Target) -> bool {
    own_branch().is_some_and(|own| Some(own.as_str()) == target.branch_id())
}

/// The branch that this server is the compute of, where they are about another one, whose users are not
/// those of this database.
pub fn own_branch_beside(target: &Target) -> Option<String> {
    let named = target.branch_id()?;
    own_branch().filter(|own| own != named)
}

fn own_branch() -> Option<String> {
    configured("branch_id")
}

/// What a Neon compute says of itself, if it is the server's configuration that does.
pub fn configured(option: &str) -> Option<String> {
    setting(option).and_then(|(value, is_configured)| is_configured.then_some(value))
}

pub fn read(server: &str, option: &str) -> Result<String, Error> {
    let name = format!("neon.{option}");
    let (value, is_configured) =
        setting(option).ok_or_else(|| Error::no_current(option, &name, server))?;
    match is_configured {
        true => Ok(value),
        false => Err(Error::current_set_by_session(&name)),
    }
}

/// What a Neon compute says of itself, if anything, and whether it is the server's configuration that does.
fn setting(option: &str) -> Option<(String, bool)> {
    let name = CString::new(format!("neon.{option}")).expect("no NUL in the names of options");
    // SAFETY: a NUL-terminated name; the value is copied before anything can change it.
    let value = unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| from_server(CStr::from_ptr(value)))
    };
    let value = value.filter(|value| !value.is_empty())?;
    Some((value, is_from_configuration(&name)))
}

/// Whether the setting has its value from where only the server's administrator writes. A Neon compute
/// defines these settings so that nobody else can set them; elsewhere anybody could make them up.
fn is_from_configuration(name: &CStr) -> bool {
    compat::find_setting(name)
        .is_some_and(|setting| setting.source <= pg_sys::GucSource::PGC_S_ARGV)
}
