//! Owns errors that Postgres raises below this library, and hands them on as they were. pgrx makes an
//! error of its own of each, and loses what it has no name for: an SQLSTATE that a user made up, the
//! context, the names of table and constraint, and letters in a database that does not speak UTF-8.

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
    fn errcode(sqlstate: c_int) -> c_int;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errdetail_internal(format: *const c_char, ...) -> c_int;
    fn errdetail_log(format: *const c_char, ...) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
    fn err_generic_string(field: c_int, value: *const c_char) -> c_int;
}

/// An error of Postgres', in the encoding of the database. The (sub)transaction that it was raised in
/// has to be aborted, as after every error.
#[derive(Default)]
pub struct Raised {
    sqlstate: c_int,
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
    static RESUMED: RefCell<Option<Raised>> = const { RefCell::new(None) };
    /// It outlives every frame that could be left by a jump.
    static CALLBACK: UnsafeCell<pg_sys::ErrorContextCallback> = const {
        UnsafeCell::new(pg_sys::ErrorContextCallback {
            previous: ptr::null_mut(),
            callback: Some(restore),
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

    /// Raises it again. To be called when nothing is left to do but to unwind to Postgres: pgrx's
    /// report on the way there is filled by [`restore`], and so would be any other.
    pub fn resume(self) -> ! {
        let message = self.message().to_string_lossy().into_owned();
        RESUMED.set(Some(self));
        // SAFETY: the callback lives as long as the thread. The context of the error is complete, so
        // that no other callback need be called; whoever catches the error puts its own back.
        unsafe { pg_sys::error_context_stack = CALLBACK.with(UnsafeCell::get) };
        let code = PgSqlErrorCode::ERRCODE_INTERNAL_ERROR;
        ErrorReport::new(code, message, "neon_auth_admin").report(PgLogLevel::ERROR);
        unreachable!("an error was reported")
    }
}

/// Makes the error that is being reported the one that was raised.
unsafe extern "C-unwind" fn restore(_: *mut c_void) {
    let Some(raised) = RESUMED.take() else {
        return;
    };
    let fill = |set: unsafe extern "C-unwind" fn(*const c_char, ...) -> c_int,
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
    fill(errmsg_internal, &raised.message);
    fill(errdetail_internal, &raised.detail);
    fill(errdetail_log, &raised.detail_log);
    fill(errhint, &raised.hint);
    fill(errcontext_msg, &raised.context);
}
