//! Answers that are not HTTP or not the JSON that a client can keep. They hold no state and do no
//! operation.

use axum::response::Response;

use super::answer::as_json;
use super::script::{End, Script, Step};

/// What a read and a write could both be content with, so that only its frame is at fault.
const DOCUMENT: &str = r#"{"id":"x","domains":[]}"#;

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
    /// `chunks-cut`: a whole document, and FIN where the last chunk is due.
    ChunksCut,
    /// `chunks-overflow`: a chunk whose size does not fit into 64 bits.
    ChunksOverflow,
    /// `length-short`: half of the document under its Content-Length.
    LengthShort,
    /// `length-long`: a whole document under a larger Content-Length, then FIN.
    LengthLong,
    /// `length-garbage`: a Content-Length that is no number.
    LengthGarbage,
    /// `length-twice`: two Content-Lengths that differ.
    LengthTwice,
    /// `early-hints`: valid HTTP, but not often seen: a 103 before the answer.
    EarlyHints,
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
            "chunks-cut" => Self::ChunksCut,
            "chunks-overflow" => Self::ChunksOverflow,
            "length-short" => Self::LengthShort,
            "length-long" => Self::LengthLong,
            "length-garbage" => Self::LengthGarbage,
            "length-twice" => Self::LengthTwice,
            "early-hints" => Self::EarlyHints,
            "overrun" => Self::Overrun,
            _ => return None,
        })
    }

    pub fn script(self) -> Script {
        let answer = |fields: &str, body: &str| {
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}\r\n{body}")
        };
        let length = |length: &str| format!("content-length: {length}\r\n");
        let chunked = |rest: &str| {
            let first = format!("{:x}\r\n{DOCUMENT}\r\n", DOCUMENT.len());
            answer("transfer-encoding: chunked\r\n", &(first + rest))
        };
        let whole = DOCUMENT.len();
        let text = match self {
            Self::Http09 => "<html><body>It works!</body></html>\n".to_owned(),
            Self::StatusTooShort => "HTTP/1.1 99 Early\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            Self::StatusTooHigh => "HTTP/1.1 999 Late\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            Self::Chunks => chunked("what?\r\n \r\n0\r\n\r\n"),
            Self::ChunksCut => chunked(""),
            Self::ChunksOverflow => chunked("10000000000000000\r\n \r\n0\r\n\r\n"),
            Self::LengthShort => answer(&length(&(whole / 2).to_string()), DOCUMENT),
            Self::LengthLong => answer(&length(&(whole + 1).to_string()), DOCUMENT),
            Self::LengthGarbage => answer(&length("many"), DOCUMENT),
            Self::LengthTwice => {
                let both = length(&whole.to_string()) + &length("10");
                answer(&both, DOCUMENT)
            }
            Self::EarlyHints => {
                let hints = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n";
                hints.to_owned() + &answer(&length(&whole.to_string()), DOCUMENT)
            }
            Self::Overrun => {
                let answer = answer(&length(&whole.to_string()), DOCUMENT);
                answer + "HTTP/1.1 200 OK\r\n\r\n"
            }
        };
        Script {
            status: None,
            steps: vec![
                Step::Write(text.into_bytes()),
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
            br#","name":"#,
            br#","enabled":true,"webhook_url":"#,
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
