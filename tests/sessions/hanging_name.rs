//! Host names whose look-up hangs in the server; tests/resolver is the other side.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::variable;

/// A name whose look-up hangs in every backend as long as this lives; afterwards it is the
/// simulator's.
pub struct HangingName {
    name: String,
    lock: File,
}

impl HangingName {
    /// A name for this test alone.
    pub fn new() -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        // The server's setting lists as many.
        assert!(number <= 20, "more names are needed: see tests/run.sh");
        let name = format!("{number}.hangs.test");
        let folder = variable("NEON_AUTH_ADMIN_HANGING_NAMES");
        let lock = File::create(Path::new(&folder).join(&name)).expect("a file");
        lock.lock().expect("a lock");
        Self { name, lock }
    }

    /// Its look-ups leave no memory to the backend.
    pub fn take_all_memory(&self) {
        (&self.lock).write_all(b"all memory").expect("written");
    }

    pub fn let_go(&self) {
        self.lock.unlock().expect("unlocked");
    }

    pub fn hang(&self) {
        self.lock.lock().expect("a lock");
    }

    /// The simulator at this name.
    pub fn url(&self) -> String {
        variable("NEON_SIMULATOR_HTTPS_URL").replace("localhost", &self.name)
    }
}
