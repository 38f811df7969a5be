//! Fuzzing: what no input may bring about, whoever wrote it. The promises are in the modules below, and
//! how to fuzz for longer is in `fuzz/harness.rs`.

mod answers;
mod api_url;
mod arguments;
mod harness;
mod paths;
mod retries;
mod retry_after;
mod roots;
mod secrets;
mod server;

use std::path::{Path, PathBuf};

use harness::{fuzz, fuzz_text, text_of};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fuzz")
}
