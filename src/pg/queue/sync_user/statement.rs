//! Owns a statement on a table that was judged: whatever the name of the table leads to by now, nothing is planned
//! or run but what is about that very one and the children that it had. It knows nothing of what the statement does.

// Calls the parser, the planner and SPI.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::{ptr, slice};

use pgrx::{PgList, pg_sys};

use super::columns::qualified_name;
use super::row::in_plain_words;
use crate::error::Error;
use crate::pg::compat::parse_analyze_fixedparams;
use crate::pg::query::dependencies;
use crate::pg::raised::attempt;
use crate::pg::text::{from_server, to_server};

/// Its type, which is no domain, and its value in words.
pub type Parameter = (pg_sys::Oid, String);

/// What the statements here give of a row.
type Two = (Option<String>, Option<String>);

/// More rows than are expected of any.
const SOME: i64 = 10;

/// Runs a statement that gives two texts, on the first of the `tables`, which are locked. SPI is connected.
pub fn run(
    text: &str,
    parameters: &[Parameter],
    tables: &[pg_sys::Oid],
) -> Result<Vec<Two>, Error> {
    let text = to_server(text);
    // SAFETY: SPI owns the memory of all that is made on the way, and what it gives is used before the next call
    // of it. The text lives until the statement ends.
    unsafe {
        let text = pg_sys::pstrdup(text.as_ptr());
        let query = analyzed(text, parameters, tables)?;
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let plan = pg_sys::pg_plan_query(query, text, 0, ptr::null_mut());
        let planned = PgList::<pg_sys::Oid>::from_pg((*plan).relationOids);
        if !planned.iter_oid().all(|oid| tables.contains(&oid)) {
            return Err(moved(tables));
        }
        let tag = match (*plan).commandType {
            pg_sys::CmdType::CMD_SELECT => pg_sys::CommandTag::CMDTAG_SELECT,
            _ => pg_sys::CommandTag::CMDTAG_UPDATE,
        };
        let portal = pg_sys::CreateNewPortal();
        let plans = pg_sys::lappend(ptr::null_mut(), plan.cast());
        pg_sys::PortalDefineQuery(portal, ptr::null(), text, tag, plans, ptr::null_mut());
        let values = in_plain_words(|| values(parameters));
        pg_sys::PortalStart(portal, values, 0, pg_sys::GetActiveSnapshot());
        pg_sys::PopActiveSnapshot();
        pg_sys::SPI_cursor_fetch(portal, true, SOME);
        let rows = rows();
        pg_sys::SPI_cursor_close(portal);
        Ok(rows)
    }
}

/// The statement as Postgres understands it. No code of others has run by then.
///
/// # Safety
/// A NUL-terminated text with one statement.
unsafe fn analyzed(
    text: *const std::ffi::c_char,
    parameters: &[Parameter],
    tables: &[pg_sys::Oid],
) -> Result<*mut pg_sys::Query, Error> {
    let types: Vec<_> = parameters.iter().map(|(kind, _)| *kind).collect();
    let is_on_it = |query: *mut pg_sys::Query| {
        // SAFETY: what the parser or the rewriter has made.
        let (named, _) = unsafe { dependencies(query.cast()) };
        Some(&named[..]) == tables.get(..1)
    };
    // SAFETY: the caller's promise, and as many types as there are said to be.
    unsafe {
        let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::pg_parse_query(text));
        let statement = statements.get_ptr(0).expect("one statement");
        let (types, count) = (types.as_ptr(), types.len() as c_int);
        let query =
            attempt(|| parse_analyze_fixedparams(statement, text, types, count, ptr::null_mut()));
        let query = query.unwrap_or_else(|raised| raised.resume());
        if !is_on_it(query) {
            return Err(moved(tables));
        }
        let rewritten = PgList::<pg_sys::Query>::from_pg(pg_sys::QueryRewrite(query));
        match rewritten.get_ptr(0) {
            Some(query) if rewritten.len() == 1 && is_on_it(query) => Ok(query),
            _ => Err(moved(tables)),
        }
    }
}

fn moved(tables: &[pg_sys::Oid]) -> Error {
    let name = tables.first().copied().map(qualified_name);
    Error::table_has_changed(&name.unwrap_or_default())
}

/// # Safety
/// Each is read by the input function of its type, which a superuser has made.
unsafe fn values(parameters: &[Parameter]) -> pg_sys::ParamListInfo {
    // SAFETY: a list with room for all of them, and the caller's promise.
    unsafe {
        let list = pg_sys::makeParamList(parameters.len() as c_int);
        let places = (*list).params.as_mut_ptr();
        for (n, (kind, value)) in parameters.iter().enumerate() {
            let (mut input, mut of) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
            pg_sys::getTypeInputInfo(*kind, &raw mut input, &raw mut of);
            let value = to_server(value);
            let value = pg_sys::OidInputFunctionCall(input, value.as_ptr().cast_mut(), of, -1);
            places.add(n).write(pg_sys::ParamExternData {
                value,
                isnull: false,
                pflags: pg_sys::PARAM_FLAG_CONST as _,
                ptype: *kind,
            });
        }
        list
    }
}

/// What was fetched last.
///
/// # Safety
/// SPI is connected.
unsafe fn rows() -> Vec<Two> {
    // SAFETY: as many rows as SPI says, with two columns.
    unsafe {
        let Some(found) = pg_sys::SPI_tuptable.as_ref() else {
            return Vec::new();
        };
        let count = usize::try_from(pg_sys::SPI_processed).unwrap_or_default();
        let tuples = slice::from_raw_parts(found.vals, count);
        let value = |tuple, column| {
            let value = pg_sys::SPI_getvalue(tuple, found.tupdesc, column);
            (!value.is_null()).then(|| from_server(CStr::from_ptr(value)))
        };
        let rows = tuples
            .iter()
            .map(|&tuple| (value(tuple, 1), value(tuple, 2)));
        rows.collect()
    }
}
