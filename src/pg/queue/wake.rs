//! Owns what the end of a transaction does about calls that it has queued: whoever delivers them is woken, or
//! a worker is started. Everything that may fail is done before, and nothing at the end itself allocates or
//! raises: the transaction could not be aborted any more.

// What Postgres calls at the end of a transaction, and what is called there, without pgrx' guard.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::Ordering;

use pgrx::pg_sys;
use pgrx::pg_sys::XactEvent::{
    XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PRE_PREPARE, XACT_EVENT_PREPARE,
};

use super::lock::{is_any_prepared, prepared_tag};
use super::posts::{Pin, Post, Whose, clock, is_alive};
use super::start::{Start, act, obstacle, warn_without_worker};
use super::table;
use crate::neon::queue::wake_up::Action;
use crate::pg::role::Role;
use crate::pg::subtransaction::without_a_trace;

/// A role whose calls this transaction has changed.
struct Wish {
    whose: Whose,
    pin: Pin,
    /// Without it only who delivers already is woken.
    start: Option<Start>,
    /// Whoever delivers has passed over what this transaction has in hand, and is woken if it is rolled back, too.
    is_in_hand: bool,
}

thread_local! {
    static WISHES: RefCell<Vec<Wish>> = const { RefCell::new(Vec::new()) };
    /// Roles for which this process knows that somebody has looked since the server has started, with their posts,
    /// which say whether that is so still.
    static LOOKED_AFTER: RefCell<Vec<(Whose, &'static Post)>> = const { RefCell::new(Vec::new()) };
    static IS_REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// Calls of that role are to be looked for when this transaction is committed.
pub fn after_commit(role: Role) {
    at_end_of_transaction(role, false);
}

/// Calls of that role that were there before were changed by this transaction: they are to be looked for when it is
/// over, however that is.
pub fn after_end(role: Role) {
    at_end_of_transaction(role, true);
}

fn at_end_of_transaction(role: Role, is_in_hand: bool) {
    let whose = Whose::here(role);
    let is_known = WISHES.with_borrow_mut(|wishes| {
        let mut known = wishes.iter_mut().filter(|wish| wish.whose == whose);
        let known = known.next();
        known.map(|wish| wish.is_in_hand |= is_in_hand).is_some()
    });
    if is_known || !can_deliver() {
        return;
    }
    if !IS_REGISTERED.replace(true) {
        // SAFETY: a function that stays loaded as long as the backend lives.
        unsafe { pg_sys::RegisterXactCallback(Some(at_end), ptr::null_mut()) };
    }
    let pin = Pin::of(whose);
    let obstacle = obstacle(role);
    warn_without_worker(role, obstacle, pin.as_ref().map(Pin::post));
    if let Some(pin) = pin {
        let start = Start::of(whose, obstacle);
        let wish = Wish {
            whose,
            pin,
            start,
            is_in_hand,
        };
        WISHES.with_borrow_mut(|wishes| wishes.push(wish));
    }
}

/// Calls that were committed before the server started have nobody who was woken for them: the first who calls
/// anything looks for those of his role.
pub fn after_start() {
    let whose = Whose::here(Role::in_effect());
    let is_known = LOOKED_AFTER.with_borrow(|known| {
        let mut posts = known.iter().filter(|(of, _)| *of == whose);
        posts.any(|(_, post)| post.is_looked_after_for(whose))
    });
    // A transaction that reads the table could be what another one's conflicts with; and a query that has
    // workers begins no subtransaction.
    // SAFETY: variables of the backend.
    let is_wrong_time = unsafe {
        pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as c_int || pg_sys::IsInParallelMode()
    };
    if is_known || is_wrong_time || !can_deliver() {
        return;
    }
    let Some(pin) = Pin::of(whose) else {
        return;
    };
    let post = pin.post();
    let is_looked_after = &post.is_looked_after;
    if !is_looked_after.load(Ordering::Relaxed) {
        // Whether somebody has looked is known when he has committed: see `Wish::ended`.
        if is_anything_left(whose) {
            return after_commit(whose.role);
        }
        is_looked_after.store(true, Ordering::Relaxed);
    }
    LOOKED_AFTER.with_borrow_mut(|known| {
        known.retain(|(of, _)| *of != whose);
        known.push((whose, post));
    });
}

/// Whether calls wait, or may come from a prepared transaction. No lock is left behind: the call that is to come
/// may take its time.
fn is_anything_left(whose: Whose) -> bool {
    without_a_trace(|| {
        let is_any_waiting = table::is_any_waiting(whose.role);
        !matches!(is_any_waiting, Ok(Some(false))) || is_any_prepared(whose)
    })
}

/// Nothing is delivered on a standby, or while `pg_upgrade` is at work.
pub fn can_deliver() -> bool {
    // SAFETY: variables of the server.
    unsafe { !pg_sys::IsBinaryUpgrade && !pg_sys::RecoveryInProgress() }
}

unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _: *mut c_void) {
    match event {
        XACT_EVENT_PRE_PREPARE => lock_for_prepared(),
        XACT_EVENT_COMMIT | XACT_EVENT_PREPARE => end(Wish::ended),
        XACT_EVENT_ABORT => end(|wish| {
            if wish.is_in_hand {
                wish.ended();
            }
        }),
        _ => {}
    }
}

/// The lock goes over to the prepared transaction, and ends with it, whoever does that. It may raise.
fn lock_for_prepared() {
    unsafe extern "C-unwind" {
        // Without pgrx' guard, since Postgres calls this function: an error goes past it, where nothing
        // would have to be dropped.
        fn LockAcquire(
            tag: *const pg_sys::LOCKTAG,
            mode: pg_sys::LOCKMODE,
            for_session: bool,
            without_waiting: bool,
        ) -> pg_sys::LockAcquireResult::Type;
    }
    let mut nth = 0;
    while let Some(whose) = nth_wish(nth) {
        let tag = prepared_tag(whose);
        // SAFETY: a tag of that kind, for this transaction.
        unsafe { LockAcquire(&raw const tag, pg_sys::ShareLock as c_int, false, false) };
        nth += 1;
    }
}

fn nth_wish(nth: usize) -> Option<Whose> {
    let whose = WISHES.try_with(|wishes| Some(wishes.try_borrow().ok()?.get(nth)?.whose));
    whose.ok().flatten()
}

/// Nothing is left of the transaction's wishes, but the room that they took.
fn end(each: impl Fn(&Wish)) {
    let _ = WISHES.try_with(|wishes| {
        if let Ok(mut wishes) = wishes.try_borrow_mut() {
            wishes.iter().for_each(each);
            wishes.clear();
        }
    });
}

impl Wish {
    fn ended(&self) {
        let post = self.pin.post();
        if self.start.is_some() {
            // Not later: a worker that is about to stop takes that back.
            post.is_looked_after.store(true, Ordering::Relaxed);
        }
        let action = post.wake_up.committed(clock(), is_alive);
        // Where this session is to start none, another one still may.
        if self.start.is_none() && !matches!(action, Action::Wake(_)) {
            post.is_looked_after.store(false, Ordering::Relaxed);
        }
        act(post, action, self.start.as_ref());
    }
}
