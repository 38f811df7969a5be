//! Owns what Postgres gives the trigger: which it is, what happened, and the rows.

// Reads the structs of a call.
#![allow(unsafe_code)]

use pgrx::{PgMemoryContexts, pg_sys};

use super::place::is_writing;
use super::plan::Plan;
use super::row::Tuple;
use crate::error::Error;
use crate::pg::compat::WRITER_IN_EFFECT;
use crate::pg::role::Role;
use crate::pg::text::from_server;

pub struct Event<'a> {
    data: &'a pg_sys::TriggerData,
    function: *mut pg_sys::FmgrInfo,
}

pub enum Change {
    Insert(Tuple),
    Update(Tuple, Tuple),
    Delete(Tuple),
}

impl<'a> Event<'a> {
    pub fn of(call: pg_sys::FunctionCallInfo) -> Result<Self, Error> {
        // SAFETY: a call, whose context says by its tag what it is; it lives as long as the call.
        let event = unsafe {
            let context = (*call).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return Err(Error::no_sync_trigger());
            }
            Self {
                data: &*context.cast::<pg_sys::TriggerData>(),
                function: (*call).flinfo,
            }
        };
        let event_of_it = event.data.tg_event;
        if event_of_it & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_TRUNCATE {
            return Err(Error::users_of_truncated(&event.name()));
        }
        let is_after = event_of_it & pg_sys::TRIGGER_EVENT_TIMINGMASK == 0;
        match is_after && event_of_it & pg_sys::TRIGGER_EVENT_ROW != 0 {
            true => Ok(event),
            false => Err(Error::no_sync_trigger()),
        }
    }

    /// What is the same for all rows of a statement.
    pub fn plan(&self) -> Result<&Plan, Error> {
        // SAFETY: only this library keeps something there, and it ends with the statement.
        unsafe {
            if (*self.function).fn_extra.is_null() {
                let plan = Plan::of(self)?;
                let mut context = PgMemoryContexts::For((*self.function).fn_mcxt);
                (*self.function).fn_extra = context.leak_and_drop_on_delete(plan).cast();
            }
            Ok(&*(*self.function).fn_extra.cast::<Plan>())
        }
    }

    pub fn change(&self) -> Change {
        let (first, second) = (self.data.tg_trigtuple, self.data.tg_newtuple);
        // SAFETY: tuples of the table, which live as long as the call.
        unsafe {
            let shape = (*self.data.tg_relation).rd_att;
            match self.data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
                pg_sys::TRIGGER_EVENT_INSERT => Change::Insert(Tuple::new(first, shape)),
                pg_sys::TRIGGER_EVENT_DELETE => Change::Delete(Tuple::new(first, shape)),
                _ => Change::Update(Tuple::new(first, shape), Tuple::new(second, shape)),
            }
        }
    }

    /// Whether an UPDATE sets that column, be it to what it was.
    pub fn assigns(&self, column: i16) -> bool {
        let member = i32::from(column) - pg_sys::FirstLowInvalidHeapAttributeNumber;
        // SAFETY: a set of columns, or none.
        unsafe { pg_sys::bms_is_member(member, self.data.tg_updatedcols) }
    }

    /// Whether who writes this row has the rights of the owner: each row of a statement may be another's.
    pub fn is_by(&self, owner: Role) -> bool {
        // SAFETY: as long as the call.
        let is_deferrable = unsafe { (*self.data.tg_trigger).tgdeferrable };
        if is_deferrable && !WRITER_IN_EFFECT {
            return is_writing();
        }
        // SAFETY: a look-up in the catalogs.
        unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), owner.0) }
    }

    pub fn relation(&self) -> &pg_sys::RelationData {
        // SAFETY: open as long as the call.
        unsafe { &*self.data.tg_relation }
    }

    pub fn trigger(&self) -> pg_sys::Oid {
        // SAFETY: as long as the call.
        unsafe { (*self.data.tg_trigger).tgoid }
    }

    /// Whether it is called at the end of its statement, and nobody else's trigger is before another row's.
    pub fn is_nobody_elses(&self) -> bool {
        // SAFETY: an open relation with triggers.
        unsafe {
            let all = &*(*self.data.tg_relation).trigdesc;
            let count = usize::try_from(all.numtriggers).unwrap_or_default();
            let others = std::slice::from_raw_parts(all.triggers, count).iter();
            let own = &*self.data.tg_trigger;
            let timing = pg_sys::TRIGGER_TYPE_TIMING_MASK | pg_sys::TRIGGER_TYPE_INSERT;
            let mut others = others.filter(|it| {
                it.tgoid != own.tgoid
                    && !it.tgisinternal
                    && it.tgtype as u32 & timing == pg_sys::TRIGGER_TYPE_INSERT
            });
            let is_partition = (*(*self.data.tg_relation).rd_rel).relispartition;
            !own.tgdeferrable && !is_partition && others.next().is_none()
        }
    }

    /// Whether another trigger like it would do the same for the column with the ids once more.
    pub fn is_twice_for(&self, id: &str) -> bool {
        // SAFETY: an open relation with triggers.
        unsafe {
            let all = &*(*self.data.tg_relation).trigdesc;
            let count = usize::try_from(all.numtriggers).unwrap_or_default();
            let own = &*self.data.tg_trigger;
            let events = pg_sys::TRIGGER_TYPE_INSERT
                | pg_sys::TRIGGER_TYPE_UPDATE
                | pg_sys::TRIGGER_TYPE_DELETE;
            let mut others = std::slice::from_raw_parts(all.triggers, count).iter();
            others.any(|it| {
                it.tgoid != own.tgoid
                    && it.tgfoid == own.tgfoid
                    && it.tgenabled as u8 != pg_sys::TRIGGER_DISABLED
                    && (it.tgtype & own.tgtype) as u32 & events != 0
                    && arguments_of(it).get(2).is_some_and(|other| other == id)
            })
        }
    }

    pub fn arguments(&self) -> Vec<String> {
        // SAFETY: as long as the call.
        arguments_of(unsafe { &*self.data.tg_trigger })
    }

    fn name(&self) -> String {
        super::columns::qualified_name(self.relation().rd_id)
    }
}

fn arguments_of(trigger: &pg_sys::Trigger) -> Vec<String> {
    let count = usize::try_from(trigger.tgnargs).unwrap_or_default();
    // SAFETY: NUL-terminated texts, as many as there are said to be.
    let argument = |n| unsafe { from_server(std::ffi::CStr::from_ptr(*trigger.tgargs.add(n))) };
    (0..count).map(argument).collect()
}
