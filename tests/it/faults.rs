//! The table of faults: what a read and a write make of each, and how many requests arrive.

use std::collections::BTreeSet;
use std::io::Write;
use std::thread;
use std::time::Duration;

use neon_auth_admin::error::Advice;
use neon_auth_admin::error::Error;
use neon_auth_admin::error::ErrorKind::{self, *};
use neon_auth_admin::neon::domains;
use neon_auth_admin::neon::endpoint::Look;

use crate::support::{World, timed};
use crate::{budget, tls};

/// A row of faults that mean the same to a caller.
pub struct Row {
    /// How the hint begins of a write that meets one, and that may have been carried out for all the
    /// client knows, or was.
    advice: Option<Advice>,
    cases: &'static [Case],
}

/// A fault as the simulator names it; for a read and a write the kind of error, `None` for success,
/// and how many requests arrive.
struct Case {
    fault: &'static str,
    read: Seen,
    write: Seen,
}

const LOOK: Option<Advice> = Some(Advice::LookBefore(Look::Users));
const DONE: Option<Advice> = Some(Advice::LookAtResult(Look::Users));

type Seen = (Option<ErrorKind>, usize);

/// The same for reads and writes, asked for once.
const fn once(fault: &'static str, kind: ErrorKind) -> Case {
    both(fault, Some(kind), 1)
}

const fn both(fault: &'static str, kind: Option<ErrorKind>, count: usize) -> Case {
    let seen = (kind, count);
    Case {
        fault,
        read: seen,
        write: seen,
    }
}

/// A read that ends like this, and a write whose outcome is unknown, and which is sent once.
const fn unknown(fault: &'static str, kind: Option<ErrorKind>, count: usize) -> Case {
    Case {
        fault,
        read: (kind, count),
        write: (Some(OutcomeUnknown), 1),
    }
}

const LOST: Row = Row {
    advice: LOOK,
    cases: &[
        unknown("reset", Some(Disconnected), 3),
        unknown("reset-x1", None, 2),
        unknown("close", Some(Disconnected), 3),
        unknown("close-x1", None, 2),
    ],
};

const MALFORMED: Row = Row {
    advice: LOOK,
    cases: &[
        unknown("cut", Some(BadResponse), 3),
        unknown("cut-x1", None, 2),
        unknown("length-long", Some(BadResponse), 3),
        unknown("length-garbage", Some(BadResponse), 1),
        unknown("length-twice", Some(BadResponse), 1),
        unknown("chunks", Some(BadResponse), 1),
        unknown("chunks-cut", Some(BadResponse), 3),
        unknown("chunks-overflow", Some(BadResponse), 1),
        unknown("http09", Some(BadResponse), 1),
        // More headers than the parser takes, though they are small.
        unknown("headers-many", Some(BadResponse), 1),
        unknown("status-99", Some(BadResponse), 1),
        unknown("status-999", Some(BadResponse), 1),
    ],
};

const REDIRECTS: Row = Row {
    advice: None,
    cases: &[
        once("redirect-301", BadResponse),
        once("redirect-302", BadResponse),
        once("redirect-303", BadResponse),
        once("redirect-307", BadResponse),
        once("redirect-308", BadResponse),
    ],
};

const NOT_JSON: Row = Row {
    advice: DONE,
    cases: &[
        unknown("html", Some(BadResponse), 1),
        unknown("empty", Some(BadResponse), 1),
        unknown("204", Some(BadResponse), 1),
        unknown("badjson", Some(BadResponse), 1),
        // To a client, half a document is whole.
        unknown("length-short", Some(BadResponse), 1),
        // Nobody has asked for it, or unpacks it.
        unknown("gzip", Some(BadResponse), 1),
        unknown("gzip-bomb", Some(BadResponse), 1),
    ],
};

const TOO_LARGE: Row = Row {
    advice: LOOK,
    cases: &[
        unknown("huge", Some(BadResponse), 1),
        unknown("huge-length", Some(BadResponse), 1),
        unknown("headers", Some(BadResponse), 1),
        unknown("headers-endless", Some(BadResponse), 1),
    ],
};

const ODD_JSON: Row = Row {
    advice: DONE,
    cases: &[
        unknown("deepjson", Some(BadResponse), 1),
        unknown("json-duplicate", Some(BadResponse), 1),
        unknown("json-nul", Some(BadResponse), 1),
        unknown("json-surrogate", Some(BadResponse), 1),
        unknown("json-utf8", Some(BadResponse), 1),
    ],
};

const ACCEPTED: Row = Row {
    advice: None,
    cases: &[
        both("extra", None, 1),
        both("early-hints", None, 1),
        both("overrun", None, 1),
    ],
};

const REFUSED: Row = Row {
    advice: None,
    cases: &[
        once("400", InvalidValue),
        once("422", InvalidValue),
        once("401", Unauthenticated),
        once("403", Forbidden),
        once("404", NotFound),
        once("409", AlreadyExists),
        once("exists-400", AlreadyExists),
        once("exists-422", AlreadyExists),
        once("echo", InvalidValue),
        once("long-message", InvalidValue),
    ],
};

