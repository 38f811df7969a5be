//! What each function sends at each level of the API: what the table of operations says. What a level
//! lacks is said before anything is sent.

use postgres::Error;
use postgres::error::SqlState;
use serde_json::{Value, json};

use crate::functions::{Argument, Function, functions, literal};
use crate::operations::{Operation, operations};
use crate::support::{Database, ledger, sqlstate, variable};

/// The call that makes this request: what is not in its body is NULL.
fn call(function: &Function, operation: &Operation) -> String {
    let Operation {
        id, body, query, ..
    } = operation;
    let given = |it: &Argument| match it.name.as_str() {
        "id" => Some(literal(body.get("id").unwrap_or(&json!(id)))),
        "client_id" if !it.may_be_null => Some(literal(&json!(id))),
        "method" => Some(literal(&json!(operation.method))),
        "path" => Some(literal(&json!(operation.given_path))),
        "body" if !body.is_null() => Some(literal(&json!(body.to_string()))),
        "domain" if body["domains"].is_array() => Some(literal(&body["domains"][0])),
        name => match body.get(name).or_else(|| query.get(name)) {
            Some(value) => Some(it.literal(value)),
            None => it.may_be_null.then(|| "NULL".to_owned()),
        },
    };
    let arguments = function.arguments.iter();
    let given: Vec<_> = arguments
        .filter_map(|it| given(it).map(|value| (it.name.as_str(), value)))
        .collect();
    let given: Vec<_> = given
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    function.call(&given)
}

/// What is said of a function that this level lacks.
fn assert_lacks(function: &str, branch: Option<&str>, error: &Error) {
    assert_eq!(
        sqlstate(error),
        SqlState::from_code("NA008"),
        "{function}: {error:?}"
    );
    let (with, this, other) = match branch {
        None => ("with", "project", "branch"),
        Some(_) => ("without", "branch", "project"),
    };
    let error = error.as_db_error().expect("of the server");
    assert_eq!(
        error.message(),
        format!("{function}() needs a server {with} a branch_id")
    );
    let detail = error.detail().unwrap_or_default();
    assert!(
        detail.starts_with(&format!("The {this}-level API, ")),
        "{detail}"
    );
    let hint = error.hint().unwrap_or_default();
    let names = format!("Name a {other}-level server in the argument \"server\"");
    assert!(hint.starts_with(&names), "{hint}");
}

/// Where every request is answered 500, so that no call depends on another.
#[test]
fn each_function_sends_what_the_table_says() {
    let database = Database::new("it_levels");
    for (level, branch) in [("project", None), ("branch", Some("br-main-000001"))] {
        let project = format!("fault-500--levels-{level}");
        let branch_id = branch.map_or(String::new(), |id| format!(", branch_id '{id}'"));
        let options = format!(", max_attempts '1'{branch_id}");
        database.add_server(level, &project, &variable("NEON_SIMULATOR_URL"), &options);
        let mut session = database.session_with(&format!("-c neon_auth_admin.server={level}"));
        let mut operations = operations(&project, branch, "u-1");
        let mut sent = vec![];
        let mut functions = functions(&mut session);
        functions.retain(|it| it.calls_neon() && !it.is_a_report() && !it.is_made_of_others());
        operations.retain(|it| {
            functions
                .iter()
                .any(|function| function.name == it.function)
        });
        for function in &functions {
            let mut fails = |call: &str| {
                let call = format!("SELECT neon_auth_admin.{call}");
                session.query(&call, &[]).expect_err(&call)
            };
            let before = sent.len();
            for operation in operations.iter().filter(|it| it.function == function.name) {
                let error = fails(&call(function, operation));
                sent.push((operation, error));
            }
            if sent.len() == before {
                assert_lacks(&function.name, branch, &fails(&function.call(&[])));
            }
        }
        assert_eq!(
            sent.len(),
            operations.len(),
            "all are requests of functions"
        );
        let ledger = ledger(&project);
        let mut arrived = ledger.as_array().into_iter().flatten();
        for (operation, error) in sent {
            let call = |it: &Value| format!("{} {}", it["method"], it["path"]).replace('"', "");
            let first = operation.first.as_ref();
            let asked = first.map(|_| arrived.next().map(call).unwrap_or_default());
            assert_eq!(asked.as_ref(), first, "{}", operation.function);
            let request = arrived.next().unwrap_or(&Value::Null);
            let arrived = json!([request["method"], request["path"], request["body"]]);
            let expected = json!([operation.method, operation.path, operation.masked_body()]);
            assert_eq!(arrived, expected, "{}: {error:?}", operation.function);
        }
        assert_eq!(arrived.next(), None, "and nothing else");
    }
}
