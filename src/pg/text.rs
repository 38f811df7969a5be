//! Owns the way of text between Postgres and Rust: outside in the database's encoding, inside UTF-8.
//! pgrx's own strings are right in UTF-8 databases alone, and panic in others.

// Implements pgrx's traits for arguments and results, and calls Postgres' conversions.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ops::Deref;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::varlena::{
    rust_byte_slice_to_bytea, varatt_is_1b, varatt_is_1b_e, varatt_is_4b_u, varlena_to_byte_slice,
    varsize_any_exhdr,
};
use pgrx::{IntoDatum, pg_sys};
use zeroize::Zeroize;

use crate::pg::reserve::Entry;

/// Longer than any argument that makes sense.
pub const MAX_ARGUMENT: usize = 64 * 1024;

/// A `text` argument or result. It is wiped when it is dropped, as it may be a secret.
pub struct Text(String);

impl Text {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// From a text that is not NULL, unpacked into the current memory context. Of one that is too long only
    /// the beginning is, with a NUL at its end: no text in a database has one, so that each check refuses it
    /// and says what it is.
    unsafe fn from_raw(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let plain = datum.cast_mut_ptr();
            // As arguments mostly come: nothing to unpack, and no call of Postgres.
            let is_short = varatt_is_1b(plain) && !varatt_is_1b_e(plain);
            if is_short || varatt_is_4b_u(plain) && varsize_any_exhdr(plain) <= MAX_ARGUMENT {
                return Self(from_server_bytes(varlena_to_byte_slice(plain)));
            }
            if pg_sys::toast_raw_datum_size(datum) > MAX_ARGUMENT + pg_sys::VARHDRSZ {
                let start = pg_sys::pg_detoast_datum_slice(plain, 0, MAX_ARGUMENT as i32);
                let start = varlena_to_byte_slice(start);
                let (text, length) = (start.as_ptr().cast(), start.len() as c_int);
                let whole = pg_sys::pg_mbcliplen(text, length, length) as usize;
                return Self(from_server_bytes(&start[..whole]) + "\0");
            }
            let text = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            Self(from_server_bytes(varlena_to_byte_slice(text)))
        }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Whether the database's encoding is Rust's own.
fn is_utf8() -> bool {
    unsafe extern "C-unwind" {
        // It raises nothing, so that it needs no guard.
        fn GetDatabaseEncoding() -> c_int;
    }
    // SAFETY: reads a variable of the backend.
    unsafe { GetDatabaseEncoding() == pg_sys::pg_enc::PG_UTF8 as c_int }
}

/// Text of the server, as Rust has it. Raises 22021 or 22P05 when it is none.
pub fn from_server(text: &CStr) -> String {
    from_server_bytes(text.to_bytes())
}

fn from_server_bytes(bytes: &[u8]) -> String {
    if is_utf8() {
        // Postgres keeps text valid, so nothing is lost.
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let length = i32::try_from(bytes.len()).expect("a value of Postgres is under 1 GB");
    // SAFETY: the pointer and length of a live slice. The result is the same memory, or a
    // NUL-terminated copy in the current memory context.
    let utf8 = unsafe {
        let start = bytes.as_ptr().cast::<c_char>();
        let converted = pg_sys::pg_server_to_any(start, length, pg_sys::pg_enc::PG_UTF8 as i32);
        if converted.cast_const() == start {
            bytes
        } else {
            CStr::from_ptr(converted).to_bytes()
        }
    };
    String::from_utf8_lossy(utf8).into_owned()
}

/// A `text`, or what is stored like one, of any length.
///
/// # Safety
/// It is one, and not NULL.
pub unsafe fn whole_text(datum: pg_sys::Datum) -> String {
    // SAFETY: the caller's promise.
    unsafe {
        let plain = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        from_server_bytes(varlena_to_byte_slice(plain))
    }
}

/// Rust's text, as the server has it. Raises 22P05 when its encoding cannot say it. Text from SQL has
/// no NUL; what comes after one elsewhere is cut off.
pub fn to_server(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    let text = CString::new(text).expect("cut off before the first NUL");
    if is_utf8() {
        return text;
    }
    let length = i32::try_from(text.as_bytes().len()).expect("texts here are short");
    // SAFETY: as in `from_server_bytes`, the other way round.
    unsafe {
        let converted =
            pg_sys::pg_any_to_server(text.as_ptr(), length, pg_sys::pg_enc::PG_UTF8 as i32);
        if converted.cast_const() == text.as_ptr() {
            text
        } else {
            CStr::from_ptr(converted).to_owned()
        }
    }
}

/// The same, without a NUL at its end, nor a copy where there is nothing to convert.
pub fn in_server(text: &str) -> Cow<'_, [u8]> {
    match is_utf8() {
        true => Cow::Borrowed(text.as_bytes()),
        false => Cow::Owned(to_server(text).into_bytes()),
    }
}

/// A `text` in the current memory context.
pub fn text_datum(text: &str) -> Option<pg_sys::Datum> {
    if is_utf8() {
        return text.into_datum();
    }
    // A bytea is a text without the promise of an encoding; this one keeps the server's.
    rust_byte_slice_to_bytea(to_server(text).as_bytes()).into_datum()
}

/// A message for people: in a database of another encoding, what is not ASCII is escaped rather than
/// converted, because a failed conversion would hide the message.
pub fn for_message(text: String) -> String {
    if text.is_ascii() || is_utf8() {
        return text;
    }
    text.chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.escape_unicode().to_string()
            }
        })
        .collect()
}

// SAFETY: it is made of one argument, as it is from any datum, and keeps nothing of the call.
unsafe impl<'fcx> ArgAbi<'fcx> for Text {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller's promise.
        unsafe { arg.unbox_arg_using_from_datum() }.expect("not NULL, by the caller's promise")
    }
}

// SAFETY: it owns a copy, so there is no lifetime that it could outlive.
unsafe impl UnboxDatum for Text {
    type As<'src> = Self;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self
    where
        Self: 'src,
    {
        // SAFETY: the caller's promise.
        unsafe { Self::from_raw(datum.sans_lifetime()) }
    }
}

impl FromDatum for Text {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the caller's promise.
        (!is_null).then(|| unsafe { Self::from_raw(datum) })
    }
}

impl IntoDatum for Text {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        text_datum(&self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

// SAFETY: what is returned is a text datum or NULL.
unsafe impl BoxRet for Text {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        let _entry = Entry::begin();
        match self.into_datum() {
            // SAFETY: a text in the current memory context.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: as an argument and as a result it is a datum of type text.
unsafe impl SqlTranslatable for Text {
    const TYPE_IDENT: &'static str = "neon_auth_admin::pg::text::Text";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("TEXT"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("TEXT")));
}

/// A `text[]` result.
pub struct Texts(pub Vec<Text>);

// SAFETY: that of an array, made with memory in reserve.
unsafe impl BoxRet for Texts {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        let _entry = Entry::begin();
        // SAFETY: the caller's promise.
        unsafe { self.0.box_into(fcinfo) }
    }
}

// SAFETY: what is returned is an array of texts.
unsafe impl SqlTranslatable for Texts {
    const TYPE_IDENT: &'static str = "neon_auth_admin::pg::text::Texts";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("TEXT[]"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("TEXT[]")));
}
