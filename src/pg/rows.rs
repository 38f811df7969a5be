//! Owns results of many rows: a set, handed to Postgres at once.

// Fills a tuple store of Postgres' own.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys::SetFunctionReturnMode::{SFRM_Materialize, SFRM_Materialize_Random};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, pg_sys};

use crate::error::Error;
use crate::pg::local::Relation;
use crate::pg::query::Query;
use crate::pg::report::raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{Row, RowType, Secrets};

/// The result of a function that returns a set. pgrx's own iterator would be called once for each
/// row, and keep its state for as long as the caller likes; nothing is gained by that, as the answer
/// is there as a whole.
pub struct Rows<T> {
    like: Row,
    source: Source,
    of: PhantomData<T>,
}

enum Source {
    Answer(Vec<Row>),
    Query(Box<(Relation, Query)>),
}

impl<T: RowType> Rows<T> {
    /// A row like `like` for each item.
    pub fn new(like: Row, items: Vec<T>, secrets: Secrets) -> Result<Self, Error> {
        let rows = items
            .into_iter()
            .map(|item| like.clone().filled(item, secrets));
        let rows: Result<_, Error> = rows.collect();
        Ok(Self {
            source: Source::Answer(rows?),
            like,
            of: PhantomData,
        })
    }

    /// A row like `like` for each that the query on `relation` gives.
    pub fn of_query(like: Row, relation: Relation, query: Query) -> Self {
        Self {
            source: Source::Query(Box::new((relation, query))),
            like,
            of: PhantomData,
        }
    }
}

// SAFETY: the rows are in a store of Postgres' own, where it looks for those of a set; NULL is what
// it wants as the value beside them.
unsafe impl<T> BoxRet for Rows<T> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        let _entry = Entry::begin();
        // SAFETY: a call of a function that returns a set comes with a ReturnSetInfo, whose node tag
        // says so. Store and description live as long as the query, as Postgres demands.
        unsafe {
            let result = (*fcinfo.as_mut_ptr())
                .resultinfo
                .cast::<pg_sys::ReturnSetInfo>();
            if result.is_null()
                || (*result).type_ != pg_sys::NodeTag::T_ReturnSetInfo
                || (*result).allowedModes as u32 & SFRM_Materialize == 0
            {
                ereport!(
                    ERROR,
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "a function that returns a set was called where no set can be"
                );
            }
            let random = (*result).allowedModes as u32 & SFRM_Materialize_Random != 0;
            let query = (*(*result).econtext).ecxt_per_query_memory;
            let (store, shape) = PgMemoryContexts::For(query).switch_to(|_| {
                let store = pg_sys::tuplestore_begin_heap(random, false, pg_sys::work_mem);
                (store, pg_sys::CreateTupleDescCopy(self.like.shape()))
            });
            let (mut values, mut nulls) = (Vec::new(), Vec::new());
            let put = |row: Row| {
                values.clear();
                nulls.clear();
                for (value, is_null) in row.values() {
                    values.push(value);
                    nulls.push(is_null);
                }
                pg_sys::tuplestore_putvalues(store, shape, values.as_mut_ptr(), nulls.as_mut_ptr());
                Ok(())
            };
            let result_of_query = match self.source {
                Source::Answer(rows) => rows.into_iter().try_for_each(put),
                Source::Query(query) => {
                    let (relation, query) = *query;
                    let result = query.run(&relation, &self.like, put);
                    result.map_err(|failure| failure.into_error(relation.name))
                }
            };
            if let Err(error) = result_of_query {
                raise(error);
            }
            (*result).returnMode = SFRM_Materialize;
            (*result).setResult = store;
            (*result).setDesc = shape;
        }
        fcinfo.return_null()
    }
}

// SAFETY: the rows are in the shape of the type that is named here.
unsafe impl<T: RowType> SqlTranslatable for Rows<T> {
    const TYPE_IDENT: &'static str = T::SET_IN_SQL;
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::SetOf);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal(T::SET_IN_SQL)));
}
