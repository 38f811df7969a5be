//! Faults chosen by project id: `fault-<kind>[-after<M>][-x<N>][--<tag>]`. It knows nothing of the
//! operations it spoils.
//!
//! With `-after<M>` the first M requests of that exact project id pass, and with `-x<N>` only N fail.
//! What follows `--` is a free tag, so that every test can have its own counter. The kinds are those
//! of [`Fault`].

pub mod answer;
mod malformed;
mod pages;
pub mod script;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::StatusCode;
use malformed::{BadString, Malformed};
use pages::Pages;

const STATUSES: [u16; 13] = [
    400, 401, 403, 404, 409, 422, 423, 429, 500, 502, 503, 504, 524,
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// `<status>`: the operation is not done; 502, 504 and 524 answer HTML as a CDN does.
    Status(StatusCode),
    /// `429-retry-<seconds>`, `429-retry-date`, `429-retry-garbage`.
    RetryAfter(RetryAfter),
    /// `slow-<ms>`: the operation is done at once, its answer comes late.
    Slow(Duration),
    /// `silent`: no answer, ever.
    Silent,
    /// `drip`: the normal answer, head and body, at one byte per 100 ms.
    Drip,
    /// `drip-body`: the normal answer, its body at one byte per 100 ms.
    DripBody,
    /// `reset`: not done; RST without a byte.
    Reset,
    /// `close`: not done; FIN without a byte.
    Close,
    /// `cut`: done; half of the body under the full Content-Length, then FIN.
    Cut,
    /// `html`: not done; 200 and an HTML page.
    Html,
    /// `empty`: not done; 200 and no body.
    Empty,
    /// `204`: not done.
    NoContent,
    /// `badjson`: not done; 200 and half a document under its own Content-Length.
    BadJson,
    /// `deepjson`: not done; 200 and arrays nested 10,000 deep.
    DeepJson,
    /// `huge`: not done; 200 and a chunked body without end.
    Huge,
    /// `huge-length`: not done; 200 and a body of 1 GB.
    HugeLength,
    /// `headers`: done; the normal answer with a header of 1 MiB.
    Headers,
    /// `headers-many`: done; the normal answer with 200 small headers.
    ManyHeaders,
    /// `headers-endless`: not done; a status line, and headers without end.
    EndlessHeaders,
    /// `gzip`: done; the normal answer compressed.
    Gzip,
    /// `gzip-bomb`: not done; 200 and 200 MiB of zeros as 200 KiB.
    GzipBomb,
    /// Not done; the kinds are there.
    Malformed(Malformed),
    /// Not done; the kinds are there.
    BadString(BadString),
    /// `extra`: done; unknown fields and unknown enum values in the answer.
    Extra,
    /// `redirect-<status>`: not done; to `/api/v2/elsewhere`.
    Redirect(StatusCode),
    /// `echo`: not done; 400 with the Authorization header and the body in the message.
    Echo,
    /// `long-message`: not done; 400 with a message of 10 KiB.
    LongMessage,
    /// `exists-400`, `exists-422`: not done; it exists already, as Better Auth says it: in code and
    /// message of a 400, in the message of a 422.
    Exists(StatusCode),
    /// Done; of lists, the kinds are there.
    Pages(Pages),
    /// `keepalive-close`, `keepalive-close-<ms>`: done; the normal answer, the idle connection is
    /// closed 50 or so many ms later, without a word of it in the answer.
    KeepAliveClose(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryAfter {
    Seconds(u64),
    Date,
    Garbage,
}

#[derive(Debug, PartialEq)]
pub struct Plan {
    pub fault: Fault,
    /// How many requests pass first.
    pub after: u64,
    /// How many requests fail then; all if `None`.
    pub times: Option<u64>,
}

/// The id begins with `fault-` and names no fault: a mistake in a test, which must not pass unseen.
#[derive(Debug, PartialEq)]
pub struct Unknown;

impl Plan {
    /// The plan that a project id stands for; `None` for ids that do not begin with `fault-`.
    pub fn of(project: &str) -> Option<Result<Self, Unknown>> {
        let rest = project.strip_prefix("fault-")?;
        let untagged = rest.split_once("--").map_or(rest, |(plan, _)| plan);
        let (rest, times) = counted(untagged, "-x");
        let (kind, after) = counted(rest, "-after");
        let plan = |fault| Self {
            fault,
            after: after.unwrap_or_default(),
            times,
        };
        Some(parse(kind).map(plan).ok_or(Unknown))
    }

    fn is_met_by(&self, count: u64) -> bool {
        let end = self.times.map(|times| self.after + times);
        count > self.after && end.is_none_or(|end| count <= end)
    }
}

/// Takes a number off the end of `text`, if it stands there after `word`.
fn counted<'a>(text: &'a str, word: &str) -> (&'a str, Option<u64>) {
    let parts = text.rsplit_once(word);
    let count = parts.and_then(|(rest, count)| Some((rest, count.parse().ok()?)));
    count.map_or((text, None), |(rest, count)| (rest, Some(count)))
}

fn parse(kind: &str) -> Option<Fault> {
    if let Some(status) = among(kind, &STATUSES) {
        return Some(Fault::Status(status));
    }
    if let Some(after) = kind.strip_prefix("429-retry-") {
        return Some(Fault::RetryAfter(match after {
            "date" => RetryAfter::Date,
            "garbage" => RetryAfter::Garbage,
            seconds => RetryAfter::Seconds(seconds.parse().ok()?),
        }));
    }
    if let Some(ms) = kind.strip_prefix("slow-") {
        return Some(Fault::Slow(Duration::from_millis(ms.parse().ok()?)));
    }
    if let Some(ms) = kind.strip_prefix("keepalive-close-") {
        let idle = Duration::from_millis(ms.parse().ok()?);
        return Some(Fault::KeepAliveClose(idle));
    }
    if let Some(status) = kind.strip_prefix("redirect-") {
        return among(status, &[301, 302, 303, 307, 308]).map(Fault::Redirect);
    }
    if let Some(status) = kind.strip_prefix("exists-") {
        return among(status, &[400, 422]).map(Fault::Exists);
    }
    Some(match kind {
        "silent" => Fault::Silent,
        "drip" => Fault::Drip,
        "drip-body" => Fault::DripBody,
        "reset" => Fault::Reset,
        "close" => Fault::Close,
        "cut" => Fault::Cut,
        "html" => Fault::Html,
        "empty" => Fault::Empty,
        "204" => Fault::NoContent,
        "badjson" => Fault::BadJson,
        "deepjson" => Fault::DeepJson,
        "huge" => Fault::Huge,
        "huge-length" => Fault::HugeLength,
        "headers" => Fault::Headers,
        "headers-many" => Fault::ManyHeaders,
        "headers-endless" => Fault::EndlessHeaders,
        "gzip" => Fault::Gzip,
        "gzip-bomb" => Fault::GzipBomb,
        "extra" => Fault::Extra,
        "echo" => Fault::Echo,
        "long-message" => Fault::LongMessage,
        "keepalive-close" => Fault::KeepAliveClose(answer::IDLE),
        _ => {
            return Malformed::parse(kind)
                .map(Fault::Malformed)
                .or_else(|| BadString::parse(kind).map(Fault::BadString))
                .or_else(|| Pages::parse(kind).map(Fault::Pages));
        }
    })
}

fn among(text: &str, statuses: &[u16]) -> Option<StatusCode> {
    let status = text.parse().ok()?;
    statuses
        .contains(&status)
        .then(|| StatusCode::from_u16(status).ok())?
}

/// Counts the requests of each fault project.
#[derive(Default)]
pub struct Faults {
    seen: Mutex<HashMap<String, u64>>,
}

impl Faults {
    /// The fault that this request of `project` meets, if any is left.
    pub fn next(&self, project: &str) -> Result<Option<Fault>, Unknown> {
        let Some(plan) = Plan::of(project) else {
            return Ok(None);
        };
        let plan = plan?;
        let mut seen = self.seen.lock().expect("no holder of this lock panics");
        let count = seen.entry(project.to_owned()).or_default();
        *count += 1;
        Ok(plan.is_met_by(*count).then_some(plan.fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(fault: Fault, times: Option<u64>) -> Option<Result<Plan, Unknown>> {
        Some(Ok(Plan {
            fault,
            after: 0,
            times,
        }))
    }

    #[test]
    fn ids_are_read() {
        let status = |code| Fault::Status(StatusCode::from_u16(code).unwrap());
        assert_eq!(Plan::of("test-503"), None);
        assert_eq!(Plan::of("fault-503"), plan(status(503), None));
        assert_eq!(Plan::of("fault-503-x2"), plan(status(503), Some(2)));
        assert_eq!(Plan::of("fault-524--x9"), plan(status(524), None));
        assert_eq!(Plan::of("fault-cut-x1--a-b"), plan(Fault::Cut, Some(1)));
        assert_eq!(Plan::of("fault-huge-length"), plan(Fault::HugeLength, None));
        assert_eq!(
            Plan::of("fault-429-retry-3600-x1"),
            plan(Fault::RetryAfter(RetryAfter::Seconds(3600)), Some(1))
        );
        assert_eq!(
            Plan::of("fault-slow-250--t"),
            plan(Fault::Slow(Duration::from_millis(250)), None)
        );
        assert_eq!(
            Plan::of("fault-redirect-308"),
            plan(Fault::Redirect(StatusCode::PERMANENT_REDIRECT), None)
        );
        assert_eq!(
            Plan::of("fault-keepalive-close-0--t"),
            plan(Fault::KeepAliveClose(Duration::ZERO), None)
        );
        let later = Plan {
            fault: status(409),
            after: 12,
            times: Some(1),
        };
        assert_eq!(Plan::of("fault-409-after12-x1--t"), Some(Ok(later)));
        for unknown in [
            "fault-",
            "fault-418",
            "fault-redirect-200",
            "fault-nope-x1",
            "fault-409-after",
        ] {
            assert_eq!(Plan::of(unknown), Some(Err(Unknown)), "{unknown}");
        }
    }

    #[test]
    fn only_the_first_n_fail() {
        let faults = Faults::default();
        let hits = |id| faults.next(id).unwrap().is_some();
        assert_eq!(
            [(); 3].map(|()| hits("fault-reset-x2--a")),
            [true, true, false]
        );
        assert!(hits("fault-reset-x2--b"), "each id has its own counter");
        assert_eq!(
            [(); 4].map(|()| hits("fault-reset-after1-x2--a")),
            [false, true, true, false]
        );
        assert_eq!(
            [(); 3].map(|()| hits("fault-reset-after1--a")),
            [false, true, true]
        );
    }
}
