//! The functions of the extension as the catalog has them, and a value for each of their arguments, so
//! that what must hold for every function is tried with every one. It knows no function but those that
//! make and delete what the others need.

use postgres::{Client, Row};
use serde::Deserialize;

/// By the argument's name; each is taken at either level of the API. NULL is what the default means.
const VALUES: [(&str, &str); 45] = [
    ("allow_localhost", "true"),
    ("api_key", "'napi_1'"),
    ("auto_sign_in_after_verification", "true"),
    ("branch_id", "'br-main-000001'"),
    ("client_id", "'id-1'"),
    ("client_secret", "'s3cret'"),
    ("creator_role", "'admin'"),
    ("database_name", "'neondb'"),
    ("delete_data", "true"),
    ("disable_sign_up", "false"),
    ("domain", "'https://a.example.com'"),
    ("domains", "'{https://a.example.com}'"),
    ("email", "'ada@example.com'"),
    ("email_verification_method", "'otp'"),
    ("enabled", "true"),
    ("enabled_events", "'{user.created,send.otp}'"),
    ("expires_in", "10"),
    ("host", "'smtp.example.com'"),
    ("id", "'microsoft'"),
    ("include_deleted", "false"),
    ("membership_limit", "50"),
    ("microsoft_tenant_id", "'tenant-1'"),
    ("name", "'Example'"),
    ("organization_limit", "5"),
    ("otp_expires_in", "60"),
    ("password", "'s3cret'"),
    ("port", "587"),
    ("project_id", "NULL"),
    ("recipient_email", "'ada@example.com'"),
    ("require_email_verification", "true"),
    ("role", "NULL"),
    ("role_name", "NULL"),
    ("roles", "'{admin,user}'"),
    ("send_invitation_email", "false"),
    ("send_verification_email_on_sign_in", "false"),
    ("send_verification_email_on_sign_up", "true"),
    ("sender_email", "'no-reply@example.com'"),
    ("sender_name", "'Example'"),
    ("server", "NULL"),
    ("show_secrets", "false"),
    ("timeout", "'0'"),
    ("timeout_seconds", "10"),
    ("type", "'standard'"),
    ("username", "'mailer'"),
    ("webhook_url", "'https://hooks.example.com'"),
];

#[derive(Deserialize)]
pub struct Function {
    pub name: String,
    /// Whether it changes something at Neon: its comment says so.
    pub writes: bool,
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
    SELECT json_build_object('name', proname, 'writes', writes, 'arguments', (
        SELECT json_agg(json_build_object('name', name, 'kind', format_type(type, NULL), 'may_be_null',
            coalesce(pg_get_function_arg_default(oid, n::integer) LIKE 'NULL::%', false)) ORDER BY n)
        FROM unnest(proargtypes::oid[], proargnames[:pronargs]) WITH ORDINALITY AS one (type, name, n)
    ))::text
    FROM pg_proc, LATERAL (
        SELECT obj_description(oid, 'pg_proc') LIKE '%Not undone by ROLLBACK'
    ) AS comment (writes)
    WHERE pronamespace = 'neon_auth_admin'::regnamespace
    ORDER BY proname <> 'create_integration', proname LIKE 'delete%', proname = 'delete_integration',
        NOT writes, proname";

/// All of them, in an order in which what one makes is there for the next.
pub fn functions(session: &mut Client) -> Vec<Function> {
    let rows = session.query(FUNCTIONS, &[]).expect("the functions");
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
        !["list_users", "set_api_key", "wait_for_user"].contains(&self.name.as_str())
    }

    /// Whether what is wrong is a row, and no error.
    pub fn is_a_report(&self) -> bool {
        self.name == "check_connection"
    }

    pub fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|it| it.name == argument)
    }

    /// A call with every argument by its name: with what is given, or else with its value above.
    pub fn call(&self, given: &[(&str, &str)]) -> String {
        let argument = |name: &str| {
            let known = given
                .iter()
                .chain(&VALUES)
                .find(|(known, _)| *known == name);
            let (_, value) = known.unwrap_or_else(|| panic!("{name} has no value"));
            format!("{name} => {value}")
        };
        let arguments: Vec<_> = self.arguments.iter().map(|it| argument(&it.name)).collect();
        format!("{}({})", self.name, arguments.join(", "))
    }
}
