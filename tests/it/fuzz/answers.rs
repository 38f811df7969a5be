//! Whatever bytes come back, a call ends in time, with a value or with an error that is safe to show,
//! and a write has been sent once.

use std::time::Duration;

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::oauth_providers::{self, Credentials};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::{domains, retry};
use neon_auth_admin::secret::Secret;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::fuzz;
use super::server::{CLIENT_SECRET, Call, KEY, Server, Then, split_head};
use crate::support::target;

/// For a machine that is busy with other tests.
const SLACK: Duration = Duration::from_secs(2);
const MAX_TEXT: usize = 2048;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "\r\n", "\n", "\r", "\r\n\r\n", "\0", " ", ":", "HTTP/1.1 ", "HTTP/1.0 200 OK", "HTTP/0.9",
    "HTTP/2 200", "100", "101", "199", "201", "204", "304", "307", "400", "423", "429", "500",
    "502", "503", "999", "Content-Length: ", "Content-Length: 0\r\n", "@LENGTH@", "-1",
    "18446744073709551616", "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n", "Content-Encoding: gzip\r\n", "Connection: close\r\n",
    "Connection: keep-alive\r\n", "Location: /elsewhere\r\n", "Retry-After: 1\r\n",
    "Trailer: X\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "5;ext=1\r\n", "@REQUEST@", "@FILL@",
    "napi_fuzz_canary", "s3c\\\"ret\\\\canary", "{", "}", "[", "]", "\"", "\\", "\\u0000",
    "\\ud800", "\\u202e", "\u{1b}[2J", "null", "1e999", "\"message\":", "\"code\":", "\"domains\":",
    "\"id\":\"google\"", "\"type\":\"standard\"", ",",
];

#[rustfmt::skip]
const STATUSES: &[&str] = &[
    "200 OK", "201 Created", "204 No Content", "206 Partial", "299 ?", "101 Switching", "301 Moved",
    "400 Bad", "401 No", "403 No", "404 No", "409 No", "422 No", "423 Locked", "429 Slow", "500 No",
    "502 No", "503 No", "504 No", "524 No",
];

const BODIES: &[&str] = &[
    r#"{"domains":[{"domain":"https://a.example.com","auth_provider":"stack"}]}"#,
    r#"{"id":"google","type":"standard","client_id":"c","client_secret":"s3c\"ret\\canary"}"#,
    r#"{"message":"@REQUEST@","code":"@REQUEST@"}"#,
    r#"{"message":"key napi_fuzz_canary, secret s3c\"ret\\canary","code":""}"#,
    r#"{"message":"a\u001b[2J\u202e\r\n\u0000b","request_id":"r","code":"napi_fuzz_canary"}"#,
    r#"{"message":"@FILL@"}"#,
    r#"{"message":"\ud800"}"#,
    "<html>napi_fuzz_canary</html>",
    "",
];

/// Answers whose head and framing fit, or nearly.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        4 => select(STATUSES).prop_map(str::to_owned),
        1 => (0_u32..1200).prop_map(|status| format!("{status} ?")),
    ];
    let headers = vec(select(&WORDS[25..38]), 0..2).prop_map(|headers| headers.concat());
    let length = prop_oneof![
        3 => Just("@LENGTH@".to_owned()),
        1 => (0_u32..200).prop_map(|length| length.to_string()),
    ];
    let framing = prop_oneof![
        length.prop_map(Framing::Length),
        (
            1_usize..40,
            select(&["0\r\n\r\n", "0\r\n", "", "0\r\nX: y\r\n\r\n", "-1\r\n"][..])
        )
            .prop_map(|(size, end)| Framing::Chunks(size, end)),
        Just(Framing::Close),
    ];
    let body = prop_oneof![
        3 => select(BODIES).prop_map(str::to_owned),
        1 => vec(select(WORDS), 0..12).prop_map(|words| words.concat()),
    ];
    let parts = (status, headers, framing, body);
    let framed = parts.prop_map(|(status, headers, framing, body)| {
        let (header, body) = framing.apply(body);
        format!("HTTP/1.1 {status}\r\n{headers}{header}\r\n{body}").into_bytes()
    });
    prop_oneof![4 => framed, 1 => vec(any::<u8>(), 0..300)]
}

