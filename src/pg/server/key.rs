//! Owns `set_api_key`.

// Calls Postgres' own functions behind CREATE and ALTER USER MAPPING.
#![allow(unsafe_code)]

use std::rc::Rc;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgList, pg_sys};

use super::catalog::{ForeignServer, mapped_key};
use crate::error::Error;
use crate::neon::check;
use crate::pg::call::required;
use crate::pg::text::{Text, to_server};
use crate::secret::Secret;

/// Stores the API key of a role in its user mapping, through the same functions as CREATE and ALTER
/// USER MAPPING and with their permission checks, but without a statement that could be logged.
///
/// `role` NULL is the current role, `'public'` everyone without a mapping of their own.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn set_api_key(
    api_key: Option<Text>,
    server: default!(Option<Text>, "NULL"),
    role: default!(Option<Text>, "NULL"),
) -> Result<(), ErrorReport> {
    let api_key = api_key.as_deref();
    let server = server.as_deref();
    let role = role.as_deref();
    // SAFETY: raises when the transaction is read-only.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"set_api_key()".as_ptr()) };
    let api_key = Secret::new(required("api_key", api_key)?);
    if !check::is_api_key(&api_key) {
        return Err(Error::invalid_argument("api_key", check::API_KEY).into());
    }
    let server = match server {
        Some(name) => {
            Rc::new(ForeignServer::look_up(name)?.ok_or_else(|| Error::unknown_name("server"))?)
        }
        None => ForeignServer::find(None)?,
    };
    let key = to_server(api_key.expose());
    let server_name = to_server(&server.name);
    let role_name = role.map(to_server);
    // SAFETY: the nodes are allocated by Postgres and zeroed where not set; the strings they point
    // to outlive the calls, which copy what they store.
    unsafe {
        let user = PgBox::<pg_sys::RoleSpec>::alloc_node(pg_sys::NodeTag::T_RoleSpec).into_pg();
        (*user).location = -1;
        (*user).roletype = match (role, &role_name) {
            (Some("public"), _) => pg_sys::RoleSpecType::ROLESPEC_PUBLIC,
            (_, Some(name)) => {
                (*user).rolename = name.as_ptr().cast_mut();
                pg_sys::RoleSpecType::ROLESPEC_CSTRING
            }
            (_, None) => pg_sys::RoleSpecType::ROLESPEC_CURRENT_USER,
        };
        let owner = match (*user).roletype {
            pg_sys::RoleSpecType::ROLESPEC_PUBLIC => pg_sys::InvalidOid,
            _ => pg_sys::get_rolespec_oid(user, true),
        };
        if role.is_some_and(|role| role != "public") && owner == pg_sys::InvalidOid {
            return Err(Error::unknown_name("role").into());
        }
        let option = pg_sys::makeDefElem(
            c"api_key".as_ptr().cast_mut(),
            pg_sys::makeString(key.as_ptr().cast_mut()).cast(),
            -1,
        );
        let mut options = PgList::<pg_sys::DefElem>::new();
        options.push(option);
        match mapped_key(owner, server.oid) {
            None => {
                let tag = pg_sys::NodeTag::T_CreateUserMappingStmt;
                let statement = PgBox::<pg_sys::CreateUserMappingStmt>::alloc_node(tag).into_pg();
                (*statement).user = user;
                (*statement).servername = server_name.as_ptr().cast_mut();
                (*statement).options = options.into_pg();
                pg_sys::CreateUserMapping(statement);
            }
            Some(stored) => {
                (*option).defaction = match stored {
                    Some(_) => pg_sys::DefElemAction::DEFELEM_SET,
                    None => pg_sys::DefElemAction::DEFELEM_ADD,
                };
                let tag = pg_sys::NodeTag::T_AlterUserMappingStmt;
                let statement = PgBox::<pg_sys::AlterUserMappingStmt>::alloc_node(tag).into_pg();
                (*statement).user = user;
                (*statement).servername = server_name.as_ptr().cast_mut();
                (*statement).options = options.into_pg();
                pg_sys::AlterUserMapping(statement);
            }
        }
        // A call later in the same statement finds the key.
        pg_sys::CommandCounterIncrement();
    }
    Ok(())
}
