//! A plain client for the tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use neon_simulator::{Options, Simulator};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};

pub const KEY: &str = "napi_simulator";

pub fn simulator() -> Simulator {
    Simulator::start(Options::default()).unwrap()
}

pub fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .new_agent()
}

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.message())
    }
}

/// The rows of a table in JSON, where `<256>` is so many letters.
pub fn rows<T: DeserializeOwned>(table: &str) -> Vec<T> {
    let lengths = [56, 256, 257, 1 << 20];
    let table = lengths.iter().fold(table.to_owned(), |table, length| {
        table.replace(&format!("<{length}>"), &"a".repeat(*length))
    });
    serde_json::from_str(&table).unwrap()
}

/// Sends `path` (after the base URL) with the default key; a null body is none.
pub fn call(simulator: &Simulator, method: &str, path: &str, body: Value) -> Answer {
    send(&agent(), simulator.url(), method, path, KEY, body).unwrap()
}

pub fn send(
    agent: &Agent,
    base: &str,
    method: &str,
    path: &str,
    key: &str,
    body: Value,
) -> Result<Answer, ureq::Error> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{base}{path}"))
        .header("authorization", format!("Bearer {key}"))
        .header("x-request-id", "request-of-the-test");
    let response = if body.is_null() {
        agent.run(request.body(()).unwrap())
    } else {
        let request = request.header("content-type", "application/json");
        agent.run(request.body(body.to_string()).unwrap())
    };
    read(response?)
}

fn read(response: Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let (parts, mut body) = response.into_parts();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8_lossy(&body.read_to_vec()?).into_owned(),
    })
}

/// A connection on which a GET of the project's domains was sent.
pub fn raw(simulator: &Simulator, project: &str) -> TcpStream {
    let address = simulator.url()["http://".len()..]
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        stream,
        "GET /api/v2/projects/{project}/auth/domains HTTP/1.1\r\n\
         Host: {address}\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    )
    .unwrap();
    stream
}

pub fn read_all(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// No byte beyond `end` is read.
pub fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.extend(byte);
    }
    String::from_utf8(seen).unwrap()
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
