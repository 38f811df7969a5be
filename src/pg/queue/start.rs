//! Owns the start of a worker: which one, and whether there may be one. It knows nothing of what a worker does.

// Registers it with the postmaster.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{mem, ptr};

use pgrx::pg_sys;

use super::posts::{Pin, Post, Whose, clock, is_alive, wake};
use super::stored;
use crate::error::Error;
use crate::neon::queue::wake_up::Action;
use crate::pg::report::warn;
use crate::pg::role::Role;
use crate::pg::{compat, guc};

/// For how long a worker that has failed, or was ended, is gone. After a crash of the server it is back at once.
const RESTART: c_int = 10;

const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// All that the postmaster has to know.
pub struct Start(pg_sys::BackgroundWorker);

impl Start {
    /// `None` where there is to be no worker.
    pub fn of(whose: Whose, obstacle: Option<Obstacle>) -> Option<Self> {
        let may_start = matches!(obstacle, None | Some(Obstacle::NoSlots));
        may_start.then(|| Self::new(whose))
    }

    fn new(whose: Whose) -> Self {
        // SAFETY: numbers and texts, which may be zero.
        let mut worker: pg_sys::BackgroundWorker = unsafe { mem::zeroed() };
        write(&mut worker.bgw_name, c"neon_auth_admin worker");
        write(&mut worker.bgw_type, c"neon_auth_admin worker");
        // Whatever a session has made of its path for libraries.
        write(&mut worker.bgw_library_name, c"$libdir/neon_auth_admin");
        write(&mut worker.bgw_function_name, c"neon_auth_admin_worker");
        worker.bgw_flags =
            (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as c_int;
        worker.bgw_start_time = pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished;
        worker.bgw_restart_time = RESTART;
        worker.bgw_main_arg = (whose.number() as usize).into();
        Self(worker)
    }

    /// Where nobody delivers, a worker is started. It neither raises nor allocates.
    pub fn if_wanted(&self, post: &Post) {
        act(post, post.wake_up.wanted(clock(), is_alive), Some(self));
    }

    /// Whether the postmaster has taken it. It neither raises nor allocates.
    fn begin(&self, post: &Post) -> bool {
        unsafe extern "C-unwind" {
            // Without pgrx' guard.
            fn RegisterDynamicBackgroundWorker(
                worker: *const pg_sys::BackgroundWorker,
                handle: *mut *mut pg_sys::BackgroundWorkerHandle,
            ) -> bool;
        }
        // SAFETY: it is copied; without a handle nothing is allocated.
        let begin = || unsafe { RegisterDynamicBackgroundWorker(&self.0, ptr::null_mut()) };
        post.may_start() && begin()
    }
}

/// Does what is to be done about calls. It neither raises nor allocates.
pub fn act(post: &Post, action: Action, start: Option<&Start>) {
    match action {
        Action::Nothing => {}
        Action::Wake(id) => wake(id),
        Action::Start(since) => {
            let is_started = start.is_some_and(|start| start.begin(post));
            if !is_started {
                post.wake_up.cannot_start(since);
            }
            // Where none is to be started here, one may be wanted elsewhere still.
            if start.is_some() {
                post.is_wanted.store(!is_started, Ordering::Relaxed);
            }
        }
    }
}

fn write<const N: usize>(place: &mut [c_char; N], text: &CStr) {
    let bytes = text.to_bytes().iter().take(N - 1);
    for (to, from) in place.iter_mut().zip(bytes) {
        *to = *from as c_char;
    }
}

/// Why no worker can be started for a role.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// By who wants none of its calls made.
    Stopped,
    /// By a test.
    NoLinger,
    CannotLogIn,
    NoSlots,
}

/// Where there is one, `run_queue` has to be called.
pub fn obstacle(role: Role) -> Option<Obstacle> {
    // SAFETY: a variable of the server.
    let is_without_slots = unsafe { pg_sys::max_worker_processes == 0 };
    // What a session has set is for its own calls.
    let is_own = role == Role::in_effect();
    let is_stopped = match is_own {
        true => guc::queue_connections() == 0,
        false => is_stopped(role),
    };
    if is_stopped {
        Some(Obstacle::Stopped)
    } else if is_own && guc::queue_linger().is_none() {
        Some(Obstacle::NoLinger)
    } else if compat::BYPASS_LOGIN.is_none() && !role.can_log_in() {
        Some(Obstacle::CannotLogIn)
    } else {
        is_without_slots.then_some(Obstacle::NoSlots)
    }
}

/// Where that cannot be known, a worker finds it.
fn is_stopped(role: Role) -> bool {
    stored::is_stopped(role).unwrap_or_default()
}

thread_local! {
    static WARNED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Says, though not all the time, that the calls of that role will wait for somebody to deliver them.
pub fn warn_without_worker(role: Role, obstacle: Option<Obstacle>, post: Option<&Post>) {
    let is_missed = |post: &Post| post.is_wanted.load(Ordering::Relaxed) && post.may_start();
    let why = match obstacle {
        Some(Obstacle::Stopped | Obstacle::NoLinger) => return,
        Some(Obstacle::CannotLogIn) => Error::no_worker_for_role(&role.to_string()),
        Some(Obstacle::NoSlots) => Error::no_slot_for_worker(),
        None => match post {
            None => Error::no_post_for_worker(),
            Some(post) if is_missed(post) => Error::no_slot_for_worker(),
            Some(_) => return,
        },
    };
    let is_new = |warned: &Instant| warned.elapsed() > BETWEEN_WARNINGS;
    if WARNED.get().as_ref().is_none_or(is_new) {
        WARNED.set(Some(Instant::now()));
        warn(why);
    }
}

/// Starts one that could not be started before, if it can be now.
pub fn start_again(whose: Whose) {
    if let Some(pin) = Pin::of(whose) {
        let start = Start::new(whose);
        start.if_wanted(pin.post());
    }
}
