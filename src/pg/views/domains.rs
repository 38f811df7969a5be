//! Owns what is written through the view `domains`.

use super::{Operation, View};
use crate::error::Error;
use crate::neon::domains::{self, RedirectDomain};
use crate::pg::args::required;
use crate::pg::row::{Row, Secrets};
use crate::pg::session::Session;

pub static VIEW: View = View {
    name: c"domains",
    key: "domain",
    insert: Operation {
        endpoint: &domains::ADD_DOMAIN,
        takes: &["domain"],
        send: add,
    },
    update: None,
    delete: Operation {
        endpoint: &domains::DELETE_DOMAIN,
        takes: &[],
        send: delete,
    },
    secret: None,
    lingers: false,
    is_alike: |_, _| false,
    check: |_| Ok(()),
};

fn add(neon: &Session, new: &Row) -> Result<Option<Row>, Error> {
    let domain = new.text("domain")?;
    let domain = required("domain", domain.as_deref())?;
    let shown = new.emptied_for::<RedirectDomain>()?;
    neon.try_write(&domains::add(neon.target(), domain)?)?;
    let added = RedirectDomain {
        domain: domain.to_owned(),
        auth_provider: Some(neon.target().auth_provider().to_owned()),
    };
    Ok(Some(shown.filled(added, Secrets::Masked)?))
}

/// It was listed a moment ago, letter by letter as it is here.
fn delete(neon: &Session, old: &Row) -> Result<Option<Row>, Error> {
    neon.try_write(&domains::delete(neon.target(), &old.text_at("domain")?)?)?;
    Ok(None)
}