/// What is certainly not done is sent again.
const NOT_DONE: Row = Row {
    advice: None,
    cases: &[
        both("423-x2", None, 3),
        both("429", Some(RateLimited), 3),
        both("429-x1", None, 2),
        both("429-retry-1-x1", None, 2),
        both("429-retry-3600", Some(RateLimited), 1),
        both("429-retry-date-x1", None, 2),
        both("429-retry-garbage-x1", None, 2),
        both("503", Some(ServerFault), 3),
        both("503-x1", None, 2),
    ],
};

/// What may be done is sent again only when that does no harm.
const SERVER_FAULTS: Row = Row {
    advice: LOOK,
    cases: &[
        unknown("500", Some(ServerFault), 1),
        unknown("502", Some(ServerFault), 3),
        unknown("502-x1", None, 2),
        unknown("504", Some(ServerFault), 3),
        unknown("504-x1", None, 2),
        unknown("524", Some(ServerFault), 3),
        unknown("524-x1", None, 2),
    ],
};

const ROWS: [Row; 10] = [
    LOST,
    MALFORMED,
    REDIRECTS,
    NOT_JSON,
    TOO_LARGE,
    ODD_JSON,
    ACCEPTED,
    REFUSED,
    NOT_DONE,
    SERVER_FAULTS,
];

#[test]
fn a_lost_connection() {
    check(&LOST);
}

#[test]
fn malformed_answers() {
    check(&MALFORMED);
}

#[test]
fn redirects() {
    check(&REDIRECTS);
}

#[test]
fn no_json_where_json_is_due() {
    check(&NOT_JSON);
}

#[test]
fn answers_that_are_too_large() {
    check(&TOO_LARGE);
}

#[test]
fn odd_json() {
    check(&ODD_JSON);
}

#[test]
fn what_is_unusual_and_accepted() {
    check(&ACCEPTED);
}

#[test]
fn refusals() {
    check(&REFUSED);
}

#[test]
fn what_is_not_done_is_sent_again() {
    check(&NOT_DONE);
}

#[test]
fn server_faults() {
    check(&SERVER_FAULTS);
}

/// How many times a fault strikes makes no other fault of it.
fn kind_of(fault: &'static str) -> &'static str {
    match fault.rsplit_once("-x") {
        Some((kind, times)) if times.parse::<u32>().is_ok() => kind,
        _ => fault,
    }
}

#[test]
fn many_kinds_of_fault_are_tested() {
    let in_rows = ROWS.iter().flat_map(|row| row.cases).map(|case| case.fault);
    let over_time = budget::SLOW.iter().map(|case| case.fault);
    let kinds: BTreeSet<_> = in_rows.chain(over_time).map(kind_of).collect();
    let kinds = kinds.len() + tls::FAULTS.len();
    // Not `println!`, which the test harness keeps to itself.
    writeln!(std::io::stdout(), "fault kinds: {kinds}").expect("an open output");
    assert!(kinds >= 40, "{kinds}");
}

/// Each has a simulator and a thread of its own, because much of the time is waiting.
#[track_caller]
fn check(row: &'static Row) {
    let threads = row.cases.iter().flat_map(|case| {
        let reader = thread::spawn(move || read(case));
        [reader, thread::spawn(move || write(case, &row.advice))]
    });
    let threads: Vec<_> = threads.collect();
    let results = threads
        .into_iter()
        .map(|thread| thread.join().expect("no panic"));
    let wrong: Vec<_> = results.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is wrong with it, if it is not as the table has it.
fn read(case: &Case) -> Result<(), String> {
    let fault = case.fault;
    let mut world = World::new();
    world.project(&format!("fault-{fault}--read"));
    let (result, took) = timed(|| world.send(domains::list));
    compare(&world, case.read, result.err().as_ref(), took)
        .map_err(|what| format!("reading with {fault}: {what}"))
}

fn write(case: &Case, advice: &Option<Advice>) -> Result<(), String> {
    let fault = case.fault;
    let mut world = World::new();
    world.project(&format!("fault-{fault}--write"));
    let (result, took) = timed(|| world.create_user());
    let error = result.err();
    compare(&world, case.write, error.as_ref(), took)
        .and_then(|()| error.map_or(Ok(()), |error| advises(&error, advice)))
        .map_err(|what| format!("writing with {fault}: {what}"))
}

fn compare(
    world: &World,
    expected: Seen,
    error: Option<&Error>,
    took: Duration,
) -> Result<(), String> {
    let arrived = world.arrived();
    let seen = (error.map(|error| error.kind), arrived.len());
    if seen != expected {
        return Err(format!("{seen:?}, not {expected:?}: {error:?}"));
    }
    if took > world.timeout {
        return Err(format!("it took {took:?}"));
    }
    if world.simulator.requests().len() != arrived.len() {
        return Err("a request went elsewhere".to_owned());
    }
    let detail = error.and_then(|error| error.detail.as_deref());
    let ids = arrived.iter().filter_map(|it| it.request_id.as_deref());
    match detail {
        Some(detail) if !ids.clone().all(|id| detail.contains(id)) => {
            Err(format!("it does not name the request id: {detail}"))
        }
        None if error.is_some() => Err("it has no detail".to_owned()),
        _ => Ok(()),
    }
}

fn advises(error: &Error, advice: &Option<Advice>) -> Result<(), String> {
    let says = error.advice.clone();
    let says = says.filter(|says| [LOOK, DONE].contains(&Some(says.clone())));
    if says == *advice {
        Ok(())
    } else {
        Err(format!("not {advice:?}, but {error:?}"))
    }
}