#[derive(Clone, Debug)]
enum Framing {
    Length(String),
    /// Chunks of this size, and how they end.
    Chunks(usize, &'static str),
    Close,
}

impl Framing {
    fn apply(self, body: String) -> (String, String) {
        match self {
            Self::Length(length) => (format!("Content-Length: {length}\r\n"), body),
            Self::Close => (String::new(), body),
            Self::Chunks(size, end) => {
                let chunks = body.as_bytes().chunks(size).map(|chunk| {
                    let text = String::from_utf8_lossy(chunk);
                    format!("{:x}\r\n{text}\r\n", chunk.len())
                });
                let body = chunks.chain([end.to_owned()]).collect();
                ("Transfer-Encoding: chunked\r\n".to_owned(), body)
            }
        }
    }
}

#[test]
fn answers_that_end() {
    // Not enough to wait for a lock: waits take no time here, so that there would be no end of requests.
    let timeout = retry::TIME_FOR_WORK;
    let (read, write) = (
        server(timeout, 1, Then::Close),
        server(timeout, 3, Then::Close),
    );
    fuzz("answers", 1, WORDS, answers(), |answer| {
        assert_safe(&read, &write, timeout, answer);
    });
}

/// Fewer: an answer that seems to go on is waited for until the time is up.
#[test]
fn answers_that_stay_open() {
    let timeout = Duration::from_millis(60);
    let (read, write) = (
        server(timeout, 1, Then::StayOpen),
        server(timeout, 3, Then::StayOpen),
    );
    fuzz("answers", 8, WORDS, answers(), |answer| {
        assert_safe(&read, &write, timeout, answer);
    });
}

fn server(timeout: Duration, max_attempts: u32, then: Then) -> Server {
    Server::new(timeout, max_attempts, then)
}

fn assert_safe(read: &Server, write: &Server, timeout: Duration, answer: &[u8]) {
    let secret = Secret::new(CLIENT_SECRET);
    let list = domains::list(&target()).expect("valid");
    let call = until_it_arrives(read, answer, &list);
    assert_eq!(call.requests, 1, "a read with one attempt");
    let listed = assert_safe_call(&list, call, timeout);
    if let Some(body) = listed {
        assert!(body["domains"].is_array(), "{body}");
    }

    let credentials = Credentials {
        client_id: Some("c"),
        client_secret: Some(&secret),
        microsoft_tenant_id: None,
    };
    let add = oauth_providers::add(&target(), "google", credentials).expect("valid");
    let call = until_it_arrives(write, answer, &add);
    match final_status(&call.answer) {
        // Neon promises that it did nothing.
        Some(423 | 429 | 503) => assert!((1..=3).contains(&call.requests), "{}", call.requests),
        _ => assert_eq!(call.requests, 1, "a write is sent once"),
    }
    let added = assert_safe_call(&add, call, timeout);
    if let Some(body) = added {
        assert!(body["id"].is_string() && body["type"].is_string(), "{body}");
    }
}

/// On a busy machine the time may be up before the request arrives: then it is made again.
fn until_it_arrives<T>(server: &Server, answer: &[u8], request: &Request<T>) -> Call<T> {
    (0..50)
        .map(|_| server.call(answer, request))
        .find(|call| call.requests > 0)
        .expect("a request arrives")
}

/// The body of a success, if it is plain to see.
fn assert_safe_call<T>(request: &Request<T>, call: Call<T>, timeout: Duration) -> Option<Value> {
    assert!(call.took < timeout + SLACK, "took {:?}", call.took);
    let status = final_status(&call.answer);
    let Err(error) = call.result else {
        let status = status.expect("success needs a status");
        assert!((200..=299).contains(&status), "success with {status}");
        return plain_body(&call.answer);
    };
    assert_safe_error(&error, request.secrets());
    let may_be_done = matches!(error.kind, ErrorKind::OutcomeUnknown);
    if may_be_done {
        assert_eq!(request.safety(), retry::Safety::Once, "{error:?}");
        assert!(error.advice.is_some(), "where to look: {error:?}");
    }
    assert_ne!(error.kind, ErrorKind::Unreachable, "it was sent");
    None
}

/// `secrets` are those of the request; a secret that it does not carry is nothing to the client.
fn assert_safe_error(error: &Error, secrets: &[Secret]) {
    let texts = [Some(&error.message), error.detail.as_ref()];
    for text in texts.into_iter().flatten() {
        let shows = |secret: &str| text.contains(secret);
        assert!(!shows(KEY), "the key in {text:?}");
        for secret in secrets {
            let json = serde_json::Value::from(secret.expose()).to_string();
            let is_shown = shows(secret.expose()) || shows(json.trim_matches('"'));
            assert!(!is_shown, "a secret in {text:?}");
        }
        assert!(text.len() <= MAX_TEXT, "{} bytes: {text:?}", text.len());
        let is_harmful = |c: char| {
            c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(is_harmful), "{text:?}");
    }
}

/// The status of the first head that is not an interim one. Readers of HTTP are told to put up with
/// empty lines before a head, and with lines that end without a CR.
fn final_status(answer: &[u8]) -> Option<u16> {
    let is_empty = |line: &&[u8]| line.is_empty() || *line == b"\r";
    let mut lines = answer.split(|&byte| byte == b'\n');
    loop {
        let line = String::from_utf8_lossy(lines.find(|line| !is_empty(line))?);
        let status = line.split(' ').nth(1)?.get(..3)?.parse().ok()?;
        if !(100..=199).contains(&status) || status == 101 {
            return Some(status);
        }
        lines.find(is_empty)?;
    }
}

/// What the body is, where the head makes that plain to see.
fn plain_body(answer: &[u8]) -> Option<Value> {
    if !answer.starts_with(b"HTTP/1.1 2") {
        return None;
    }
    let (head, body) = split_head(answer)?;
    let head = std::str::from_utf8(head).ok()?;
    let mut length = None;
    let mut lines = head.split("\r\n");
    if lines.next()?.contains('\n') {
        return None; // a header that ends the first line in its own way
    }
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        let is_odd = name.is_empty() || line.contains(['\r', '\n', '\0']);
        match name.to_ascii_lowercase().as_str() {
            _ if is_odd => return None,
            "transfer-encoding" => return None,
            "content-length" if length.is_some() => return None,
            "content-length" => length = Some(value.trim().parse().ok()?),
            _ => {}
        }
    }
    let body = &body[..length.unwrap_or(body.len())];
    // Numbers and strings that nobody reads may be such that `Value` cannot hold them.
    serde_json::from_slice::<IgnoredAny>(body).expect("JSON, and all of it");
    serde_json::from_slice(body).ok()
}
