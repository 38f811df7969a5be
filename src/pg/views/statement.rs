//! Owns what one statement has done through a view. It knows nothing of what a row is.

use std::collections::HashMap;

use crate::error::Done;
use crate::pg::text::Text;

#[derive(Default)]
pub struct Statement {
    pub done: Done,
    rows: HashMap<String, Fate>,
}

/// What became of a row, so that a join that brings it again does nothing again.
pub enum Fate {
    Deleted,
    Changed(Changes),
}

/// The columns that change, and what they are to be. They may be secrets, which are wiped.
pub struct Changes(pub Vec<(&'static str, Text)>);

impl Statement {
    pub fn fate(&self, key: &str) -> Option<&Fate> {
        self.rows.get(key)
    }

    pub fn note(&mut self, key: String, fate: Fate) {
        self.rows.insert(key, fate);
    }
}

impl Changes {
    pub fn are_like(&self, others: &Self) -> bool {
        let is_like = |((column, value), (other, other_value)): (&(_, Text), &(_, Text))| {
            column == other && **value == **other_value
        };
        self.0.len() == others.0.len() && self.0.iter().zip(&others.0).all(is_like)
    }
}
