//! Owns the operations that can be queued, and the way from a name and arguments in JSON to the request
//! that the function of that name sends. It knows nothing of when it is sent.

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::Endpoint;
use crate::neon::request::Request;
use crate::neon::target::Target;
use crate::neon::users::AuthUser;
use crate::neon::{domains, users};

/// Operations that end the same when they are repeated, and have no secret in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateUser,
    DeleteUser,
    SetUserRoles,
    AddDomain,
    DeleteDomain,
}

impl Operation {
    pub const ALL: [Self; 5] = [
        Self::CreateUser,
        Self::DeleteUser,
        Self::SetUserRoles,
        Self::AddDomain,
        Self::DeleteDomain,
    ];

    /// By the name of its function.
    pub fn named(name: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name() == name)
            .ok_or_else(|| Error::not_for_the_queue(&Self::ALL.map(Self::name)))
    }

    pub fn name(self) -> &'static str {
        self.endpoint().function
    }

    pub fn endpoint(self) -> &'static Endpoint {
        match self {
            Self::CreateUser => &users::CREATE_USER,
            Self::DeleteUser => &users::DELETE_USER,
            Self::SetUserRoles => &users::SET_USER_ROLES,
            Self::AddDomain => &domains::ADD_DOMAIN,
            Self::DeleteDomain => &domains::DELETE_DOMAIN,
        }
    }

    /// The names of its arguments, as the function has them; the server is none of them.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::CreateUser => &["email", "name"],
            Self::DeleteUser => &["id"],
            Self::SetUserRoles => &["id", "roles"],
            Self::AddDomain | Self::DeleteDomain => &["domain"],
        }
    }
}

/// An operation with its arguments, all of which have the right types.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    CreateUser { email: String, name: Option<String> },
    DeleteUser { id: String },
    SetUserRoles { id: String, roles: Vec<String> },
    AddDomain { domain: String },
    DeleteDomain { domain: String },
}

/// A request with what is made of its answer.
pub enum Prepared {
    /// Answers the new id.
    User(Request<AuthUser>),
    Plain(Request<()>),
}

/// Longer subjects are told apart by their beginning alone, which may put two calls into an order that
/// need none. An index holds them.
const MAX_SUBJECT: usize = 400;

impl Call {
    pub fn new(operation: Operation, arguments: &Value) -> Result<Self, Error> {
        let Value::Object(arguments) = arguments else {
            let expected = "an object with the function's arguments by their names";
            return Err(Error::invalid_argument("arguments", expected));
        };
        let known = operation.arguments();
        if let Some(unknown) = arguments
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(Error::unknown_argument(operation.name(), unknown, known));
        }
        Ok(match operation {
            Operation::CreateUser => Self::CreateUser {
                email: required(arguments, "email")?,
                name: optional(arguments, "name")?,
            },
            Operation::DeleteUser => Self::DeleteUser {
                id: required(arguments, "id")?,
            },
            Operation::SetUserRoles => Self::SetUserRoles {
                id: required(arguments, "id")?,
                roles: texts(arguments, "roles")?,
            },
            Operation::AddDomain => Self::AddDomain {
                domain: required(arguments, "domain")?,
            },
            Operation::DeleteDomain => Self::DeleteDomain {
                domain: required(arguments, "domain")?,
            },
        })
    }

    /// The request that the function of that name sends; its checks are those of the function.
    pub fn request(&self, target: &Target) -> Result<Prepared, Error> {
        Ok(match self {
            Self::CreateUser { email, name } => {
                Prepared::User(users::create(target, email, name.as_deref())?)
            }
            Self::DeleteUser { id } => Prepared::Plain(users::delete(target, id)?),
            Self::SetUserRoles { id, roles } => {
                let roles: Vec<_> = roles.iter().map(String::as_str).collect();
                Prepared::Plain(users::set_roles(target, id, &roles)?)
            }
            Self::AddDomain { domain } => Prepared::Plain(domains::add(target, domain)?),
            Self::DeleteDomain { domain } => Prepared::Plain(domains::delete(target, domain)?),
        })
    }

    /// The same, when an earlier attempt may have been carried out: that a user is not there is then what
    /// was wanted.
    pub fn repeated(&self, target: &Target) -> Result<Prepared, Error> {
        match self.request(target)? {
            Prepared::Plain(request) if matches!(self, Self::DeleteUser { .. }) => {
                Ok(Prepared::Plain(users::or_gone(request)))
            }
            request => Ok(request),
        }
    }

    /// What it is about: calls of one subject are made in their order. Addresses are alike at Neon whatever
    /// their case.
    pub fn subject(&self) -> String {
        match self {
            Self::CreateUser { email, .. } => Self::subject_of(email),
            Self::DeleteUser { id } | Self::SetUserRoles { id, .. } => cut(format!("user {id}")),
            Self::AddDomain { domain } | Self::DeleteDomain { domain } => {
                cut(format!("domain {domain}"))
            }
        }
    }

    /// That of calls about the user with an address.
    pub fn subject_of(email: &str) -> String {
        cut("address ".to_owned() + &email.to_lowercase())
    }

    /// What the function returns, by name; the id of a new user where that is known.
    pub fn result(&self, id: Option<&str>) -> Value {
        match self {
            Self::CreateUser { email, name } => json!({"id": id, "email": email, "name": name}),
            Self::DeleteUser { id } | Self::SetUserRoles { id, .. } => json!({"id": id}),
            Self::AddDomain { domain } | Self::DeleteDomain { domain } => json!({"domain": domain}),
        }
    }
}

