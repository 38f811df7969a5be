//! What a configuration is once it has what a document names: a second opinion on what `apply` does.

use serde_json::Value;

use super::documents::{DOMAINS, respell};

/// Equal for spellings of one origin.
pub fn origin(domain: &Value) -> usize {
    let mut known = DOMAINS.iter();
    let place = known.position(|known| domain == known || *domain == respell(known));
    place.expect("one of those above")
}

/// What `state`, an exported one, is once it has what `document` names.
pub fn overlaid(state: &Value, document: &Value) -> Value {
    let mut state = state.clone();
    for (section, wanted) in document.as_object().expect("a document") {
        let there = &mut state[section.as_str()];
        match section.as_str() {
            "domains" => add_domains(there, wanted),
            "oauth_providers" => {
                for (id, wanted) in wanted.as_object().expect("providers") {
                    let there = &mut there[id.as_str()];
                    merge(there, wanted);
                    let kind = match there.get("client_id") {
                        Some(_) => "standard",
                        None => "shared",
                    };
                    there["type"] = kind.into();
                    hide(there, "client_secret");
                }
            }
            "email_server" => {
                merge(there, wanted);
                if there["type"] == "shared" {
                    let fields = there.as_object_mut().expect("an object");
                    fields.retain(|name, _| name == "type" || name.starts_with("sender_"));
                }
                hide(there, "password");
            }
            _ => merge(there, wanted),
        }
    }
    state
}

fn add_domains(there: &mut Value, wanted: &Value) {
    let there = there.as_array_mut().expect("domains");
    let known: Vec<_> = there.iter().map(origin).collect();
    let wanted = wanted.as_array().expect("domains").iter();
    there.extend(wanted.filter(|it| !known.contains(&origin(it))).cloned());
}

fn merge(there: &mut Value, wanted: &Value) {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            for (name, wanted) in wanted {
                merge(there.entry(name.clone()).or_insert(Value::Null), wanted);
            }
        }
        (Value::Array(there), Value::Array(wanted)) if is_same_set(there, wanted) => {}
        (there, wanted) if wanted != "********" => *there = wanted.clone(),
        _ => {}
    }
}

fn is_same_set(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().all(|it| other.contains(it))
}

fn hide(there: &mut Value, name: &str) {
    let fields = there.as_object_mut().expect("an object");
    fields.remove("microsoft_tenant_id");
    if fields["type"] == "standard" {
        fields.insert(name.to_owned(), "********".into());
    }
}
