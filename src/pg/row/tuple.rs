//! Owns the ways between rows and Postgres' tuples: those of a query, and what the trigger of a view is given and
//! shows of it.

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
        // SAFETY: the caller's promise.
        unsafe {
            let shape = PgTupleDesc::from_pg_unchecked(shape);
            let values = values_of(&shape, tuple);
            Self {
                shape,
                values,
                later: &[],
            }
        }
    }

    /// Rows like this one of tuples of another shape, by the names and types of its columns.
    ///
    /// # Safety
    /// The tuples are of that shape, and live as long as their rows are used.
    pub unsafe fn like<'a>(
        &'a self,
        shape: &'a PgTupleDesc,
        tuples: &'a [pg_sys::HeapTuple],
    ) -> impl Iterator<Item = Result<Self, Error>> + 'a {
        let places = self.places_of(shape);
        tuples.iter().map(move |&tuple| {
            let places = places.as_ref().map_err(|error| error.clone())?;
            let mut row = self.clone();
            // SAFETY: the caller's promise.
            let values = unsafe { values_of(shape, tuple) };
            for (&place, value) in places.iter().zip(values) {
                row.values[place] = value;
            }
            Ok(row)
        })
    }

    fn places_of(&self, other: &PgTupleDesc) -> Result<Vec<usize>, Error> {
        let place_of = |column: &pg_sys::FormData_pg_attribute| {
            let mut shape = self.shape.iter();
            shape
                .position(|own| {
                    own.atttypid == column.atttypid && own.attname.data == column.attname.data
                })
                .ok_or_else(|| Error::stale_extension(&format!("no column {}", column.name())))
        };
        other.iter().map(place_of).collect()
    }

    /// Another row of the same shape, in which every column is NULL.
    pub fn emptied(&self) -> Self {
        let mut row = self.clone();
        row.values.fill(None);
        row
    }

    /// The same, for what a `T` is: it has all the columns that every version has.
    pub fn emptied_for<T: RowType>(&self) -> Result<Self, Error> {
        self.check::<T>()?;
        let mut row = self.emptied();
        row.later = T::LATER;
        Ok(row)
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

/// # Safety
/// A tuple of that shape, which lives as long as its values are used.
unsafe fn values_of(shape: &PgTupleDesc, tuple: pg_sys::HeapTuple) -> Vec<Option<pg_sys::Datum>> {
    let mut values = vec![pg_sys::Datum::from(0); shape.len()];
    let mut nulls = vec![false; shape.len()];
    let (to, are_null) = (values.as_mut_ptr(), nulls.as_mut_ptr());
    // SAFETY: the caller's promise, and room for all columns.
    unsafe { pg_sys::heap_deform_tuple(tuple, shape.as_ptr(), to, are_null) };
    let values = values.into_iter().zip(nulls);
    values
        .map(|(value, is_null)| (!is_null).then_some(value))
        .collect()
}
