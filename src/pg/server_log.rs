//! Owns the way of a line into the server's log that cannot fail: whoever writes down what was done must
//! not undo it by an error. It knows nothing of what the line says.

// Takes the place of pgrx's own guard around calls of Postgres, which makes a panic of an error, and a copy.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use cee_scape::call_with_sigsetjmp;
use pgrx::pg_sys;

unsafe extern "C-unwind" {
    // Without pgrx' guard.
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errhidestmt(hide: bool) -> c_int;
    fn errhidecontext(hide: bool) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

/// For the log alone, whatever the client asks to hear.
pub const LOG: c_int = pg_sys::LOG_SERVER_ONLY as c_int;
/// Also for a client that asks for it.
pub const DEBUG: c_int = pg_sys::DEBUG1 as c_int;

/// Whether anybody wants messages of that level.
pub fn is_wanted(level: c_int) -> bool {
    // SAFETY: a look at settings.
    unsafe { pg_sys::message_level_is_interesting(level) }
}

/// Writes a line of ASCII, or in the encoding of the database, without the statement and the context,
/// in which there may be anything. Neither an error (for the want of memory, or of a hook's) nor an interrupt comes of it.
pub fn write(level: c_int, line: &CStr) {
    // SAFETY: as Postgres' own PG_TRY; `call` has nothing that would have to be dropped. Whatever an error
    // changes on its way is put back.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let exceptions = pg_sys::PG_exception_stack;
        let callbacks = pg_sys::error_context_stack;
        let held = (
            pg_sys::InterruptHoldoffCount,
            pg_sys::QueryCancelHoldoffCount,
        );
        // Postgres serves interrupts after each message.
        pg_sys::InterruptHoldoffCount += 1;
        pg_sys::error_context_stack = ptr::null_mut();
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack = ptr::from_ref(buffer).cast_mut().cast();
            if errstart(level, ptr::null()) {
                errmsg_internal(c"%s".as_ptr(), line.as_ptr());
                errhidestmt(true);
                errhidecontext(true);
                errfinish(c"server_log.rs".as_ptr(), 0, c"write".as_ptr());
            }
            0
        });
        pg_sys::PG_exception_stack = exceptions;
        pg_sys::error_context_stack = callbacks;
        pg_sys::CurrentMemoryContext = context;
        if jumped != 0 {
            pg_sys::FlushErrorState();
        }
        (
            pg_sys::InterruptHoldoffCount,
            pg_sys::QueryCancelHoldoffCount,
        ) = held;
    }
}
