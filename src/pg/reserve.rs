//! Owns memory that is kept back for the moment when there is no other. An error of Postgres is copied
//! by pgrx on its way into Rust; where not even the copy finds memory, Postgres ends in a PANIC. So each
//! SQL function begins with an [`Entry`]: an error for the want of memory gives the reserve back before
//! anybody copies it.

// Links into Postgres' stack of what is said of errors.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

use crate::error::Error;
use crate::pg::report::raise;

/// Postgres asks for up to 1 MB when it wants a few bytes. It is never written to, so it takes no more
/// than addresses.
const SIZE: usize = 2 << 20;

static RESERVE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The first argument of each SQL function, of which SQL knows nothing: it is made before the others are
/// unpacked. While it is there, so is the reserve, for as long as nobody needs it.
pub struct Entry(NonNull<pg_sys::ErrorContextCallback>);

impl Entry {
    /// For the making of a result, when the function has returned; elsewhere it is an argument. Raises
    /// where there is no memory for a reserve.
    pub fn begin() -> Self {
        if let Err(error) = keep() {
            raise(error);
        }
        // SAFETY: Postgres' own stack of callbacks, on its own thread. The link stays where it is until
        // it is taken out.
        unsafe {
            let link = Box::new(pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(give_back),
                arg: null_mut(),
            });
            let link = NonNull::from(Box::leak(link));
            pg_sys::error_context_stack = link.as_ptr();
            Self(link)
        }
    }
}

/// Sees to it that there is a reserve: at the beginning, and where work goes on after an error.
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

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: as above. The link is the first, but for one that an error on its way has put before
        // it; or not there, where somebody has put a stack of his own in the place of this.
        unsafe {
            let link = Box::from_raw(self.0.as_ptr());
            let mut place = &raw mut pg_sys::error_context_stack;
            while !(*place).is_null() {
                if *place == self.0.as_ptr() {
                    *place = link.previous;
                    return;
                }
                place = &raw mut (**place).previous;
            }
        }
    }
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

// SAFETY: it takes nothing from the call.
unsafe impl<'fcx> ArgAbi<'fcx> for Entry {
    unsafe fn unbox_arg_unchecked(_: Arg<'_, 'fcx>) -> Self {
        Self::begin()
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

// SAFETY: SQL has no such argument.
unsafe impl SqlTranslatable for Entry {
    const TYPE_IDENT: &'static str = "neon_auth_admin::pg::reserve::Entry";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::Skip));
}
