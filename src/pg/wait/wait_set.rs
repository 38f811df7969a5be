//! Owns what a backend needs besides a descriptor to wait for it: its place among those that Postgres
//! counts, and Postgres' own set of what to wait for, kept as long as the descriptor.
//! (`WaitLatchOrSocket` makes one for every wait, with five system calls.)

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::ptr::NonNull;

use pgrx::pg_sys;

use super::{Ended, Event, Failure, park_errors};
use crate::pg::compat::{new_wait_event_set, wait_event};

/// Waits for a descriptor, the backend's latch and the death of the postmaster. It has to be gone
/// before its descriptor is closed.
#[derive(Debug)]
pub struct WaitSet {
    set: NonNull<pg_sys::WaitEventSet>,
    place: i32,
}

// SAFETY: ureq wants its transports to be so. Postgres' functions are called through pgrx, which lets
// the backend's own thread alone do that.
unsafe impl Send for WaitSet {}
// SAFETY: as above.
unsafe impl Sync for WaitSet {}

impl WaitSet {
    /// At first for `what` (`WL_SOCKET_*`).
    pub fn new(of: &impl AsFd, what: u32) -> Result<Self, Failure> {
        // It takes one descriptor more. Where there is no room for that, Postgres would raise.
        drop((
            ExternalDescriptor::acquire()?,
            of.as_fd().try_clone_to_owned()?,
        ));
        let fd = of.as_fd().as_raw_fd();
        let wait_set = park_errors(|| {
            // SAFETY: on the backend's own thread; the set is the backend's, not a transaction's.
            unsafe {
                let mut wait_set = Self {
                    set: NonNull::new(new_wait_event_set(3))
                        .expect("Postgres raises when it has no memory"),
                    place: 0,
                };
                let no_socket = pg_sys::PGINVALID_SOCKET;
                let own = pg_sys::MyLatch;
                wait_set.add(pg_sys::WL_LATCH_SET, no_socket, own);
                if pg_sys::IsUnderPostmaster {
                    let none = std::ptr::null_mut();
                    wait_set.add(pg_sys::WL_EXIT_ON_PM_DEATH, no_socket, none);
                }
                wait_set.place = wait_set.add(what, fd, std::ptr::null_mut());
                wait_set
            }
        })?;
        Ok(wait_set)
    }

    /// What has happened of `what` and `WL_LATCH_SET` within that time (-1: no limit).
    pub fn wait(&self, what: u32, milliseconds: i64, event: Event) -> Result<u32, Ended> {
        park_errors(|| {
            let mut happened = [pg_sys::WaitEvent::default(); 2];
            // SAFETY: a live set, and as much room as is said.
            let count = unsafe {
                let set = self.set.as_ptr();
                pg_sys::ModifyWaitEvent(set, self.place, what, std::ptr::null_mut());
                let (room, most) = (happened.as_mut_ptr(), happened.len() as i32);
                pg_sys::WaitEventSetWait(
                    set,
                    milliseconds as _,
                    room,
                    most,
                    wait_event(event.name()),
                )
            };
            happened[..count as usize]
                .iter()
                .fold(0, |all, one| all | one.events)
        })
    }

    unsafe fn add(&self, what: u32, fd: RawFd, latch: *mut pg_sys::Latch) -> i32 {
        // SAFETY: a live set with room; the caller's promise of descriptor and latch.
        unsafe {
            let nobody = std::ptr::null_mut();
            pg_sys::AddWaitEventToSet(self.set.as_ptr(), what, fd, latch, nobody)
        }
    }
}

impl Drop for WaitSet {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and used by nobody any more.
        unsafe { pg_sys::FreeWaitEventSet(self.set.as_ptr()) }
    }
}

/// A place in the number of descriptors that Postgres lets extensions hold.
#[derive(Debug)]
pub struct ExternalDescriptor;

impl ExternalDescriptor {
    pub fn acquire() -> io::Result<Self> {
        // SAFETY: counts, and closes cached files of Postgres' own when there are too many.
        if unsafe { pg_sys::AcquireExternalFD() } {
            Ok(Self)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for ExternalDescriptor {
    fn drop(&mut self) {
        // SAFETY: undoes exactly one successful acquire.
        unsafe { pg_sys::ReleaseExternalFD() }
    }
}
