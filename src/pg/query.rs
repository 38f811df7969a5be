//! Owns the queries that this extension runs itself. It knows Postgres' way from text to rows, and
//! nothing of what is asked. It does not leave that way to SPI, which looks a name up again whenever it
//! likes: what was judged is what is planned, and planning runs code already. (pgrx's own interface to
//! SPI also gives a transaction an id before it looks for what others have committed, which no standby can.)

// Calls the planner and SPI.
#![allow(unsafe_code)]

mod analyzed;

use std::ffi::{CStr, CString, c_char, c_int, c_long};
use std::ptr;
use std::slice;

use pgrx::{IntoDatum, PgList, PgMemoryContexts, PgTupleDesc, pg_sys};
use uuid::Uuid;

use self::analyzed::analyzed;
use crate::error::Error;
use crate::pg::compat::check_permissions;
use crate::pg::local::{Failure, Relation, Restricted};
use crate::pg::raised::attempt;
use crate::pg::row::Row;
use crate::pg::text::Text;

pub use self::analyzed::watch;

// Functions of Postgres' that run others' code, without pgrx's guard: see `attempt`.
unsafe extern "C-unwind" {
    fn QueryRewrite(query: *mut pg_sys::Query) -> *mut pg_sys::List;
    fn pg_plan_query(
        query: *mut pg_sys::Query,
        text: *const c_char,
        options: c_int,
        parameters: pg_sys::ParamListInfo,
    ) -> *mut pg_sys::PlannedStmt;
    fn PortalStart(
        portal: pg_sys::Portal,
        parameters: pg_sys::ParamListInfo,
        flags: c_int,
        snapshot: pg_sys::Snapshot,
    );
    fn SPI_cursor_fetch(portal: pg_sys::Portal, forward: bool, count: c_long);
    fn SPI_cursor_close(portal: pg_sys::Portal);
}

/// What a query sees of other sessions' work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// What the statement sees that the function is called in.
    Statement,
    /// What is committed by now, as far as the isolation level allows.
    Latest,
}

/// What stands for `$1` and so on.
pub enum Value {
    Text(Text),
    Texts(Vec<Text>),
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
}

impl Value {
    fn type_oid(&self) -> pg_sys::Oid {
        match self {
            Self::Text(_) => pg_sys::TEXTOID,
            Self::Texts(_) => pg_sys::TEXTARRAYOID,
            Self::Uuid(_) => pg_sys::UUIDOID,
            Self::Uuids(_) => pg_sys::UUIDARRAYOID,
        }
    }

    fn into_datum(self) -> Option<pg_sys::Datum> {
        let uuid = |uuid: Uuid| pgrx::datum::Uuid::from_bytes(uuid.into_bytes());
        match self {
            Self::Text(text) => text.into_datum(),
            Self::Texts(texts) => texts.into_datum(),
            Self::Uuid(one) => uuid(one).into_datum(),
            Self::Uuids(uuids) => {
                let uuids: Vec<_> = uuids.into_iter().map(uuid).collect();
                uuids.into_datum()
            }
        }
    }
}

/// A query that changes nothing, on one relation. Its columns have the names and types of those of a row.
pub struct Query {
    text: CString,
    values: Vec<Value>,
    sees: Sees,
}

impl Query {
    /// How many rows are in memory at a time.
    const BATCH: c_long = 100;

    /// `text` is from this extension's own words alone; `values` stand for its `$1` and so on.
    pub fn new(text: String, values: Vec<Value>, sees: Sees) -> Self {
        let text = CString::new(text).expect("the extension's own words have no NUL");
        Self { text, values, sees }
    }

    /// Hands each row to `each`, as one that is like `like`. Its values are there for that long, and
    /// the memory context is the caller's. `relation` is the only one that the text names.
    pub fn run(
        self,
        relation: &Relation,
        like: &Row,
        mut each: impl FnMut(Row) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        let mut caller = PgMemoryContexts::For(PgMemoryContexts::CurrentMemoryContext.value());
        let restricted = Restricted::enter(relation);
        // SAFETY: SPI is left again, here or, after an error, by Postgres. It owns the memory of all
        // that is made on the way. The pointers are to live values, and what SPI gives back is used
        // before the next call of it.
        unsafe {
            pg_sys::SPI_connect();
            let portal = self.open(relation, &restricted)?;
            let mut result = Ok(());
            let mut is_at_end = false;
            while result.is_ok() && !is_at_end {
                attempt(|| SPI_cursor_fetch(portal, true, Self::BATCH))?;
                let count = pg_sys::SPI_processed as usize;
                is_at_end = count < Self::BATCH as usize;
                let found = pg_sys::SPI_tuptable;
                let tuples = slice::from_raw_parts((*found).vals, count);
                let shape = PgTupleDesc::from_pg_unchecked((*found).tupdesc);
                let mut rows = like.like(&shape, tuples);
                result = rows.try_for_each(|row| caller.switch_to(|_| each(row?)));
                drop(rows);
                pg_sys::SPI_freetuptable(found);
            }
            attempt(|| SPI_cursor_close(portal))?;
            pg_sys::SPI_finish();
            restricted.leave();
            result.map_err(Failure::Refused)
        }
    }

