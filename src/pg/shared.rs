//! Owns memory that all processes of the server share, without `shared_preload_libraries`: the first that wants
//! it makes it, and a crash or a restart of the server takes it away. It knows nothing of what is in it.

// Takes memory from Postgres, and locks of its.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_void};
use std::mem::size_of;
use std::panic::AssertUnwindSafe;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pgrx::{PgTryBuilder, pg_sys};

use crate::pg::compat;
use crate::pg::subtransaction::without_a_trace;

/// What can be shared.
///
/// # Safety
/// Its bytes may all be zero, which is how it begins; it has no address of anything in it, as processes map it
/// at places of their own, and nothing that would have to be dropped. Whatever changes is atomic, or changed
/// under [`Shared::locked`] alone.
pub unsafe trait Shareable: Sync + 'static {}

/// A piece of it, as this process knows it.
pub struct Shared<T: Shareable> {
    name: &'static CStr,
    place: AtomicPtr<Place<T>>,
}

#[repr(C)]
struct Place<T> {
    lock: UnsafeCell<pg_sys::LWLock>,
    value: T,
}

impl<T: Shareable> Shared<T> {
    /// Whoever has another layout needs another name: after an upgrade, sessions with the old library and
    /// with the new one are there at the same time.
    pub const fn named(name: &'static CStr) -> Self {
        let place = AtomicPtr::new(ptr::null_mut());
        Self { name, place }
    }

    /// Makes it if nobody has. Raises where there is no room for it.
    pub fn get(&self) -> &'static T {
        &self.place().value
    }

    /// `None` where there is no room for it. Outside of a transaction that is raised.
    pub fn where_there_is_room(&self) -> Option<&'static T> {
        // SAFETY: a look at the state of the transaction.
        if self.known().is_some() || !unsafe { pg_sys::IsTransactionState() } {
            return Some(self.get());
        }
        let make = AssertUnwindSafe(|| Some(without_a_trace(|| self.get())));
        PgTryBuilder::new(make).catch_others(|_| None).execute()
    }

    /// If this process has had it before. It neither raises nor allocates.
    pub fn known(&self) -> Option<&'static T> {
        // SAFETY: found before by this process, in which it stays where it is.
        let place = unsafe { self.place.load(Ordering::Relaxed).as_ref() };
        place.map(|place| &place.value)
    }

    /// Does that while no other process is at it. It must be short.
    pub fn locked<R>(&self, work: impl FnOnce(&'static T) -> R) -> R {
        let place = self.place();
        // SAFETY: a lock that was initialized. Postgres releases it after an error.
        unsafe {
            pg_sys::LWLockAcquire(place.lock.get(), pg_sys::LWLockMode::LW_EXCLUSIVE);
            let result = work(&place.value);
            pg_sys::LWLockRelease(place.lock.get());
            result
        }
    }

    fn place(&self) -> &'static Place<T> {
        let known = self.place.load(Ordering::Relaxed);
        // SAFETY: found before by this process, in which it stays where it is.
        if let Some(place) = unsafe { known.as_ref() } {
            return place;
        }
        // SAFETY: as large as that, and made by `begin`. The name of the lock's kind is a constant.
        unsafe {
            let size = size_of::<Place<T>>();
            let place = compat::shared_memory(self.name, size, begin::<T>).cast::<Place<T>>();
            let kind = (*(*place).lock.get()).tranche;
            pg_sys::LWLockRegisterTranche(kind.into(), c"neon_auth_admin".as_ptr());
            self.place.store(place, Ordering::Relaxed);
            &*place
        }
    }
}

/// What it is like at first.
unsafe extern "C-unwind" fn begin<T>(place: *mut c_void) {
    // SAFETY: nobody else has seen it. It may be zero, but for the lock that it begins with.
    unsafe {
        ptr::write_bytes(place.cast::<Place<T>>(), 0, 1);
        pg_sys::LWLockInitialize(place.cast(), pg_sys::LWLockNewTrancheId());
    }
}
