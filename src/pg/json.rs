//! Owns arguments of type jsonb, which are their text in Rust's own encoding, and results. pgrx's own type
//! takes every database for one that speaks UTF-8, and makes a tree of the value.

// Implements pgrx's traits for arguments and results, and calls Postgres' own output function.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ops::Deref;
use std::ptr::null_mut;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::{direct_function_call_as_datum, pg_sys};
use serde_json::Value;

use crate::pg::reserve::Entry;
use crate::pg::row::jsonb_datum;
use crate::pg::text::{MAX_ARGUMENT, Text, from_server, in_server};

/// A `jsonb` argument as text. Of one that is longer than `MAX` there is nothing, which is no JSON, so that
/// each check refuses it and says what it is.
pub struct Json<const MAX: usize = MAX_ARGUMENT>(Text);

impl<const MAX: usize> Deref for Json<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FromDatum for Json<MAX> {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: a jsonb, by the caller's promise. Its size is looked at before it is unpacked; what its
        // output function returns is a text with a NUL at its end, in the current memory context.
        unsafe {
            if pg_sys::toast_raw_datum_size(datum) > MAX + pg_sys::VARHDRSZ {
                return Some(Self(Text::new("")));
            }
            Some(Self(Text::new(text_of(datum))))
        }
    }
}

/// A `jsonb` in words.
///
/// # Safety
/// It is one, and not NULL.
pub unsafe fn text_of(jsonb: pg_sys::Datum) -> String {
    // SAFETY: the caller's promise; what comes back is a text with a NUL at its end.
    unsafe {
        let text = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(jsonb)]);
        let text = text.map(|text| text.cast_mut_ptr());
        text.map_or_else(String::new, |text| from_server(CStr::from_ptr(text)))
    }
}

/// A `jsonb` with fields that are all texts, made without its words.
pub fn object<const N: usize>(fields: [(&str, &str); N]) -> pg_sys::Datum {
    use pg_sys::JsonbIteratorToken::{WJB_BEGIN_OBJECT, WJB_END_OBJECT, WJB_KEY, WJB_VALUE};
    let texts = fields.map(|(name, value)| [in_server(name), in_server(value)]);
    let push = |state: *mut *mut _, what, text: &[u8]| {
        let mut value = pg_sys::JsonbValue {
            type_: pg_sys::jbvType::jbvString,
            ..Default::default()
        };
        value.val.string.len = i32::try_from(text.len()).unwrap_or_default();
        value.val.string.val = text.as_ptr().cast_mut().cast();
        // SAFETY: a text that lives until all of it is copied.
        unsafe { pg_sys::pushJsonbValue(state, what, &raw mut value) };
    };
    let mut state = null_mut();
    // SAFETY: it is made in the current memory context.
    unsafe {
        pg_sys::pushJsonbValue(&raw mut state, WJB_BEGIN_OBJECT, null_mut());
        for [name, value] in &texts {
            push(&raw mut state, WJB_KEY, name);
            push(&raw mut state, WJB_VALUE, value);
        }
        let whole = pg_sys::pushJsonbValue(&raw mut state, WJB_END_OBJECT, null_mut());
        pg_sys::JsonbValueToJsonb(whole).into()
    }
}

// SAFETY: it is made of one argument, as it is from any datum, and keeps nothing of the call.
unsafe impl<'fcx, const MAX: usize> ArgAbi<'fcx> for Json<MAX> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller's promise.
        unsafe { arg.unbox_arg_using_from_datum() }.expect("not NULL, by the caller's promise")
    }
}

// SAFETY: as an argument it is a datum of type jsonb; it is no result.
unsafe impl<const MAX: usize> SqlTranslatable for Json<MAX> {
    const TYPE_IDENT: &'static str = "neon_auth_admin::pg::json::Json";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("JSONB"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("JSONB")));
}

/// A `jsonb` result.
pub struct JsonResult(pub Value);

// SAFETY: what is returned is a jsonb datum or NULL.
unsafe impl BoxRet for JsonResult {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        let _entry = Entry::begin();
        match jsonb_datum(self.0) {
            // SAFETY: a jsonb in the current memory context.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: what is returned is a jsonb.
unsafe impl SqlTranslatable for JsonResult {
    const TYPE_IDENT: &'static str = "neon_auth_admin::pg::json::JsonResult";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("JSONB"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("JSONB")));
}
