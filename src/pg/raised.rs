//! Owns what pgrx cannot say in a report of its own: an SQLSTATE that it has no name for, the context,
//! the names of table and constraint, and letters in a database that does not speak UTF-8. So errors that
//! Postgres raises below this library are handed on as they were, and this library has SQLSTATEs of its own.

// Takes the place of pgrx's own guard around calls of Postgres.
#![allow(unsafe_code)]

use std::cell::{RefCell, UnsafeCell};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use cee_scape::call_with_sigsetjmp;
use pgrx::pg_sys;
use pgrx::pg_sys::elog::PgLogLevel;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

unsafe extern "C-unwind" {
    // For a callback that Postgres calls while it reports, where nothing may be caught.
    fn geterrcode() -> c_int;
    fn errcode(sqlstate: c_int) -> c_int;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errdetail_internal(format: *const c_char, ...) -> c_int;
    fn errdetail_log(format: *const c_char, ...) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
    fn err_generic_string(field: c_int, value: *const c_char) -> c_int;
}

/// An error of Postgres', in the encoding of the database; or what is to be said of one of this library's
/// own. The (sub)transaction that it was raised in has to be aborted, as after every error.
#[derive(Default)]
pub struct Raised {
    sqlstate: c_int,
    /// Raised by Postgres, with everything that is to be said of it.
    is_whole: bool,
    message: Option<CString>,
    detail: Option<CString>,
    detail_log: Option<CString>,
    hint: Option<CString>,
    context: Option<CString>,
    /// Schema, table and so on, by Postgres' number of the field.
    names: Vec<(u8, CString)>,
}

thread_local! {
    /// What is on its way up to Postgres.
    static REPORTED: RefCell<Option<Raised>> = const { RefCell::new(None) };
    /// It outlives every frame that could be left by a jump.
    static CALLBACK: UnsafeCell<pg_sys::ErrorContextCallback> = const {
        UnsafeCell::new(pg_sys::ErrorContextCallback {
            previous: ptr::null_mut(),
            callback: Some(fill),
            arg: ptr::null_mut(),
        })
    };
}

/// Calls Postgres, and returns what it raises.
///
/// # Safety
/// `call` calls functions of Postgres' that pgrx does not guard, on the backend's own thread, and has
/// nothing that would have to be dropped: an error jumps out of it.
pub unsafe fn attempt<T: Copy>(call: impl FnOnce() -> T) -> Result<T, Raised> {
    // SAFETY: as Postgres' own PG_TRY, in the order in which pgrx's guard does it.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let exceptions = pg_sys::PG_exception_stack;
        let callbacks = pg_sys::error_context_stack;
        let mut result = MaybeUninit::uninit();
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack = ptr::from_ref(buffer).cast_mut().cast();
            result.write(call());
            0
        });
        pg_sys::PG_exception_stack = exceptions;
        pg_sys::error_context_stack = callbacks;
        if jumped == 0 {
            return Ok(result.assume_init());
        }
        pg_sys::CurrentMemoryContext = context;
        let data = pg_sys::CopyErrorData();
        let raised = Raised::of(&*data);
        pg_sys::FreeErrorData(data);
        pg_sys::FlushErrorState();
        Err(raised)
    }
}

