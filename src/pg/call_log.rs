//! Owns the log of calls: a line for each request, which no ROLLBACK undoes. What it says of a request
//! it has from the inner ring, where nothing is said that may not be written down.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::io::Write;

use crate::neon::progress::{Call, Event, Listener, Progress};
use crate::pg::text::for_message;
use crate::pg::{guc, server_log};

/// Room for what is known only at the end: numbers.
const ROOM: usize = 160;

/// The listener of one call's requests, one after the other.
pub struct CallLog {
    server: String,
    line: RefCell<Line>,
}

/// What the lines of a request have in common, and one of them with all the room that it needs: after a
/// write nobody may ask for memory, which is the end of the session if there is none.
#[derive(Default)]
struct Line {
    request: String,
    whole: Vec<u8>,
}

impl CallLog {
    pub fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            line: RefCell::default(),
        }
    }

    fn is_wanted(&self, call: &Call) -> bool {
        guc::log_calls().has(call.is_write) || server_log::is_wanted(server_log::DEBUG)
    }
}

impl Listener for CallLog {
    fn begins(&self, call: &Call) {
        let mut line = self.line.borrow_mut();
        line.request.clear();
        if self.is_wanted(call) {
            // Escaped by Rust, a name of whatever characters is on one line.
            line.request = for_message(format!(
                "function={} server={:?} method={} path={}",
                call.function,
                self.server,
                call.method,
                call.path()
            ));
            let length = line.request.len() + ROOM;
            line.whole.clear();
            line.whole.reserve(length);
        }
    }

    fn hears(&self, call: &Call, event: Event, progress: &Progress) {
        let mut line = self.line.borrow_mut();
        if line.request.is_empty() {
            return;
        }
        let is_logged = event == Event::End && guc::log_calls().has(call.is_write);
        let level = if is_logged {
            server_log::LOG
        } else {
            server_log::DEBUG
        };
        line.write(level, call, event, progress);
    }
}

impl Line {
    fn write(&mut self, level: c_int, call: &Call, event: Event, progress: &Progress) {
        let what = match event {
            Event::Attempt => "attempt",
            Event::Wait => "wait",
            Event::End => "call",
        };
        let Self { request, whole } = self;
        whole.clear();
        // A Vec takes all that is written to it.
        let _ = write!(
            whole,
            "Neon API {what}: {request} status={} ms={}.{:03} attempts={} request_id={}\0",
            progress.status,
            progress.time.as_millis(),
            progress.time.subsec_micros() % 1000,
            progress.attempts,
            call.request_id,
        );
        if let Ok(line) = CStr::from_bytes_until_nul(whole) {
            server_log::write(level, line);
        }
    }
}
