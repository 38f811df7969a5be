//! Nothing of a file that `ca_file` names is ever shown, whatever it is.

use std::fs;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::http::{Http, Settings};
use proptest::prelude::*;

use super::{fuzz_text, text_of};
use crate::support::settings;

const CANARY: &str = "canaryCANARYcanary00";

#[rustfmt::skip]
const WORDS: &[&str] = &[
    CANARY, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
    "-----BEGIN TRUSTED CERTIFICATE-----", "-----BEGIN canaryCANARYcanary00-----",
    "-----END canaryCANARYcanary00-----", "-----BEGIN ", "-----END ", "-----", "----", "\n", "\n",
    "\r\n", " ", "\u{feff}", "=", "MIIB", "0\u{82}",
];

fn files() -> impl Strategy<Value = String> {
    (text_of(WORDS), text_of(WORDS)).prop_map(|(before, after)| before + CANARY + &after)
}

#[test]
fn nothing_of_a_file_is_shown() {
    let file = std::env::temp_dir().join(format!("neon_auth_admin-roots-{}", std::process::id()));
    let settings = Settings {
        ca_file: Some(file.clone()),
        ..settings()
    };
    fuzz_text("roots", WORDS, files(), |content| {
        fs::write(&file, content).expect("a writable folder");
        let Err(error) = Http::blocking(&settings) else {
            panic!("no certificate is in it: {content:?}");
        };
        assert_eq!(error.kind, ErrorKind::NotConfigured);
        let shown = format!("{error:?}");
        assert!(!shown.contains("canary"), "{shown}");
        let detail = error.detail.unwrap_or_default();
        assert!(
            detail.starts_with(&format!("File \"{}\": ", file.display())),
            "{detail}"
        );
    });
    fs::remove_file(&file).expect("our own file");
}

#[test]
fn what_is_no_file_says_so() {
    for (path, why) in [
        ("/", "it is a directory"),
        ("/dev/zero", "it is not a regular file"),
        ("/proc/kcore", "it is larger than 4 MB"),
        ("/no/such/file", "no such file or directory"),
    ] {
        let settings = Settings {
            ca_file: Some(path.into()),
            ..settings()
        };
        let error = Http::blocking(&settings).err().expect(why);
        let detail = error.detail.unwrap_or_default();
        // In a container, the memory of the machine may be hidden.
        let hidden = path == "/proc/kcore" && !detail.contains("larger");
        assert!(
            hidden || detail == format!("File \"{path}\": {why}."),
            "{detail}"
        );
    }
}
