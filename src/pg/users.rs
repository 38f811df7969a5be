//! Owns the SQL functions on users.

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::neon::users;
use crate::pg::call::{elements, required, write};
use crate::pg::report::Raise;
use crate::pg::row::Row;
use crate::pg::text::Text;

/// Creates a user; see [`users::create`]. The row is the new id, and e-mail and name as given.
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn create_user(
    email: Option<Text>,
    name: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.auth_user"), Raise> {
    let (email, name) = (email.as_deref(), name.as_deref());
    let row = Row::new(c"auth_user", &["id", "email", "name"])?;
    let created = write(c"create_user()", server.as_deref(), |scope| {
        users::create(scope, required("email", email)?, name)
    })?;
    Ok(row
        .text("id", created.id.as_str())?
        .text("email", email)?
        .text("name", name)?
        .finish()?)
}

/// Sets the roles of a user and returns its id; see [`users::set_roles`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn set_user_roles(
    id: Option<Text>,
    roles: Option<Array<Text>>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let id = required("id", id)?;
    write(c"set_user_roles()", server.as_deref(), |scope| {
        let roles = required("roles", roles.as_ref())?;
        let roles: Vec<_> = elements("roles", roles)?.collect();
        let roles: Vec<_> = roles.iter().map(Option::as_deref).collect();
        users::set_roles(scope, &id, &roles)
    })?;
    Ok(id)
}

/// Deletes a user and returns its id; see [`users::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_user(id: Option<Text>, server: default!(Option<Text>, "NULL")) -> Result<Text, Raise> {
    let id = required("id", id)?;
    write(c"delete_user()", server.as_deref(), |scope| {
        users::delete(scope, &id)
    })?;
    Ok(id)
}
