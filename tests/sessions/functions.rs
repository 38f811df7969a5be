//! The functions of the extension as the catalog has them, and a value for each of their arguments, so
//! that what must hold for every function is tried with every one. It knows no function but those that
//! make and delete what the others need.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use postgres::{Client, Row};
use serde::Deserialize;
use serde_json::Value;

use crate::operations::operations;
use crate::support::{connect, one};

/// Of arguments that are in no body, or there with a value that not every function or level takes; with
/// its name alone, or for one function. NULL is what the default means.
const VALUES: [(&str, &str); 28] = [
    (
        "arguments",
        r#"'{"domain": "https://a.example.com"}'::jsonb"#,
    ),
    ("api_key", "'napi_1'"),
    ("body", "'{\"purpose\": \"unknown\"}'"),
    (
        "configuration",
        r#"'{"domains": ["https://sample.example.com"]}'"#,
    ),
    ("create_oauth_client.name", CLIENT),
    ("create_oauth_client.type", "'confidential'"),
    ("delete_oauth_client.client_id", CLIENT),
    ("id", "'microsoft'"),
    ("ids", "NULL"),
    ("include_deleted", "false"),
    ("method", "'POST'"),
    ("operation", "'add_domain'"),
    ("path", "'future'"),
    ("project_id", "NULL"),
    ("prune", "NULL"),
    ("resend", "false"),
    ("role", "NULL"),
    ("role_name", "NULL"),
    ("rotate_oauth_client_secret.client_id", CLIENT),
    ("search", "NULL"),
    ("server", "NULL"),
    ("show_secrets", "false"),
    ("timeout", "'0'"),
    ("type", "'standard'"),
    ("unmanaged", "false"),
    ("update_oauth_client.client_id", CLIENT),
    ("update_oauth_server.mcp", MCP),
    ("update_oauth_server.resources", RESOURCES),
];
/// As a name it makes a client that has it as its id.
const CLIENT: &str = "'https://client.example.com/id'";
const MCP: &str = r#"'{"resource": "https://mcp.example.com"}'"#;
const RESOURCES: &str = r#"'["https://api.example.com"]'"#;

/// The value of each argument by its name, wherever it occurs; each is taken at either level.
static SAMPLES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let branch = Some("br-main-000001");
    let operations = [operations("p", None, "u"), operations("p", branch, "u")];
    let given = operations
        .iter()
        .flatten()
        .flat_map(|it| it.body.as_object().into_iter().chain([&it.query]));
    let fields = given
        .flatten()
        .map(|(name, value)| (name.clone(), literal(value)));
    let values = VALUES.map(|(name, value)| (name.to_owned(), value.to_owned()));
    fields.chain(values).collect()
});

/// A value of a body as SQL has it.
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(literal).collect();
            format!("ARRAY[{}]::text[]", values.join(", "))
        }
        Value::Object(fields) => match fields.get("domain") {
            // Of a list of domains.
            Some(domain) => literal(domain),
            None => literal(&value.to_string().into()),
        },
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
pub struct Function {
    pub name: String,
    /// Whether it changes something at Neon: the manual says so.
    pub writes: bool,
    is_local: bool,
    pub arguments: Vec<Argument>,
}

#[derive(Deserialize)]
pub struct Argument {
    pub name: String,
    pub kind: String,
    /// Whether NULL stands for its default.
    pub may_be_null: bool,
}

const FUNCTIONS: &str = "
    SELECT json_build_object('name', proname, 'writes', effect = 'writes', 'is_local', effect = 'local', 'arguments', (
        SELECT coalesce(json_agg(json_build_object('name', name, 'kind', format_type(type, NULL), 'may_be_null',
            coalesce(pg_get_function_arg_default(oid, n::integer) LIKE 'NULL::%', false)) ORDER BY n), '[]')
        FROM unnest(proargtypes::oid[], proargnames[:pronargs]) WITH ORDINALITY AS one (type, name, n)
    ))::text
    FROM pg_proc JOIN neon_auth_admin.functions AS manual ON manual.name = proname
    WHERE pronamespace = 'neon_auth_admin'::regnamespace AND prokind = 'f' AND prorettype <> 'trigger'::regtype
    ORDER BY proname <> 'create_integration', proname <> 'update_oauth_server', proname LIKE 'delete%', proname = 'delete_integration',
        effect <> 'writes', proname";

/// All of them in the database of that session, in an order in which what one makes is there for the next. A
/// superuser asks: that session need not be one that may use the schema, or that has loaded the library.
pub fn functions(session: &mut Client) -> Vec<Function> {
    let database: String = one(session, "SELECT current_database()::text").get(0);
    let mut admin = connect(&database, "postgres");
    let rows = admin.query(FUNCTIONS, &[]).expect("the functions");
    assert!(!rows.is_empty(), "there are functions");
    let function = |row: &Row| serde_json::from_str(row.get(0)).expect("a function");
    rows.iter().map(function).collect()
}

/// Each argument, with its function.
pub fn arguments(functions: &[Function]) -> impl Iterator<Item = (&Function, &Argument)> {
    functions
        .iter()
        .flat_map(|it| it.arguments.iter().map(move |argument| (it, argument)))
}

impl Argument {
    /// A value of a body as SQL has it for this argument.
    pub fn literal(&self, value: &Value) -> String {
        match self.kind.as_str() {
            "jsonb" => literal(&value.to_string().into()),
            _ => literal(value),
        }
    }

    /// An expression for it with this text in it, if it has texts.
    pub fn with(&self, text: &str) -> Option<String> {
        match self.kind.as_str() {
            "text" => Some(text.to_owned()),
            "text[]" => Some(format!("ARRAY[{text}]")),
            _ => None,
        }
    }
}

impl Function {
    /// Whether it asks Neon. The others look at this database.
    pub fn calls_neon(&self) -> bool {
        !self.is_local
    }

    /// Whether its requests are those of other functions.
    pub fn is_made_of_others(&self) -> bool {
        ["apply", "export_configuration", "plan"].contains(&self.name.as_str())
    }

    /// How many requests a reader sends at branch level.
    pub fn reads(&self) -> usize {
        match self.name.as_str() {
            "export_configuration" => 6,
            _ => 1,
        }
    }

    /// Whether it is about calls that are made later: what it takes and says is in `queue`.
    pub fn is_of_the_queue(&self) -> bool {
        self.name == "enqueue" || self.name.ends_with("_queued")
    }

    /// Whether what is wrong is a row, and no error.
    pub fn is_a_report(&self) -> bool {
        self.name == "check_connection"
    }

    pub fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|it| it.name == argument)
    }

    /// A call with every argument by its name: with what is given, or else with its sample.
    pub fn call(&self, given: &[(&str, &str)]) -> String {
        let argument = |Argument { name, kind, .. }: &Argument| {
            let given = given.iter().find(|(known, _)| known == name);
            let value = given.map(|(_, value)| *value);
            let sample = |name: &str| SAMPLES.get(name).map(String::as_str);
            let value = value.or_else(|| (kind == "bigint").then_some("1"));
            let value = value.or_else(|| sample(&format!("{}.{name}", self.name)));
            let value = value.or_else(|| sample(name));
            let value = value.unwrap_or_else(|| panic!("{name} has no value"));
            format!("{name} => {value}")
        };
        let arguments: Vec<_> = self.arguments.iter().map(argument).collect();
        format!("{}({})", self.name, arguments.join(", "))
    }
}
