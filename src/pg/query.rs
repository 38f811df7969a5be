//! Owns the queries that this extension runs itself. It knows Postgres' way from text to rows, and
//! nothing of what is asked. It does not leave that way to SPI, which looks a name up again whenever it
//! likes: what was judged is what is planned, and planning runs code already. (pgrx's own interface to
//! SPI also gives a transaction an id before it looks for what others have committed, which no standby can.)

// Calls the parser, the planner and SPI.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_long};
use std::ptr;
use std::slice;

use pgrx::{IntoDatum, PgList, PgMemoryContexts, PgTupleDesc, pg_sys};

use crate::error::Error;
use crate::pg::compat::{check_permissions, parse_analyze_fixedparams};
use crate::pg::local::{Failure, Relation, Restricted};
use crate::pg::raised::{Raised, attempt};
use crate::pg::row::Row;
use crate::pg::text::Text;

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

/// A query that changes nothing, on one relation. Its columns have the names and types of those of a row.
pub struct Query {
    text: CString,
    parameter: Option<Text>,
    sees: Sees,
}

impl Query {
    /// How many rows are in memory at a time.
    const BATCH: c_long = 100;

    /// `text` is from this extension's own words alone: values are for `parameter`, which is `$1`.
    pub fn new(text: String, parameter: Option<Text>, sees: Sees) -> Self {
        let text = CString::new(text).expect("the extension's own words have no NUL");
        Self {
            text,
            parameter,
            sees,
        }
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
            while result.is_ok() {
                attempt(|| SPI_cursor_fetch(portal, true, Self::BATCH))?;
                let count = pg_sys::SPI_processed as usize;
                if count == 0 {
                    break;
                }
                let found = pg_sys::SPI_tuptable;
                let tuples = slice::from_raw_parts((*found).vals, count);
                let shape = PgTupleDesc::from_pg_unchecked((*found).tupdesc);
                result =
                    rows(like, &shape, tuples).try_for_each(|row| caller.switch_to(|_| each(row?)));
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
            let argument = self.parameter.and_then(IntoDatum::into_datum);
            let parameters = parameters(argument);
            let query = analyze(text, c_int::from(argument.is_some()))?;
            if dependencies(query.cast()).0 != [relation.oid] {
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

/// What the text means now, to the role in effect. No code of others runs.
unsafe fn analyze(text: *const c_char, parameters: c_int) -> Result<*mut pg_sys::Query, Raised> {
    let text_type = pg_sys::TEXTOID;
    // SAFETY: a text with one statement, and the type of its only parameter.
    unsafe {
        let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::pg_parse_query(text));
        let statement = statements.get_ptr(0).expect("one statement");
        let environment = ptr::null_mut();
        attempt(|| {
            parse_analyze_fixedparams(
                statement,
                text,
                &raw const text_type,
                parameters,
                environment,
            )
        })
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

unsafe fn parameters(argument: Option<pg_sys::Datum>) -> pg_sys::ParamListInfo {
    let Some(value) = argument else {
        return ptr::null_mut();
    };
    // SAFETY: a list with room for one.
    unsafe {
        let list = pg_sys::makeParamList(1);
        (*list).params.as_mut_ptr().write(pg_sys::ParamExternData {
            value,
            isnull: false,
            pflags: pg_sys::PARAM_FLAG_CONST as _,
            ptype: pg_sys::TEXTOID,
        });
        list
    }
}

/// The tuples as rows like `like`, by the names of the columns.
fn rows<'a>(
    like: &'a Row,
    shape: &'a PgTupleDesc,
    tuples: &'a [pg_sys::HeapTuple],
) -> impl Iterator<Item = Result<Row, Error>> + 'a {
    let places = like.places_of(shape);
    let mut values = vec![pg_sys::Datum::from(0); shape.len()];
    let mut nulls = vec![false; shape.len()];
    tuples.iter().map(move |tuple| {
        let places = places.as_ref().map_err(|error| error.clone())?;
        // SAFETY: a tuple of that shape, and room for all of its columns.
        unsafe {
            pg_sys::heap_deform_tuple(
                *tuple,
                shape.as_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        let mut row = like.clone();
        for (at, &place) in places.iter().enumerate() {
            row.set_raw(place, (!nulls[at]).then_some(values[at]));
        }
        Ok(row)
    })
}

/// Whether the transaction will never see what others commit from now on.
pub fn snapshot_is_fixed() -> bool {
    // SAFETY: a variable of the backend, read on its own thread.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}