    /// The query, judged, planned and begun. The caller's rights and row security count, whoever it
    /// runs as.
    unsafe fn open(
        self,
        relation: &Relation,
        restricted: &Restricted,
    ) -> Result<pg_sys::Portal, Failure> {
        let text = self.text.into_raw();
        // SAFETY: as in `run`. The text is copied into SPI's memory at once, and then freed.
        unsafe {
            let copy = pg_sys::pstrdup(text);
            drop(CString::from_raw(text));
            let text = copy;
            let types: Vec<_> = self.values.iter().map(Value::type_oid).collect();
            let is_it = |query: *mut pg_sys::Query| dependencies(query.cast()).0 == [relation.oid];
            let query = analyzed(relation.oid, CStr::from_ptr(text), &types, is_it)?;
            let parameters = parameters(self.values);
            if !is_it(query) {
                return Err(Failure::Moved);
            }
            relation.lock_below()?;
            let rewritten = PgList::<pg_sys::Query>::from_pg(attempt(|| QueryRewrite(query))?);
            let query = rewritten.get_ptr(0).expect("a SELECT stays one query");
            let (named, has_row_security) = dependencies(query.cast());
            let judged = relation.reads(&named, has_row_security)?;

            restricted.as_reader();
            let snapshot = match self.sees {
                Sees::Statement => pg_sys::GetActiveSnapshot(),
                Sees::Latest => {
                    pg_sys::CommandCounterIncrement();
                    pg_sys::GetTransactionSnapshot()
                }
            };
            pg_sys::PushActiveSnapshot(snapshot);
            let options = pg_sys::CURSOR_OPT_NO_SCROLL as c_int;
            let plan = attempt(|| pg_plan_query(query, text, options, parameters))?;
            relation.still_reads(&named, &judged)?;
            if relation.as_owner {
                restricted.as_caller();
                check_permissions(plan)?;
                restricted.as_reader();
            }
            let portal = pg_sys::CreateNewPortal();
            let tag = pg_sys::CommandTag::CMDTAG_SELECT;
            let plans = pg_sys::lappend(ptr::null_mut(), plan.cast());
            pg_sys::PortalDefineQuery(portal, ptr::null(), text, tag, plans, ptr::null_mut());
            (*portal).cursorOptions = options;
            attempt(|| PortalStart(portal, parameters, 0, snapshot))?;
            pg_sys::PopActiveSnapshot();
            Ok(portal)
        }
    }
}

/// The relations that a query names, itself or below views, and whether row security adds to it.
///
/// # Safety
/// `query` is analysed.
pub unsafe fn dependencies(query: *mut pg_sys::Node) -> (Vec<pg_sys::Oid>, bool) {
    let (mut relations, mut others) = (ptr::null_mut(), ptr::null_mut());
    let mut has_row_security = false;
    // SAFETY: an analysed query, and places for the results.
    let relations = unsafe {
        pg_sys::extract_query_dependencies(
            query,
            &raw mut relations,
            &raw mut others,
            &raw mut has_row_security,
        );
        PgList::<pg_sys::Oid>::from_pg(relations)
    };
    let mut once = Vec::new();
    for oid in relations.iter_oid() {
        if !once.contains(&oid) {
            once.push(oid);
        }
    }
    (once, has_row_security)
}

unsafe fn parameters(values: Vec<Value>) -> pg_sys::ParamListInfo {
    // SAFETY: a list with room for all of them.
    unsafe {
        let list = pg_sys::makeParamList(values.len() as c_int);
        let places = (*list).params.as_mut_ptr();
        for (n, value) in values.into_iter().enumerate() {
            let ptype = value.type_oid();
            let value = value.into_datum();
            places.add(n).write(pg_sys::ParamExternData {
                value: value.unwrap_or(pg_sys::Datum::from(0)),
                isnull: value.is_none(),
                pflags: pg_sys::PARAM_FLAG_CONST as _,
                ptype,
            });
        }
        list
    }
}

/// Whether the transaction will never see what others commit from now on.
pub fn snapshot_is_fixed() -> bool {
    // SAFETY: a variable of the backend, read on its own thread.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}
