//! Owns the only door to tables of this database that are not the extension's own. Behind a name may
//! be anybody's code: a view, a type with a cast, a row policy, a constraint that a plan evaluates. So
//! owners decide: see [`Relation::open`] for what is looked at, and [`Relation::reads`] for as whom.

// Locks relations, and reads Postgres' catalog caches.
#![allow(unsafe_code)]

mod caller;
mod restricted;
mod view;

use std::time::{Duration, Instant};

use pgrx::pg_sys::SysCacheIdentifier::{NAMESPACEOID, RELOID};
use pgrx::{PgList, pg_sys};

use self::caller::{Caller, Trust};
use crate::error::Error;
use crate::pg::compat::holds_lock;
use crate::pg::raised::{Raised, attempt};
use crate::pg::text::from_server;
use crate::pg::wait::{Event, pause};

pub use restricted::{Restricted, set};

unsafe extern "C-unwind" {
    // Not among pgrx' bindings.
    fn find_all_inheritors(
        parent: pg_sys::Oid,
        lock: pg_sys::LOCKMODE,
        numbers: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::List;
}

/// Between two looks whether a lock is free.
const PAUSE: Duration = Duration::from_millis(10);
const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;

/// Why a local read gave nothing.
pub enum Failure {
    /// Somebody else holds a lock for longer than there is time.
    Locked,
    /// The name leads somewhere else by now.
    Moved,
    /// Postgres' own error. The (sub)transaction has to be aborted.
    Raised(Raised),
    Refused(Error),
}

/// A relation that is locked until the transaction ends, and whose owner is trusted, as is that of its
/// schema.
pub struct Relation {
    pub oid: pg_sys::Oid,
    /// As SQL has it.
    pub name: &'static str,
    /// When its reader has no more time.
    pub deadline: Instant,
    owner: pg_sys::Oid,
    caller: Caller,
    /// Whether a query on it runs as its owner.
    pub as_owner: bool,
}

impl Relation {
    /// Locks the relation, and judges what is locked. `is_it` says whether the name still leads there.
    /// It waits, but never in Postgres' queue, so that nobody waits for it.
    pub fn open(
        oid: pg_sys::Oid,
        name: &'static str,
        deadline: Instant,
        is_it: impl FnOnce() -> bool,
    ) -> Result<Self, Failure> {
        lock(oid, deadline)?;
        // What a lock held from earlier did not make known.
        // SAFETY: in a transaction.
        unsafe { pg_sys::AcceptInvalidationMessages() };
        let caller = Caller::now();
        let place = owners(oid).filter(|_| is_it());
        let Some((owner, schema)) = place else {
            // SAFETY: locked above.
            unsafe { pg_sys::UnlockRelationOid(oid, LOCK) };
            return Err(Failure::Moved);
        };
        let of_schema = owner_of_schema(schema).ok_or(Failure::Moved)?;
        if caller.trust(of_schema)? == Trust::No {
            let schema = format!("schema {}", name_of_schema(schema));
            return Err(caller.refuse(&schema, of_schema).into());
        }
        let trust = caller.trust(owner)?;
        if trust == Trust::No {
            return Err(caller.refuse(name, owner).into());
        }
        Ok(Self {
            oid,
            name,
            deadline,
            owner,
            as_owner: trust == Trust::BySetting || caller.may_become_superuser,
            caller,
        })
    }

    /// As whom a query on it runs.
    pub fn reader(&self) -> pg_sys::Oid {
        if self.as_owner {
            self.owner
        } else {
            self.caller.role
        }
    }

    /// Locks what it reads if it is a view, and what views below it read, as it was locked itself.
    pub fn lock_below(&self) -> Result<(), Failure> {
        let mut locked = vec![self.oid];
        let mut next = 0;
        while let Some(&oid) = locked.get(next) {
            for below in view::named_by(oid)? {
                if !locked.contains(&below) {
                    lock(below, self.deadline)?;
                    locked.push(below);
                }
            }
            next += 1;
        }
        Ok(())
    }

    /// Judges what a query reads: the relation itself, what a view reads, and the children of all. The
    /// code of each runs with the reader's rights, so that whose it is must be trusted with those. Returns
    /// all of them.
    pub fn reads(
        &self,
        named: &[pg_sys::Oid],
        has_row_security: bool,
    ) -> Result<Vec<pg_sys::Oid>, Failure> {
        let all = with_children(named)?;
        for &oid in &all {
            if !named.contains(&oid) {
                lock(oid, self.deadline)?;
            }
        }
        // SAFETY: in a transaction.
        unsafe { pg_sys::AcceptInvalidationMessages() };
        for &oid in &all {
            let Some((owner, _)) = owners(oid) else {
                return Err(Failure::Moved);
            };
            let is_trusted = if self.as_owner {
                owner == self.owner || caller::is_superuser(owner)
            } else {
                self.caller.trust(owner)? == Trust::Yes
            };
            if !is_trusted {
                return Err(self.caller.refuse(&qualified_name(oid), owner).into());
            }
        }
        if self.as_owner && !self.caller.is_superuser {
            self.refuse_what_depends_on_the_reader(&all, has_row_security)?;
        }
        Ok(all)
    }

    /// Whether the children are those that were judged: who may attach one was trusted, but the owner
    /// of a new one was not looked at.
    pub fn still_reads(
        &self,
        named: &[pg_sys::Oid],
        judged: &[pg_sys::Oid],
    ) -> Result<(), Failure> {
        let now = with_children(named)?;
        if now.iter().all(|oid| judged.contains(oid)) {
            Ok(())
        } else {
            Err(Failure::Moved)
        }
    }

    /// Who reads as the owner must not see more by that: a view may show each role something else, as
    /// row security does, and a foreign table is read with the reader's user mapping.
    fn refuse_what_depends_on_the_reader(
        &self,
        oids: &[pg_sys::Oid],
        has_row_security: bool,
    ) -> Result<(), Failure> {
        let kinds = oids.iter().map(|&oid| {
            // SAFETY: a look-up in the catalogs.
            match unsafe { pg_sys::get_rel_relkind(oid) } as u8 {
                pg_sys::RELKIND_VIEW => Some("is a view"),
                pg_sys::RELKIND_FOREIGN_TABLE => Some("is a foreign table"),
                _ => None,
            }
        });
        let why = kinds.flatten().next();
        match why.or(has_row_security.then_some("has row security")) {
            Some(why) => Err(self.caller.refuse_to_stand_in(self, why).into()),
            None => Ok(()),
        }
    }
}

impl Failure {
    /// With the name of what was read, where that is what is missing.
    pub fn of(self, name: &str) -> Self {
        match self {
            Self::Locked => Error::users_locked(name).into(),
            Self::Moved => Error::users_moved(name).into(),
            complete => complete,
        }
    }

    /// An error of Postgres' is raised at once, since only so it stays what it is.
    pub fn into_error(self, name: &str) -> Error {
        match self.of(name) {
            Self::Refused(error) => error,
            Self::Raised(raised) => raised.resume(),
            Self::Locked | Self::Moved => unreachable!("they have a name"),
        }
    }
}

impl From<Raised> for Failure {
    fn from(raised: Raised) -> Self {
        // A wait inside of Postgres is limited to the time that there is.
        if raised.is(pgrx::PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE) {
            Self::Locked
        } else {
            Self::Raised(raised)
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

fn lock(oid: pg_sys::Oid, deadline: Instant) -> Result<(), Failure> {
    // SAFETY: it is no harm if there is no such relation.
    while !unsafe { pg_sys::ConditionalLockRelationOid(oid, LOCK) } {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::Locked);
        }
        pause(PAUSE.min(left), Event::WaitForTable);
    }
    Ok(())
}

/// Whether this transaction holds at least that lock on the relation, or on a child of it.
pub fn is_locked_by_us(oid: pg_sys::Oid, least: pg_sys::LOCKMODE) -> Result<bool, Failure> {
    let strongest = pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE;
    let all = with_children(&[oid])?;
    Ok(all.into_iter().any(|oid| {
        let tag = tag(oid);
        (least..=strongest).any(|lock| holds_lock(&tag, lock))
    }))
}

/// What Postgres locks when it locks that relation, which is none that databases share. (A function that
/// looks by its number came with minor releases.)
fn tag(oid: pg_sys::Oid) -> pg_sys::LOCKTAG {
    // SAFETY: a variable of the backend.
    let database = unsafe { pg_sys::MyDatabaseId };
    pg_sys::LOCKTAG {
        locktag_field1: database.to_u32(),
        locktag_field2: oid.to_u32(),
        locktag_field3: 0,
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    }
}

/// These, and all that inherit from them.
pub fn with_children(oids: &[pg_sys::Oid]) -> Result<Vec<pg_sys::Oid>, Failure> {
    let mut all = Vec::new();
    for &oid in oids {
        // SAFETY: a list of numbers, of at least the parent's.
        let found = unsafe {
            let found = attempt(|| find_all_inheritors(oid, 0, std::ptr::null_mut()))?;
            PgList::<pg_sys::Oid>::from_pg(found)
        };
        all.extend(
            found
                .iter_oid()
                .filter(|oid| !all.contains(oid))
                .collect::<Vec<_>>(),
        );
    }
    Ok(all)
}

/// The owner of a relation, and its schema.
fn owners(oid: pg_sys::Oid) -> Option<(pg_sys::Oid, pg_sys::Oid)> {
    // SAFETY: a tuple of that catalog, released after its last use.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(RELOID as _, oid.into());
        if tuple.is_null() {
            return None;
        }
        let class = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>();
        let found = ((*class).relowner, (*class).relnamespace);
        pg_sys::ReleaseSysCache(tuple);
        Some(found)
    }
}

fn owner_of_schema(oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: as in `owners`.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(NAMESPACEOID as _, oid.into());
        if tuple.is_null() {
            return None;
        }
        let schema = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_namespace>();
        let owner = (*schema).nspowner;
        pg_sys::ReleaseSysCache(tuple);
        Some(owner)
    }
}

fn name_of_schema(oid: pg_sys::Oid) -> String {
    // SAFETY: a NUL-terminated name, or none.
    unsafe { quoted(pg_sys::get_namespace_name(oid)) }
}

fn qualified_name(oid: pg_sys::Oid) -> String {
    // SAFETY: NUL-terminated names, or none.
    unsafe {
        let schema = quoted(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(oid)));
        format!("{schema}.{}", quoted(pg_sys::get_rel_name(oid)))
    }
}

unsafe fn quoted(name: *const std::ffi::c_char) -> String {
    if name.is_null() {
        return "?".to_owned();
    }
    // SAFETY: the caller's promise.
    unsafe { from_server(std::ffi::CStr::from_ptr(pg_sys::quote_identifier(name))) }
}