impl Raised {
    unsafe fn of(data: &pg_sys::ErrorData) -> Self {
        let copy = |text: *mut c_char| {
            // SAFETY: the strings of an error are NUL-terminated, or not there.
            (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
        };
        let names = [
            (pg_sys::PG_DIAG_SCHEMA_NAME, data.schema_name),
            (pg_sys::PG_DIAG_TABLE_NAME, data.table_name),
            (pg_sys::PG_DIAG_COLUMN_NAME, data.column_name),
            (pg_sys::PG_DIAG_DATATYPE_NAME, data.datatype_name),
            (pg_sys::PG_DIAG_CONSTRAINT_NAME, data.constraint_name),
        ];
        Self {
            sqlstate: data.sqlerrcode,
            is_whole: true,
            message: copy(data.message),
            detail: copy(data.detail),
            detail_log: copy(data.detail_log),
            hint: copy(data.hint),
            context: copy(data.context),
            names: names
                .into_iter()
                .filter_map(|(field, name)| Some((field, copy(name)?)))
                .collect(),
        }
    }

    pub fn is(&self, sqlstate: PgSqlErrorCode) -> bool {
        self.sqlstate == sqlstate as c_int
    }

    /// In the encoding of the database.
    pub fn message(&self) -> &CStr {
        self.message.as_deref().unwrap_or_default()
    }

    /// Of this library's own, for [`Self::complete`]: all but the SQLSTATE is in pgrx's report.
    pub fn new(sqlstate: &str) -> Self {
        Self {
            sqlstate: encoded(sqlstate),
            ..Self::default()
        }
    }

    /// The SQLSTATE as far as pgrx knows it, for its own report: XX000 where it does not.
    pub fn known_code(&self) -> PgSqlErrorCode {
        self.sqlstate.into()
    }

    /// Raises it again. To be called when nothing is left to do but to unwind to Postgres.
    pub fn resume(self) -> ! {
        let message = self.message().to_string_lossy().into_owned();
        let report = ErrorReport::new(self.known_code(), message, "neon_auth_admin");
        self.complete(report, PgLogLevel::ERROR);
        unreachable!("an error was reported")
    }

    /// Reports at that level, as ERROR by unwinding to Postgres; [`fill`] says what pgrx cannot. What is
    /// reported on the way is not touched by it.
    pub fn complete(self, report: ErrorReport, level: PgLogLevel) {
        forget();
        REPORTED.set(Some(self));
        // SAFETY: the callback lives as long as the thread. Whoever catches an error puts the callbacks
        // back that were there before.
        unsafe {
            let link = CALLBACK.with(UnsafeCell::get);
            (*link).previous = pg_sys::error_context_stack;
            pg_sys::error_context_stack = link;
        }
        report.report(level);
        // Postgres may not want to hear of a message of that level.
        forget();
    }
}

/// For whoever catches what was to unwind to Postgres: it has no say in the next report.
pub fn forget() {
    REPORTED.take();
    // SAFETY: variables of the backend, on its own thread.
    unsafe {
        let link = CALLBACK.with(UnsafeCell::get);
        if pg_sys::error_context_stack == link {
            pg_sys::error_context_stack = (*link).previous;
        }
    }
}

/// As Postgres' MAKE_SQLSTATE: six bits for each of five characters.
const fn encoded(sqlstate: &str) -> c_int {
    let characters = sqlstate.as_bytes();
    assert!(characters.len() == 5);
    let mut code = 0;
    let mut n = 5;
    while n > 0 {
        n -= 1;
        code = code << 6 | (characters[n] - b'0') as c_int;
    }
    code
}

/// Completes the report that is being made, if it is the one.
unsafe extern "C-unwind" fn fill(_: *mut c_void) {
    // SAFETY: Postgres calls this while it reports.
    let code = unsafe { geterrcode() };
    let is_it = |raised: &mut Raised| raised.known_code() as c_int == code;
    let Some(raised) = REPORTED.with_borrow_mut(|reported| reported.take_if(is_it)) else {
        return;
    };
    if raised.is_whole {
        // So has whoever raised it first, and nobody else has a say.
        // SAFETY: Postgres looks for the next callback when this one has returned.
        unsafe { (*CALLBACK.with(UnsafeCell::get)).previous = ptr::null_mut() };
    }
    let set_text = |set: unsafe extern "C-unwind" fn(*const c_char, ...) -> c_int,
                    text: &Option<CString>| {
        if let Some(text) = text {
            // SAFETY: one string for the only place in the format.
            unsafe { set(c"%s".as_ptr(), text.as_ptr()) };
        }
    };
    // SAFETY: Postgres calls this while an error is being reported, and copies what it is given.
    unsafe {
        errcode(raised.sqlstate);
        for (field, name) in &raised.names {
            err_generic_string(c_int::from(*field), name.as_ptr());
        }
    }
    set_text(errmsg_internal, &raised.message);
    set_text(errdetail_internal, &raised.detail);
    set_text(errdetail_log, &raised.detail_log);
    set_text(errhint, &raised.hint);
    set_text(errcontext_msg, &raised.context);
}
