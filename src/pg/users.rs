//! Owns the SQL functions on users.

use pgrx::prelude::*;

use crate::error::{Error, ErrorKind};
use crate::neon::users::{self, AuthUser, EnsuredUser};
use crate::pg::args::{owned, required, texts};
use crate::pg::report::{Raise, raise};
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Row, Secrets, row_type};
use crate::pg::server::current;
use crate::pg::session::Session;
use crate::pg::text::Text;
use crate::pg::{local_users, queue};

row_type!(AuthUser, "auth_user");
row_type!(EnsuredUser, "ensured_user");

/// Creates a user; see [`users::create`]. The row is the new id, and e-mail and name as given.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn create_user(
    _entry: Entry,
    email: Option<Text>,
    name: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<AuthUser>, Raise> {
    let neon = Session::open(&users::CREATE_USER, server.as_deref())?;
    let address = required("email", email.as_deref())?;
    let request = users::create(neon.target(), address, name.as_deref())?;
    neon.row_with(&request, |created| {
        Ok(AuthUser {
            id: created.id,
            email: owned(&email),
            name: owned(&name),
        })
    })
}

/// Creates a user, or finds the one with that address in this database; see [`users::ensure`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn ensure_user(
    _entry: Entry,
    email: Option<Text>,
    name: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EnsuredUser>, Raise> {
    let row = Row::new::<EnsuredUser>()?;
    let neon = Session::open(&users::ENSURE_USER, server.as_deref())?;
    let email = required("email", email)?;
    let request = users::ensure(neon.target(), &email, name.as_deref())?;
    let user = match neon.try_send(&request) {
        Ok(Some(created)) => EnsuredUser {
            id: created.id,
            created: true,
        },
        Ok(None) => raise(Error::nothing_made_up("ensure_user")),
        // Another branch's users have other ids than those here.
        Err(error)
            if error.kind == ErrorKind::AlreadyExists
                && current::own_branch_beside(neon.target()).is_none() =>
        {
            let ids = local_users::ids_of(&row, neon.target(), neon.time_left(), email)?;
            EnsuredUser {
                id: queue::who_is_there(ids).ok_or(error)?,
                created: false,
            }
        }
        Err(error) => raise(error),
    };
    Ok(One::new(row.filled(user, Secrets::Masked)?))
}

/// Sets the roles of a user, and returns the id; see [`users::set_roles`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn set_user_roles(
    _entry: Entry,
    id: Option<Text>,
    roles: Option<Array<Text>>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&users::SET_USER_ROLES, server.as_deref())?;
    let id = required("id", id)?;
    let roles = texts("roles", &required("roles", roles)?)?;
    let roles: Vec<_> = roles.iter().map(|role| &**role).collect();
    neon.send(&users::set_roles(neon.target(), &id, &roles)?)?;
    Ok(id)
}

/// Deletes a user, and returns the id; see [`users::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn delete_user(
    _entry: Entry,
    id: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&users::DELETE_USER, server.as_deref())?;
    let id = required("id", id)?;
    neon.send(&users::delete(neon.target(), &id)?)?;
    Ok(id)
}
