//! One table of what Neon's API offers and answers, for the tests of the client, of the SQL functions
//! and of the simulator. It knows none of them.

// Each of them uses a part of it.
#![allow(dead_code)]

use serde::Deserialize;
use serde_json::{Map, Value};

/// `values` are what `"$name"` stands for, `operations` in an order in which all of them succeed where
/// there is the user `{id}`. In an answer `"any"` is any text that is not empty.
const TABLE: &str = include_str!("operations.json");

#[derive(Deserialize)]
struct Table {
    values: Map<String, Value>,
    operations: Vec<Row>,
}

/// A request of an SQL function, with the level or levels that have it.
#[derive(Deserialize)]
pub struct Row {
    pub function: String,
    /// Method and path, as docs/functions.md has them.
    pub branch: Option<String>,
    pub project: Option<String>,
    /// What the SQL function asks before that.
    first: Option<String>,
    /// `{id}` or `{client_id}` in the path, where it is no user. There a URL is one segment.
    id: Option<String>,
    /// `{path}` in the path: what the caller says of it.
    #[serde(default)]
    path: String,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    body: Value,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    answer: Value,
}

fn ok() -> u16 {
    200
}

pub fn rows() -> Vec<Row> {
    serde_json::from_str::<Table>(TABLE)
        .expect("a table")
        .operations
}

/// What is sent and answered; a null body or answer is none at all.
pub struct Operation {
    pub function: String,
    pub first: Option<String>,
    pub method: String,
    /// With the query.
    pub path: String,
    pub query: Map<String, Value>,
    pub id: String,
    /// What the caller says of the path, where he does.
    pub given_path: String,
    pub body: Value,
    pub status: u16,
    pub answer: Value,
}

/// The operations of one level.
pub fn operations(project: &str, branch: Option<&str>, user: &str) -> Vec<Operation> {
    let (auth, provider) = match branch {
        Some(branch) => (
            format!("/projects/{project}/branches/{branch}/auth"),
            "better_auth",
        ),
        None => (format!("/projects/{project}/auth"), "stack"),
    };
    let text = TABLE
        .replace(".../auth", &auth)
        .replace("{project_id}", project);
    let text = text.replace("{auth_provider}", provider);
    let Table { values, operations } = serde_json::from_str(&text).expect("a table");
    let of_the_level = |row: Row| {
        let call = if branch.is_some() {
            row.branch
        } else {
            row.project
        }?;
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let id = row.id.unwrap_or_else(|| user.to_owned());
        let encoded = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        let mut path = path
            .replace("{id}", &id)
            .replace("{client_id}", &encoded(&id))
            .replace("{path}", &row.path);
        for (n, (name, value)) in row.query.iter().enumerate() {
            let value = encoded(value.as_str().expect("a text"));
            path += &format!("{}{name}={value}", if n == 0 { '?' } else { '&' });
        }
        Some(Operation {
            function: row.function,
            first: row.first,
            method: method.to_owned(),
            path,
            query: row.query,
            id,
            given_path: row.path,
            body: resolved(row.body, &values),
            status: row.status,
            answer: resolved(row.answer, &values),
        })
    };
    operations.into_iter().filter_map(of_the_level).collect()
}

fn resolved(value: Value, values: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => resolved(values[name].clone(), values),
            None => Value::String(text),
        },
        Value::Array(list) => list.into_iter().map(|it| resolved(it, values)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, it)| (name, resolved(it, values)))
                .collect()
        }
        other => other,
    }
}

impl Operation {
    /// The body as the simulator's ledger shows it.
    pub fn masked_body(&self) -> Value {
        let mut body = self.body.clone();
        for secret in ["client_secret", "password"] {
            if let Some(value) = body.get_mut(secret) {
                *value = "********".into();
            }
        }
        body
    }
}
