//! Owns the writing of user mappings: through the same functions as CREATE and ALTER USER MAPPING and
//! with their permission checks, but without a statement that could be logged.

// Calls Postgres' own functions behind those statements.
#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::{PgBox, PgList, pg_sys};

use super::catalog::mapped;
use crate::error::Error;
use crate::pg::text::to_server;
use crate::secret::Secret;

/// Whose mapping it is.
#[derive(Clone, Copy)]
pub enum Owner<'a> {
    Current,
    Public,
    Role(&'a CStr),
}

impl Owner<'_> {
    fn node(self) -> *mut pg_sys::RoleSpec {
        use pg_sys::RoleSpecType::{ROLESPEC_CSTRING, ROLESPEC_CURRENT_USER, ROLESPEC_PUBLIC};
        // SAFETY: a node that Postgres allocates and zeroes; the name outlives its use.
        unsafe {
            let node = PgBox::<pg_sys::RoleSpec>::alloc_node(pg_sys::NodeTag::T_RoleSpec).into_pg();
            (*node).location = -1;
            (*node).roletype = match self {
                Self::Current => ROLESPEC_CURRENT_USER,
                Self::Public => ROLESPEC_PUBLIC,
                Self::Role(name) => {
                    (*node).rolename = name.as_ptr().cast_mut();
                    ROLESPEC_CSTRING
                }
            };
            node
        }
    }

    /// `InvalidOid` for PUBLIC; an error where there is no such role.
    pub fn oid(self) -> Result<pg_sys::Oid, Error> {
        if let Self::Public = self {
            return Ok(pg_sys::InvalidOid);
        }
        // SAFETY: a node as the parser makes them.
        match unsafe { pg_sys::get_rolespec_oid(self.node(), true) } {
            pg_sys::InvalidOid => Err(Error::unknown_name("role")),
            role => Ok(role),
        }
    }
}

/// Puts an option into the mapping of `owner` on a server, which is made if there is none; returns its
/// number. What follows in the same statement sees it.
pub fn store(
    owner: Owner,
    (server, server_name): (pg_sys::Oid, &CStr),
    option: &CStr,
    value: &Secret,
) -> Result<pg_sys::Oid, Error> {
    use pg_sys::DefElemAction::{DEFELEM_ADD, DEFELEM_SET};
    let stored = mapped(owner.oid()?, server, option);
    let value = to_server(value.expose());
    let (name, server_name) = (option.as_ptr().cast_mut(), server_name.as_ptr().cast_mut());
    // SAFETY: the nodes are allocated by Postgres and zeroed where not set; the strings they point
    // to outlive the calls, which copy what they store.
    let address = unsafe {
        let text = pg_sys::makeString(value.as_ptr().cast_mut());
        let option = pg_sys::makeDefElem(name, text.cast(), -1);
        let mut options = PgList::<pg_sys::DefElem>::new();
        options.push(option);
        let address = match stored {
            None => {
                let tag = pg_sys::NodeTag::T_CreateUserMappingStmt;
                let statement = PgBox::<pg_sys::CreateUserMappingStmt>::alloc_node(tag).into_pg();
                (*statement).user = owner.node();
                (*statement).servername = server_name;
                (*statement).options = options.into_pg();
                pg_sys::CreateUserMapping(statement)
            }
            Some(stored) => {
                (*option).defaction = stored.map_or(DEFELEM_ADD, |_| DEFELEM_SET);
                let tag = pg_sys::NodeTag::T_AlterUserMappingStmt;
                let statement = PgBox::<pg_sys::AlterUserMappingStmt>::alloc_node(tag).into_pg();
                (*statement).user = owner.node();
                (*statement).servername = server_name;
                (*statement).options = options.into_pg();
                pg_sys::AlterUserMapping(statement)
            }
        };
        pg_sys::CommandCounterIncrement();
        address
    };
    Ok(address.objectId)
}
