//! Owns what Postgres gives a trigger and takes from it. It knows nothing of single views.

// Reads the structs of a call.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::ptr;

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgMemoryContexts, pg_sys};

use super::statement::Statement;
use crate::error::Error;
use crate::pg::row::Row;

/// A call of the trigger function.
pub struct Trigger<'a> {
    data: &'a pg_sys::TriggerData,
    function: *mut pg_sys::FmgrInfo,
}

#[derive(Clone, Copy)]
pub enum Event {
    Insert,
    Update,
    Delete,
}

impl<'a> Trigger<'a> {
    /// An error where anybody but a trigger calls.
    pub fn of(call: pg_sys::FunctionCallInfo) -> Result<Self, Error> {
        // SAFETY: a call, whose context says by its tag what it is; it lives as long as the call.
        unsafe {
            let context = (*call).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return Err(Error::no_view_to_write());
            }
            Ok(Self {
                data: &*context.cast::<pg_sys::TriggerData>(),
                function: (*call).flinfo,
            })
        }
    }

    /// Whether it is a trigger of that view of the extension's, or of what is of another kind.
    pub fn is_on(&self, name: &CStr, kind: u8) -> bool {
        // SAFETY: a relation that is open, and NUL-terminated names.
        unsafe {
            let relation = &*(*self.data.tg_relation).rd_rel;
            let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
            relation.relnamespace == schema
                && CStr::from_ptr(relation.relname.data.as_ptr()) == name
                && relation.relkind as u8 == kind
        }
    }

    pub fn event(&self) -> Event {
        match self.data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Event::Insert,
            pg_sys::TRIGGER_EVENT_DELETE => Event::Delete,
            _ => Event::Update,
        }
    }

    /// On a view those are INSTEAD OF what is written.
    pub fn is_for_a_row(&self) -> bool {
        self.data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0
    }

    /// Of an UPDATE or a DELETE.
    pub fn old_row(&self) -> Row {
        self.row(self.data.tg_trigtuple)
    }

    /// Of an INSERT or an UPDATE.
    pub fn new_row(&self) -> Row {
        match self.event() {
            Event::Update => self.row(self.data.tg_newtuple),
            Event::Insert | Event::Delete => self.row(self.data.tg_trigtuple),
        }
    }

    fn row(&self, tuple: pg_sys::HeapTuple) -> Row {
        // SAFETY: a tuple of that relation, and both live as long as the call.
        unsafe { Row::of_tuple((*self.data.tg_relation).rd_att, tuple) }
    }

    /// Of the statement that writes: Postgres looks the function up once for each view that a statement
    /// writes to, and what is kept with that ends with it, however it ends.
    #[allow(clippy::mut_from_ref, reason = "it is asked for once in a call")]
    pub fn statement(&self) -> &mut Statement {
        // SAFETY: only this library keeps something there. Of two calls with the same one, the first has
        // ended.
        unsafe {
            if (*self.function).fn_extra.is_null() {
                let mut context = PgMemoryContexts::For((*self.function).fn_mcxt);
                let statement = context.leak_and_drop_on_delete(Statement::default());
                (*self.function).fn_extra = statement.cast();
            }
            &mut *(*self.function).fn_extra.cast::<Statement>()
        }
    }
}

/// Whether a COPY brings what is written. What is raised then has no context any more: COPY would say the
/// line there.
pub fn leave_copy() -> bool {
    unsafe extern "C-unwind" {
        // It is compared, and not called.
        fn CopyFromErrorCallback(argument: *mut c_void);
    }
    // SAFETY: Postgres' own stack of callbacks, on its own thread. Whoever catches an error puts back
    // what was there before.
    unsafe {
        let mut link = pg_sys::error_context_stack;
        while !link.is_null() {
            let callback = (*link).callback.map(|callback| callback as usize);
            if callback == Some(CopyFromErrorCallback as *const () as usize) {
                pg_sys::error_context_stack = ptr::null_mut();
                return true;
            }
            link = (*link).previous;
        }
    }
    false
}

/// What a trigger returns.
pub struct Written(pg_sys::HeapTuple);

impl Written {
    /// The row is not counted, and RETURNING does not show it.
    pub fn nothing() -> Self {
        Self(ptr::null_mut())
    }

    pub fn row(row: &Row) -> Self {
        Self(row.to_tuple())
    }
}

// SAFETY: a tuple in the memory context of the call, or none. A trigger's NULL is a pointer.
unsafe impl BoxRet for Written {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as above.
        unsafe { fcinfo.return_raw_datum(self.0.into()) }
    }
}

// SAFETY: what a trigger returns.
unsafe impl SqlTranslatable for Written {
    const TYPE_IDENT: &'static str = "neon_auth_admin::pg::views::trigger::Written";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("trigger"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("trigger")));
}
