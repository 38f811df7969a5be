//! Owns memory that is kept back for the moment when there is no other. An error of Postgres is copied
//! by pgrx on its way into Rust; where not even the copy finds memory, Postgres ends in a PANIC. So what
//! may need much memory is done with this in reserve, which an error for the want of memory gives back
//! before anybody copies it.

// Links into Postgres' stack of what is said of errors.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY;

use crate::error::Error;

/// Postgres asks for up to 1 MB when it wants a few bytes. It is never written to, so it takes no more
/// than addresses.
const SIZE: usize = 2 << 20;

static RESERVE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Sees to it that there is a reserve, for as long as nobody needs it.
pub fn keep() -> Result<(), Error> {
    if RESERVE.load(Ordering::Relaxed).is_null() {
        // SAFETY: a call of libc.
        let block = unsafe { libc::malloc(SIZE) };
        if block.is_null() {
            return Err(Error::no_reserve());
        }
        RESERVE.store(block, Ordering::Relaxed);
    }
    Ok(())
}

extern "C-unwind" fn give_back(_: *mut c_void) {
    unsafe extern "C-unwind" {
        fn geterrcode() -> c_int;
    }
    // SAFETY: Postgres calls this while it reports an error, whose code this is. What is freed came from
    // malloc, and nobody else has it.
    unsafe {
        if geterrcode() == ERRCODE_OUT_OF_MEMORY as c_int {
            libc::free(RESERVE.swap(null_mut(), Ordering::Relaxed));
        }
    }
}

/// Does `work`, whose errors for the want of memory give the reserve back.
pub fn with_reserve<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: Postgres' own stack of callbacks, on its own thread. The link is taken out before it
    // goes, also when `work` panics; an error of Postgres that jumps does not pass through here.
    unsafe {
        let mut link = pg_sys::ErrorContextCallback {
            previous: pg_sys::error_context_stack,
            callback: Some(give_back),
            arg: null_mut(),
        };
        pg_sys::error_context_stack = &raw mut link;
        let _unlink = Unlink(&raw mut link);
        work()
    }
}

struct Unlink(*mut pg_sys::ErrorContextCallback);

impl Drop for Unlink {
    fn drop(&mut self) {
        // SAFETY: as above. The link is the first, but for one that an error on its way has put before
        // it; or not there, where somebody has put a stack of his own in the place of this.
        unsafe {
            let mut place = &raw mut pg_sys::error_context_stack;
            while !(*place).is_null() {
                if *place == self.0 {
                    *place = (*self.0).previous;
                    return;
                }
                place = &raw mut (**place).previous;
            }
        }
    }
}
