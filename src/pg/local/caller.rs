//! Owns who asks for a local read, and whose code may run for it.

// Looks roles up in Postgres' catalog caches.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

use pgrx::pg_sys::SysCacheIdentifier::DATABASEOID;
use pgrx::{PgList, pg_sys};

use super::Relation;
use crate::error::Error;
use crate::pg::guc;
use crate::pg::text::from_server;

/// The roles of this moment.
pub struct Caller {
    /// The one in effect.
    pub role: pg_sys::Oid,
    pub is_superuser: bool,
    /// Whether code that runs in this session could get a superuser's rights by whatever it sets.
    pub may_become_superuser: bool,
    owner_of_database: pg_sys::Oid,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    No,
    /// With the rights of its owner alone: a name is all that is known of it, and where nobody has
    /// that name, a role that may create roles can take it.
    BySetting,
    Yes,
}

impl Caller {
    pub fn now() -> Self {
        // SAFETY: variables of the backend and look-ups in the catalogs.
        unsafe {
            let role = pg_sys::GetUserId();
            // After SET ROLE, inside of a SECURITY DEFINER function, and after SET SESSION AUTHORIZATION.
            let others = [
                pg_sys::GetOuterUserId(),
                pg_sys::GetSessionUserId(),
                pg_sys::GetAuthenticatedUserId(),
            ];
            let is_superuser = is_superuser(role);
            Self {
                role,
                is_superuser,
                may_become_superuser: is_superuser || others.into_iter().any(self::is_superuser),
                owner_of_database: owner_of_database(),
            }
        }
    }

    /// Only who the owner is counts: a role can be a member of another without anybody's consent.
    pub fn trust(&self, owner: pg_sys::Oid) -> Result<Trust, Error> {
        if owner == self.role || owner == self.owner_of_database || is_superuser(owner) {
            Ok(Trust::Yes)
        } else if owners_by_setting()?.contains(&owner) {
            Ok(Trust::BySetting)
        } else {
            Ok(Trust::No)
        }
    }

    pub fn refuse(&self, what: &str, owner: pg_sys::Oid) -> Error {
        Error::untrusted_owner(what, &name(owner), &name(self.role))
    }

    pub fn refuse_to_stand_in(&self, relation: &Relation, why: &str) -> Error {
        Error::no_reading_as_owner(
            relation.name,
            why,
            &name(relation.owner),
            &name(self.role),
            self.may_become_superuser,
        )
    }
}

pub fn is_superuser(role: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs; nobody has the number 0.
    unsafe { pg_sys::superuser_arg(role) }
}

/// Those of the roles in the setting that exist. A list that is none names nobody.
fn owners_by_setting() -> Result<Vec<pg_sys::Oid>, Error> {
    let Some(setting) = guc::users_owners()? else {
        return Ok(Vec::new());
    };
    // SAFETY: a copy that Postgres cuts into names.
    unsafe {
        let mut names = std::ptr::null_mut();
        let copy = pg_sys::pstrdup(setting.as_ptr());
        if !pg_sys::SplitIdentifierString(copy, b',' as c_char, &raw mut names) {
            return Ok(Vec::new());
        }
        let names = PgList::<c_char>::from_pg(names);
        let oids = names
            .iter_ptr()
            .map(|name| pg_sys::get_role_oid(name, true));
        Ok(oids.filter(|oid| *oid != pg_sys::InvalidOid).collect())
    }
}

fn owner_of_database() -> pg_sys::Oid {
    // SAFETY: a tuple of that catalog, released after its last use.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(DATABASEOID as _, pg_sys::MyDatabaseId.into());
        if tuple.is_null() {
            return pg_sys::InvalidOid;
        }
        let database = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
        let owner = (*database).datdba;
        pg_sys::ReleaseSysCache(tuple);
        owner
    }
}

fn name(role: pg_sys::Oid) -> String {
    // SAFETY: a NUL-terminated name, or none if the role is gone.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() {
            return role.to_u32().to_string();
        }
        from_server(CStr::from_ptr(name))
    }
}
