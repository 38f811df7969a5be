//! Owns what is written through the view `users`.

use super::{Operation, View};
use crate::error::Error;
use crate::neon::users::{self, AuthUser};
use crate::pg::args::required;
use crate::pg::guc;
use crate::pg::row::{Row, Secrets};
use crate::pg::server::current;
use crate::pg::session::Session;

pub static VIEW: View = View {
    name: c"users",
    key: "id",
    insert: Operation {
        endpoint: &users::CREATE_USER,
        takes: &["email", "name"],
        send: create,
    },
    update: Some(Operation {
        endpoint: &users::SET_USER_ROLES,
        takes: &["role"],
        send: set_roles,
    }),
    delete: Operation {
        endpoint: &users::DELETE_USER,
        takes: &[],
        send: delete,
    },
    secret: None,
    lingers: true,
    is_alike: are_same_roles,
    check: is_of_this_branch,
};

fn create(neon: &Session, new: &Row) -> Result<Option<Row>, Error> {
    let (email, name) = (new.text("email")?, new.text("name")?);
    let address = required("email", email.as_deref())?;
    let shown = new.emptied_for::<AuthUser>()?;
    let request = users::create(neon.target(), address, name.as_deref())?;
    let user = AuthUser {
        id: neon.try_write(&request)?.id,
        email: Some(address.to_owned()),
        name: name.as_deref().map(str::to_owned),
    };
    Ok(Some(shown.filled(user, Secrets::Masked)?))
}

fn set_roles(neon: &Session, change: &Row) -> Result<Option<Row>, Error> {
    let (id, role) = (change.text_at("id")?, change.text_at("role")?);
    let roles: Vec<_> = roles(&role).collect();
    neon.try_write(&users::set_roles(neon.target(), &id, &roles)?)?;
    Ok(None)
}

fn delete(neon: &Session, old: &Row) -> Result<Option<Row>, Error> {
    neon.try_write(&users::delete(neon.target(), &old.text_at("id")?)?)?;
    Ok(None)
}

/// A user may have several, which the table has in one text.
fn roles(text: &str) -> impl Iterator<Item = &str> {
    let roles = text.split(',').map(str::trim);
    roles.filter(|role| !role.is_empty())
}

fn are_same_roles(one: &str, other: &str) -> bool {
    let sorted = |text| {
        let mut roles: Vec<_> = roles(text).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    };
    sorted(one) == sorted(other)
}

/// The view shows the users of this database, so that nobody who looks at them means those of another
/// branch.
fn is_of_this_branch(neon: &Session) -> Result<(), Error> {
    match current::own_branch_beside(neon.target()) {
        Some(own) if !guc::is_dry_run() => Err(Error::users_of_another_branch(&own, neon.target())),
        _ => Ok(()),
    }
}
