//! Owns what is written through the view `oauth_providers`.

use super::{Operation, View};
use crate::error::Error;
use crate::neon::oauth_providers::{self, Credentials, OauthProvider};
use crate::neon::request::Request;
use crate::pg::args::required;
use crate::pg::row::{Row, Secrets};
use crate::pg::session::Session;
use crate::secret::Secret;

pub static VIEW: View = View {
    name: c"oauth_providers",
    key: "id",
    insert: Operation {
        endpoint: &oauth_providers::ADD_OAUTH_PROVIDER,
        takes: &["id", "client_id", "client_secret", "microsoft_tenant_id"],
        send: add,
    },
    update: Some(Operation {
        endpoint: &oauth_providers::UPDATE_OAUTH_PROVIDER,
        takes: &["client_id", "client_secret", "microsoft_tenant_id"],
        send: update,
    }),
    delete: Operation {
        endpoint: &oauth_providers::DELETE_OAUTH_PROVIDER,
        takes: &[],
        send: delete,
    },
    secret: Some("client_secret"),
    lingers: false,
    is_alike: |_, _| false,
    check: |_| Ok(()),
};

fn add(neon: &Session, new: &Row) -> Result<Option<Row>, Error> {
    send(neon, new, |id, credentials| {
        oauth_providers::add(neon.target(), id, credentials)
    })
}

fn update(neon: &Session, change: &Row) -> Result<Option<Row>, Error> {
    send(neon, change, |id, credentials| {
        oauth_providers::update(neon.target(), id, credentials)
    })
}

fn send(
    neon: &Session,
    row: &Row,
    request: impl FnOnce(&str, Credentials) -> Result<Request<OauthProvider>, Error>,
) -> Result<Option<Row>, Error> {
    let (id, client_id) = (row.text("id")?, row.text("client_id")?);
    let secret = row.text("client_secret")?;
    let secret = secret.as_deref().map(Secret::new);
    let tenant = row.text("microsoft_tenant_id")?;
    let credentials = Credentials {
        client_id: client_id.as_deref(),
        client_secret: secret.as_ref(),
        microsoft_tenant_id: tenant.as_deref(),
    };
    let shown = row.emptied_for::<OauthProvider>()?;
    let request = request(required("id", id.as_deref())?, credentials)?;
    let provider = neon.try_write(&request)?;
    Ok(Some(shown.filled(provider, Secrets::Masked)?))
}

fn delete(neon: &Session, old: &Row) -> Result<Option<Row>, Error> {
    neon.try_write(&oauth_providers::delete(
        neon.target(),
        &old.text_at("id")?,
    )?)?;
    Ok(None)
}
