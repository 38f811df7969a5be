//! Owns what is asked of a table of users.

use pgrx::pg_sys;

use super::{Column, Layout, NO_COLUMN, Table};
use crate::pg::query::{Query, Sees, Value};
use crate::pg::text::Text;

/// So many users are counted.
const MOST: usize = 10_000;

/// Which users are asked for: all that fit each of these.
pub struct Wanted {
    /// A part of the e-mail address or the name, whatever its case.
    pub search: Option<Text>,
    pub ids: Option<Vec<Text>>,
    pub include_deleted: bool,
}

impl Table {
    /// The users that are wanted, each of them once.
    pub fn list(&self, wanted: Wanted) -> Query {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        if let Some(search) = wanted.search {
            values.push(Value::Text(containing(&search)));
            let n = values.len();
            conditions.push(format!(
                "(email::pg_catalog.text OPERATOR(pg_catalog.~~*) ${n} \
                 OR name::pg_catalog.text OPERATOR(pg_catalog.~~*) ${n})"
            ));
        }
        if let Some(ids) = wanted.ids {
            values.push(match self.has_uuids() {
                true => Value::Uuids(ids.iter().filter_map(|id| uuid(id)).collect()),
                false => Value::Texts(ids),
            });
            let n = values.len();
            conditions.push(format!("id OPERATOR(pg_catalog.=) ANY (${n})"));
        }
        if let (Layout::UsersSync, false) = (self.layout, wanted.include_deleted) {
            conditions.push("deleted_at IS NULL".to_owned());
        }
        let mut query = self.select();
        for (n, condition) in conditions.iter().enumerate() {
            query += if n == 0 { " WHERE " } else { " AND " };
            query += condition;
        }
        Query::new(query, values, Sees::Statement)
    }

    /// Whether a user here can have such an id.
    pub fn may_have(&self, id: &str) -> bool {
        !self.has_uuids() || uuid(id).is_some()
    }

    /// The user with this id, unless it was deleted.
    pub fn one(&self, id: &str) -> Query {
        let (query, id) = self.by_id(id);
        Query::new(query, vec![id], Sees::Latest)
    }

    /// The same, if the user was created before that time, in seconds of Unix.
    pub fn one_before(&self, id: &str, time: f64) -> Query {
        let (one, id) = self.by_id(id);
        let query = format!(
            "SELECT id FROM ({one}) AS one \
             WHERE created_at OPERATOR(pg_catalog.<) pg_catalog.to_timestamp($2::pg_catalog.float8)"
        );
        let time = Value::Text(Text::new(time.to_string()));
        Query::new(query, vec![id, time], Sees::Latest)
    }

    fn by_id(&self, id: &str) -> (String, Value) {
        let id = match uuid(id).filter(|_| self.has_uuids()) {
            Some(id) => Value::Uuid(id),
            None => Value::Text(Text::new(id)),
        };
        let mut query = self.select() + " WHERE id OPERATOR(pg_catalog.=) $1";
        if let Layout::UsersSync = self.layout {
            query += " AND deleted_at IS NULL";
        }
        (query, id)
    }

    /// The ids of users with this address, whatever its case: more than one only where the table is behind Neon.
    pub fn ids_of(&self, email: Text) -> Query {
        let mut query = format!(
            "SELECT id::pg_catalog.text AS id FROM {} \
             WHERE pg_catalog.lower(email::pg_catalog.text) OPERATOR(pg_catalog.=) pg_catalog.lower($1)",
            self.name()
        );
        if let Layout::UsersSync = self.layout {
            query += " AND deleted_at IS NULL";
        }
        query += " ORDER BY (email::pg_catalog.text OPERATOR(pg_catalog.=) $1) DESC, id LIMIT 100";
        Query::new(query, vec![Value::Text(email)], Sees::Latest)
    }

    /// How many users there are, and how old the latest change is, in words, as the column `detail`. No
    /// more of them are looked at than take a moment: on a standby, whoever reads for long is in the way.
    pub fn state(&self) -> Query {
        let times = self.layout.columns().iter().filter(|column| {
            let Column(_, column, of_type, must_be) = column;
            *of_type == pg_sys::TIMESTAMPTZOID && (*must_be || self.number_of(column) != NO_COLUMN)
        });
        let times: Vec<_> = times
            .map(|Column(name, ..)| *name)
            .filter(|name| *name != "ban_expires")
            .collect();
        let text = format!(
            "SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.>) {MOST} \
             THEN '{name}: more than {MOST} users' \
             ELSE pg_catalog.concat('{name}: ', pg_catalog.count(*), \
             CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 THEN ' user' ELSE ' users' END, ', the latest change ' \
             OPERATOR(pg_catalog.||) pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() \
             OPERATOR(pg_catalog.-) pg_catalog.max(GREATEST({times}))) \
             ::pg_catalog.text OPERATOR(pg_catalog.||) ' ago') END AS detail \
             FROM (SELECT * FROM ({users}) AS users LIMIT {limit}) AS users",
            name = self.name(),
            limit = MOST + 1,
            times = times.join(", "),
            users = self.select()
        );
        Query::new(text, Vec::new(), Sees::Latest)
    }
}

fn uuid(id: &str) -> Option<uuid::Uuid> {
    uuid::Uuid::try_parse(id).ok()
}

/// A pattern for what has this text in it.
fn containing(text: &str) -> Text {
    let mut pattern = "%".to_owned();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    Text::new(pattern + "%")
}