fn cut(mut subject: String) -> String {
    subject.truncate(subject.floor_char_boundary(MAX_SUBJECT));
    subject
}

fn optional(arguments: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid_argument(name, "text")),
    }
}

fn required(arguments: &Map<String, Value>, name: &str) -> Result<String, Error> {
    optional(arguments, name)?.ok_or_else(|| Error::null_argument(name))
}

fn texts(arguments: &Map<String, Value>, name: &str) -> Result<Vec<String>, Error> {
    let values = match arguments.get(name) {
        None | Some(Value::Null) => return Err(Error::null_argument(name)),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(Error::invalid_argument(name, "an array of texts")),
    };
    argument::number_of_elements(name, values.len())?;
    let text = |(value, n): (&Value, usize)| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Err(Error::null_argument(&format!("{name}[{n}]"))),
        _ => Err(Error::invalid_argument(&format!("{name}[{n}]"), "text")),
    };
    values.iter().zip(1..).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &str, arguments: Value) -> Result<Call, Error> {
        Call::new(Operation::named(operation)?, &arguments)
    }

    #[test]
    fn arguments_by_name() {
        let target = Target::new("p", Some("br-a"), None).expect("a target");
        let cases = [
            (
                "create_user",
                json!({"email": "Ada@example.com"}),
                "address ada@example.com",
            ),
            (
                "create_user",
                json!({"email": "a@b", "name": null}),
                "address a@b",
            ),
            ("delete_user", json!({"id": "u1"}), "user u1"),
            (
                "set_user_roles",
                json!({"id": "u1", "roles": ["admin"]}),
                "user u1",
            ),
            (
                "add_domain",
                json!({"domain": "https://a.b"}),
                "domain https://a.b",
            ),
            (
                "delete_domain",
                json!({"domain": "https://a.b"}),
                "domain https://a.b",
            ),
        ];
        for (operation, arguments, subject) in cases {
            let call = call(operation, arguments).expect(operation);
            assert_eq!(call.subject(), subject);
            assert!(call.request(&target).is_ok(), "{operation}");
        }
    }

    #[test]
    fn what_is_refused() {
        let null = |name: &str| format!("argument \"{name}\" must not be null");
        let invalid = |name: &str| format!("invalid value for argument \"{name}\"");
        let cases = [
            ("create_user", json!({}), null("email")),
            ("create_user", json!({"email": null}), null("email")),
            ("create_user", json!({"email": 1}), invalid("email")),
            (
                "create_user",
                json!({"email": "a@b", "name": {}}),
                invalid("name"),
            ),
            (
                "set_user_roles",
                json!({"id": "u", "roles": "x"}),
                invalid("roles"),
            ),
            (
                "set_user_roles",
                json!({"id": "u", "roles": ["x", null]}),
                null("roles[2]"),
            ),
            ("delete_user", json!(["u"]), invalid("arguments")),
            (
                "delete_user",
                json!({"id": "u", "server": "s"}),
                "unknown argument \"server\"".into(),
            ),
            ("update_webhooks", json!({}), invalid("operation")),
        ];
        for (operation, arguments, message) in cases {
            let error = call(operation, arguments).expect_err(operation);
            assert_eq!(error.message, message);
        }
    }

    #[test]
    fn a_subject_fits_an_index() {
        let long = format!("https://{}", "é".repeat(2000));
        let subject = call("delete_domain", json!({"domain": long}))
            .expect("a call")
            .subject();
        assert!(subject.len() <= MAX_SUBJECT && subject.len() > MAX_SUBJECT - 4);
    }
}
