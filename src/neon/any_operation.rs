//! Owns the call of an operation below `.../auth` that the caller names himself, for what has no function
//! of its own. It knows no such operation, and so nothing of what bodies and answers mean.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::relative_path;
use crate::neon::request::{Method, Request, Segment};
use crate::neon::target::Target;
use crate::secret::{Secret, is_secret};

/// Long enough for any body of the API.
const MAX_BODY: usize = 64 * 1024;

/// A shorter text is in Neon's words by chance.
const MIN_HIDDEN: usize = 4;

const ANYTHING: Resource = Resource {
    noun: "object",
    look: Look::Anywhere,
};

pub const CALL_GET: Endpoint = Endpoint {
    function: "call_api",
    method: Method::Get,
    path: Path::Both("{path}"),
    purpose: "call the API",
    resource: &ANYTHING,
};

pub const CALL_POST: Endpoint = Endpoint {
    method: Method::Post,
    ..CALL_GET
};

pub const CALL_PUT: Endpoint = Endpoint {
    method: Method::Put,
    ..CALL_GET
};

pub const CALL_PATCH: Endpoint = Endpoint {
    method: Method::Patch,
    ..CALL_GET
};

pub const CALL_DELETE: Endpoint = Endpoint {
    method: Method::Delete,
    ..CALL_GET
};

/// `body` is `None` where the answer has none.
#[derive(Debug, Deserialize, Serialize)]
pub struct ApiAnswer {
    pub status: u16,
    pub body: Option<Value>,
}

/// By the name of its method, in upper or lower case.
pub fn endpoint(name: &str, method: &str) -> Result<&'static Endpoint, Error> {
    let all = [&CALL_GET, &CALL_POST, &CALL_PUT, &CALL_PATCH, &CALL_DELETE];
    let named = |it: &&Endpoint| it.method.to_string().eq_ignore_ascii_case(method);
    all.into_iter()
        .find(named)
        .ok_or_else(|| Error::invalid_argument(name, "GET, POST, PUT, PATCH or DELETE"))
}

/// `METHOD .../auth/{path}`, with a query if there is one in `path`. The body goes as it is written.
pub fn call(
    endpoint: &'static Endpoint,
    target: &Target,
    path: &str,
    body: Option<Secret>,
) -> Result<Request<ApiAnswer>, Error> {
    let segments = Segment::several("path", path)?;
    let request = Request::new(endpoint, target, [segments], |status, body| {
        let is_empty = body.trim_ascii().is_empty();
        let body = (!is_empty).then(|| serde_json::from_slice(body));
        let body = body.transpose()?;
        Ok(ApiAnswer { status, body })
    })?;
    let searched: Vec<_> = relative_path::values(path).map(Secret::new).collect();
    let request = request.with_secrets(searched.iter().filter(|it| is_hidden(it)));
    let Some(body) = body else {
        return Ok(request);
    };
    if endpoint.method == Method::Get {
        return Err(Error::invalid_argument("body", "NULL for a GET"));
    }
    let hidden = texts_to_hide("body", &body)?;
    Ok(request.with_json(body).with_secrets(&hidden))
}

/// What must not be in a message, even where Neon repeats it: nobody knows what in such a body is a secret,
/// and so no text of it is shown.
fn texts_to_hide(name: &str, body: &Secret) -> Result<Vec<Secret>, Error> {
    let refused = || {
        Error::invalid_argument(
            name,
            "a JSON object or array, of at most 64 kB and 128 levels",
        )
    };
    if body.expose().len() > MAX_BODY {
        return Err(refused());
    }
    let value = serde_json::from_str(body.expose()).map_err(|_| refused())?;
    if !matches!(value, Value::Object(_) | Value::Array(_)) {
        return Err(refused());
    }
    let mut texts = Vec::new();
    gather(false, value, &mut texts);
    for text in &texts {
        argument::not_masked(name, text)?;
    }
    Ok(texts)
}

fn is_hidden(text: &Secret) -> bool {
    text.expose().len() >= MIN_HIDDEN
}

fn gather(is_in_secret: bool, value: Value, texts: &mut Vec<Secret>) {
    match value {
        Value::String(text) => {
            let text = Secret::new(text);
            if is_in_secret || is_hidden(&text) {
                texts.push(text);
            }
        }
        Value::Array(items) => {
            for item in items {
                gather(is_in_secret, item, texts);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                gather(is_in_secret || is_secret(&name), value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
