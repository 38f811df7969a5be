//! The ledger: what arrived, in order, with secrets masked. It knows nothing of how requests are
//! answered.
//!
//! It keeps the newest [`CAPACITY`] requests: a benchmark sends millions, and their entries would
//! take gigabytes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub const CAPACITY: usize = 100_000;
const MASK: &str = "********";
const SECRET_FIELDS: [&str; 2] = ["client_secret", "password"];

/// One request as it arrived.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recorded {
    /// Counts all requests since the start, from 1; clearing the ledger does not reset it.
    pub n: u64,
    /// The number of the TCP connection, counted from 1 over both listeners.
    pub connection: u64,
    pub tls: bool,
    pub method: String,
    /// What follows `/api/v2`, with the query.
    pub path: String,
    /// From the path, or from the body where the path has none; or the organization of the query.
    pub project: Option<String>,
    /// Whether the request carried one of the API keys.
    pub authorized: bool,
    /// Which of them, counted from 0.
    pub api_key: Option<usize>,
    pub user_agent: Option<String>,
    /// The `X-Request-ID` that was sent.
    pub request_id: Option<String>,
    /// Every header except `authorization`, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Null if there was none or it was not JSON; `client_secret` and `password` are masked.
    pub body: Value,
    /// Null until an answer was begun.
    pub status: Option<u16>,
    /// For who runs the simulator in his own process.
    #[serde(skip, default = "Instant::now")]
    pub arrived: Instant,
}

#[derive(Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    last: u64,
    list: VecDeque<Recorded>,
}

impl Ledger {
    /// Numbers the request, masks its body and keeps it.
    pub fn record(&self, mut request: Recorded) -> u64 {
        mask(&mut request.body);
        let mut entries = self.lock();
        entries.last += 1;
        request.n = entries.last;
        if entries.list.len() == CAPACITY {
            entries.list.pop_front();
        }
        entries.list.push_back(request);
        entries.last
    }

    pub fn answered(&self, n: u64, status: u16) {
        let mut entries = self.lock();
        // The entry is gone if the ledger was cleared meanwhile, or filled by others.
        if let Ok(index) = entries.list.binary_search_by_key(&n, |entry| entry.n) {
            entries.list[index].status = Some(status);
        }
    }

    pub fn all(&self) -> Vec<Recorded> {
        self.lock().list.iter().cloned().collect()
    }

    pub fn of(&self, project: &str) -> Vec<Recorded> {
        self.lock()
            .list
            .iter()
            .filter(|entry| entry.project.as_deref() == Some(project))
            .cloned()
            .collect()
    }

    pub fn clear(&self) {
        self.lock().list.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().expect("no holder of this lock panics")
    }
}

/// The headers as the ledger keeps them; repeated ones are joined by commas.
pub fn visible(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut visible: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        if name == AUTHORIZATION {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        visible
            .entry(name.to_string())
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    visible
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if SECRET_FIELDS.contains(&name.as_str()) && !field.is_null() {
                    *field = MASK.into();
                } else {
                    mask(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_requests_are_kept() {
        let ledger = Ledger::default();
        let entry: Recorded = serde_json::from_value(serde_json::json!({
            "n": 0, "connection": 1, "tls": false, "method": "GET", "path": "/", "project": null,
            "authorized": true, "user_agent": null, "request_id": null, "headers": {},
            "body": null, "status": null,
        }))
        .unwrap();
        for _ in 0..CAPACITY + 2 {
            let n = ledger.record(entry.clone());
            ledger.answered(n, 200);
        }
        ledger.answered(1, 500);
        let kept = ledger.all();
        let numbers = kept.iter().map(|entry| entry.n);
        assert!(numbers.eq(3..=CAPACITY as u64 + 2));
        assert!(kept.iter().all(|entry| entry.status == Some(200)));
    }
}
