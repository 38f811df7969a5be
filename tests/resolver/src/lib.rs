//! A `getaddrinfo` for tests, preloaded into their private server: a look-up of `*.hangs.test` takes
//! as long as somebody holds a lock on the file of that name, and finds 127.0.0.1.
//! All other names are libc's.

// Takes the place of a function of libc.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::fs::File;
use std::mem::transmute;
use std::path::Path;

use libc::{EAI_FAIL, RTLD_NEXT, addrinfo, dlsym};

/// Names the folder with the files to lock.
const FOLDER: &str = "NEON_AUTH_ADMIN_HANGING_NAMES";

type GetAddrInfo = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const addrinfo,
    *mut *mut addrinfo,
) -> c_int;

/// # Safety
///
/// As for the function of libc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: null, or NUL-terminated by the caller's promise.
    let name = (!node.is_null()).then(|| unsafe { CStr::from_ptr(node) });
    let name = name.and_then(|name| name.to_str().ok());
    let mut is_greedy = false;
    let node = match name.filter(|name| name.ends_with(".hangs.test")) {
        Some(name) => {
            is_greedy = wait_until_let_go(name);
            c"127.0.0.1".as_ptr()
        }
        None => node,
    };
    // SAFETY: looks for the function that has this signature and would be called without this library.
    let next = unsafe {
        let next = dlsym(RTLD_NEXT, c"getaddrinfo".as_ptr());
        transmute::<*mut libc::c_void, Option<GetAddrInfo>>(next)
    };
    let found = match next {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(node, service, hints, result) },
        None => EAI_FAIL,
    };
    if is_greedy {
        take_all_memory();
    }
    found
}

/// The kernel lets go of a lock when its holder is gone, so a test that fails holds up nobody. Whether
/// something is written in the file: then this look-up is to take all memory.
fn wait_until_let_go(name: &str) -> bool {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return false;
    };
    // Without such a file nobody ever held the name.
    let Ok(file) = File::open(Path::new(&folder).join(name)) else {
        return false;
    };
    let _ = file.lock_shared();
    file.metadata().is_ok_and(|about| about.len() > 0)
}

/// Leaves nothing that malloc could give to this process.
fn take_all_memory() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: lowers a limit of this process, and never uses or gives back what it gets.
    unsafe {
        libc::setrlimit(libc::RLIMIT_AS, &none);
        for size in (4..24).rev().map(|bits| 1 << bits) {
            while !libc::malloc(size).is_null() {}
        }
    }
}
