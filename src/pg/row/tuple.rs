//! Owns rows as the trigger of a view has them: what is written, and what is shown of it.

// Takes tuples apart, and makes them.
#![allow(unsafe_code)]

use pgrx::{PgTupleDesc, pg_sys};

use super::{Row, RowType};
use crate::error::Error;

impl Row {
    /// The tuple of that shape.
    ///
    /// # Safety
    /// Both live as long as the row is used.
    pub unsafe fn of_tuple(shape: pg_sys::TupleDesc, tuple: pg_sys::HeapTuple) -> Self {
        // SAFETY: the caller's promise, and room for all columns.
        unsafe {
            let shape = PgTupleDesc::from_pg_unchecked(shape);
            let mut values = vec![pg_sys::Datum::from(0); shape.len()];
            let mut nulls = vec![false; shape.len()];
            let (to, are_null) = (values.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::heap_deform_tuple(tuple, shape.as_ptr(), to, are_null);
            let values = values.into_iter().zip(nulls);
            let values = values.map(|(value, is_null)| (!is_null).then_some(value));
            let values = values.collect();
            Self { shape, values }
        }
    }

    /// Another row of the same shape, in which every column is NULL.
    pub fn emptied(&self) -> Self {
        let mut row = self.clone();
        row.values.fill(None);
        row
    }

    /// The same, for what a `T` is: it has all the columns.
    pub fn emptied_for<T: RowType>(&self) -> Result<Self, Error> {
        self.check::<T>()?;
        Ok(self.emptied())
    }

    /// The same row as a tuple, in the current memory context.
    pub fn to_tuple(&self) -> pg_sys::HeapTuple {
        let (mut values, mut nulls): (Vec<_>, Vec<_>) = self.values().unzip();
        // SAFETY: each value was made for the type of its column.
        unsafe { pg_sys::heap_form_tuple(self.shape(), values.as_mut_ptr(), nulls.as_mut_ptr()) }
    }

    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.shape.iter().map(|column| column.name())
    }

    pub fn is_null(&self, column: &str) -> Result<bool, Error> {
        Ok(self.values[self.place_of(column)?].is_none())
    }

    /// Whether a column has the same value in another row of this shape, without asking the operators of its
    /// type, of which whoever owns a schema may have others.
    pub fn is_same(&self, other: &Self, column: &str) -> Result<bool, Error> {
        let place = self.place_of(column)?;
        let kind = self.shape.iter().nth(place).map(|column| column.atttypid);
        Ok(match kind {
            Some(pg_sys::TEXTOID) => {
                self.text(column)?.as_deref() == other.text(column)?.as_deref()
            }
            // The other types here are passed by value.
            _ => {
                self.values[place].map(|value| value.value())
                    == other.values[place].map(|value| value.value())
            }
        })
    }

    /// Sets a column to what it is in another row of this shape.
    pub fn copy(&mut self, other: &Self, column: &str) -> Result<(), Error> {
        let place = self.place_of(column)?;
        self.values[place] = other.values[place];
        Ok(())
    }
}
