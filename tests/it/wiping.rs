//! Memory of secrets is wiped before it is given back.

// An allocator is unsafe to write.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use neon_auth_admin::neon::any_operation::{CALL_POST, call};
use neon_auth_admin::neon::oauth_clients;
use neon_auth_admin::neon::oauth_providers::{Credentials, add};
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::secret::{Secret, blank_out};

use crate::alone::is_alone;
use crate::support::target;

const CANARY: &str = "napi_canary_of_the_wiping_test";

static LOOKS: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which can look for the canary in what is given back. What grows is copied
/// by this one as well: the default of `realloc`.
struct Watching;

// SAFETY: that of `System`, which is asked with the same arguments.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise. What nobody has written to is not looked at by accident.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if LOOKS.load(Ordering::Relaxed) {
            // SAFETY: a live block of that size, zeroed when it was made.
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            if bytes
                .windows(CANARY.len())
                .any(|part| part == CANARY.as_bytes())
            {
                FOUND.fetch_add(1, Ordering::Relaxed);
            }
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static WATCHING: Watching = Watching;

/// How many blocks with the canary in them are given back meanwhile.
fn left<T>(work: impl FnOnce() -> T) -> usize {
    FOUND.store(0, Ordering::Relaxed);
    LOOKS.store(true, Ordering::Relaxed);
    drop(work());
    LOOKS.store(false, Ordering::Relaxed);
    FOUND.load(Ordering::Relaxed)
}

#[test]
fn secrets_and_what_is_made_of_them_are_wiped() {
    // The memory of other tests is none of its business.
    if !is_alone("wiping::secrets_and_what_is_made_of_them_are_wiped", &[]) {
        return;
    }
    assert_eq!(left(|| CANARY.to_owned()), 1, "what is not wiped is found");
    assert_eq!(left(|| Secret::new(CANARY)), 0);
    assert_eq!(left(|| Secret::new(CANARY).clone()), 0);

    let secret = Secret::new(CANARY);
    let credentials = Credentials {
        client_id: Some(&"long".repeat(1000)),
        client_secret: Some(&secret),
        microsoft_tenant_id: None,
    };
    let request = || add(&target(), "google", credentials).expect("a request");
    let body = request().body().map(Secret::expose).map(str::to_owned);
    assert!(body.is_some_and(|body| body.contains(CANARY)));
    assert_eq!(left(request), 0, "a request, with its body");

    let body = format!(r#"{{"client_secret": "{CANARY}", "note": ["{CANARY}"]}}"#);
    let given = Secret::new(body);
    let any = || call(&CALL_POST, &target(), "future", Some(given.clone())).expect("a request");
    assert_eq!(left(any), 0, "a body of which nothing is known");

    let answer = format!(r#"{{"id": "google", "type": "standard", "client_secret": "{CANARY}"}}"#);
    let request = request();
    assert_eq!(
        left(|| request.decode(200, answer.as_bytes())),
        0,
        "an answer"
    );

    let registration = serde_json::json!({
        "name": "App", "type": "confidential", "redirect_uris": [], "resources": [],
    });
    let registration = serde_json::from_value(registration).expect("a client");
    let branch = Target::new("p", Some("br-1"), None).expect("valid ids");
    let request = oauth_clients::create(&branch, &registration).expect("a request");
    let answer = format!(r#"{{"client_id": "c", "new": 1, "client_secret": "{CANARY}"}}"#);
    assert_eq!(
        left(|| request.decode(200, answer.as_bytes())),
        0,
        "with others"
    );

    let text = format!("rejected: {CANARY}");
    assert_eq!(left(|| blank_out(&text, [&secret])), 0, "a message");
}
