//! Answers that are not HTTP or not the JSON that a client can keep. They hold no state and do no
//! operation.

use axum::response::Response;

use super::answer::as_json;
use super::script::{End, Script, Step};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Malformed {
    /// `http09`: a page without status line and headers.
    Http09,
    /// `status-99`
    StatusTooShort,
    /// `status-999`
    StatusTooHigh,
    /// `chunks`: a chunk whose size is no number.
    Chunks,
    /// `overrun`: more body than its Content-Length says, on a connection that stays open for 50
    /// ms.
    Overrun,
}

impl Malformed {
    pub fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "http09" => Self::Http09,
            "status-99" => Self::StatusTooShort,
            "status-999" => Self::StatusTooHigh,
            "chunks" => Self::Chunks,
            "overrun" => Self::Overrun,
            _ => return None,
        })
    }

    pub fn script(self) -> Script {
        let bytes: &[u8] = match self {
            Self::Http09 => b"<html><body>It works!</body></html>\n",
            Self::StatusTooShort => b"HTTP/1.1 99 Early\r\ncontent-length: 2\r\n\r\n{}",
            Self::StatusTooHigh => b"HTTP/1.1 999 Late\r\ncontent-length: 2\r\n\r\n{}",
            Self::Chunks => {
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                  transfer-encoding: chunked\r\n\r\n2\r\n{\"\r\nwhat?\r\nid\":\"x\"}\r\n0\r\n\r\n"
            }
            Self::Overrun => {
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                  content-length: 10\r\n\r\n{\"id\":\"x\"}HTTP/1.1 200 OK\r\n\r\n"
            }
        };
        Script {
            status: None,
            steps: vec![
                Step::Write(bytes.to_vec()),
                Step::Pause(super::answer::IDLE),
            ],
            end: End::Finish,
        }
    }
}

/// Strings that JSON, Postgres or UTF-8 does not take, in each place where an operation reads a
/// string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BadString {
    /// `json-utf8`: bytes that are no UTF-8.
    Utf8,
    /// `json-surrogate`: half of a surrogate pair.
    Surrogate,
    /// `json-nul`: `\u0000`, valid in JSON but not in Postgres.
    Nul,
    /// `json-duplicate`: each field twice.
    Duplicate,
}

impl BadString {
    pub fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "json-utf8" => Self::Utf8,
            "json-surrogate" => Self::Surrogate,
            "json-nul" => Self::Nul,
            "json-duplicate" => Self::Duplicate,
            _ => return None,
        })
    }

    pub fn answer(self) -> Response {
        let string: &[u8] = match self {
            Self::Utf8 => b"\"a\xff\xfeb\"",
            Self::Surrogate => b"\"a\\ud800b\"",
            Self::Nul => b"\"a\\u0000b\"",
            Self::Duplicate => b"\"a\"",
        };
        let mut fields = Vec::new();
        for before in [
            &br#""type":"shared","sender_name":"#[..],
            br#","id":"#,
            br#","url":"#,
            br#","domains":[{"auth_provider":"stack","domain":"#,
            br#"}],"providers":[{"id":"google","type":"standard","client_id":"#,
        ] {
            fields.extend_from_slice(before);
            fields.extend_from_slice(string);
        }
        fields.extend_from_slice(b"}]");
        let mut body = b"{".to_vec();
        body.extend_from_slice(&fields);
        if self == Self::Duplicate {
            body.push(b',');
            body.extend_from_slice(&fields);
        }
        body.push(b'}');
        as_json(body)
    }
}
