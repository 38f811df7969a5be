//! Owns the worker: a process of the server's own that is connected as a role and delivers its calls, from its
//! start at somebody's COMMIT to its end when nothing is left to do. It knows nothing of what a delivery does.

// A main function of Postgres', and what such a function calls.
#![allow(unsafe_code)]

mod life;
mod settings;
mod transactions;

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pgrx::{pg_guard, pg_sys};

use self::life::Life;
use super::posts::{Pin, Post, Whose, is_alive, me, wanted};
use crate::pg::compat;

unsafe extern "C-unwind" {
    // Without pgrx' guard, for Postgres calls who calls it.
    fn proc_exit(code: c_int) -> !;
}

/// The post that this process has.
static POST: AtomicPtr<Post> = AtomicPtr::new(ptr::null_mut());
static IS_CONNECTED: AtomicBool = AtomicBool::new(false);

/// What the postmaster runs: see [`super::start::Start`].
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn neon_auth_admin_worker(argument: pg_sys::Datum) {
    unsafe extern "C-unwind" {
        // Without pgrx' guard.
        fn SignalHandlerForConfigReload(signal: c_int);
        fn die(signal: c_int);
    }
    compat::serve_signal(libc::SIGHUP, SignalHandlerForConfigReload);
    // It ends whatever it is at, also a wait for a standby, in the order in which a session would.
    compat::serve_signal(libc::SIGTERM, die);
    let asked_for = Whose::of(argument.value() as u64);
    let Some(whose) = take_post(asked_for) else {
        leave(0);
    };
    connect(whose);
    let code = Life::new(whose.role, post()).live();
    leave(code)
}

/// Its own, or, when it was started again by the postmaster and is not needed there any more, that of somebody
/// who found no slot for a worker.
fn take_post(asked_for: Whose) -> Option<Whose> {
    let own = Pin::of(asked_for)?;
    if !own.post().wake_up.is_starting() {
        for whose in wanted() {
            if whose != asked_for
                && let Some(pin) = Pin::of(whose)
                && enter(pin)
            {
                return Some(whose);
            }
        }
    }
    enter(own).then_some(asked_for)
}

/// Whether the post is this process's until its end.
fn enter(pin: Pin) -> bool {
    let post = pin.post();
    if !post.wake_up.enter(me(), is_alive) {
        return false;
    }
    post.is_wanted.store(false, Ordering::Relaxed);
    POST.store(ptr::from_ref(post).cast_mut(), Ordering::Relaxed);
    // Until then, and longer.
    std::mem::forget(pin);
    // SAFETY: what is registered before connecting is called when everything else is over, and locks are
    // released.
    unsafe { pg_sys::before_shmem_exit(Some(at_exit), 0.into()) };
    true
}

/// As that role, or not at all: then [`at_exit`] does the rest.
fn connect(whose: Whose) {
    let flags = compat::BYPASS_LOGIN.unwrap_or_default();
    // SAFETY: once, in a worker that has asked for a connection.
    unsafe {
        pg_sys::BackgroundWorkerUnblockSignals();
        pg_sys::BackgroundWorkerInitializeConnectionByOid(whose.database, whose.role.0, flags);
    }
    IS_CONNECTED.store(true, Ordering::Relaxed);
    post().could_connect();
}

fn post() -> &'static Post {
    // SAFETY: shared memory, which stays where it is.
    unsafe { POST.load(Ordering::Relaxed).as_ref() }.expect("a worker has a post")
}

/// With 0 for good, with 1 to be started again later.
fn leave(code: c_int) -> ! {
    // SAFETY: Postgres' way to end a process. What Rust holds needs no end.
    unsafe { proc_exit(code) }
}

/// Whatever the process ends by. It neither raises nor allocates.
unsafe extern "C-unwind" fn at_exit(_: c_int, _: pg_sys::Datum) {
    // SAFETY: shared memory, which stays where it is.
    let Some(post) = (unsafe { POST.swap(ptr::null_mut(), Ordering::Relaxed).as_ref() }) else {
        return;
    };
    let is_connected = IS_CONNECTED.load(Ordering::Relaxed);
    if !is_connected {
        post.could_not_connect();
    }
    post.wake_up.end(me());
    if !is_connected {
        // Or the postmaster would try again and again. Postgres foresees that a callback does this.
        // SAFETY: at the end of the process.
        unsafe { proc_exit(0) };
    }
}
