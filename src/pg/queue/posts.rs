//! Owns what processes share of the delivery of calls: a post for each database and role, which one process at
//! a time has. It knows nothing of transactions, and neither starts a process nor is one.

// Reads Postgres' table of processes, and the system's clock.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use pgrx::pg_sys;

use crate::neon::queue::wake_up::{self, Id, Time, WakeUp};
use crate::pg::role::Role;
use crate::pg::shared::{Shareable, Shared};

static POSTS: Shared<Posts> = Shared::named(c"neon_auth_admin posts 1");

/// So many roles can queue or deliver calls at a time.
const COUNT: usize = 128;

/// After a worker could not connect, and again after each further time.
const FIRST_REST: Time = 5_000;
const LONGEST_REST: Time = 300_000;

/// Longer than the postmaster takes to start a worker again.
const TO_MAKE_ROOM: Time = 15_000;

struct Posts([Post; COUNT]);

// SAFETY: numbers, for all of which zero is a value; those that are not atomic alone change under the lock.
unsafe impl Shareable for Posts {}

pub struct Post {
    /// Whose it is: see [`Whose`]. Zero is nobody.
    whose: AtomicU64,
    /// Who needs it to stay whose it is.
    pins: AtomicU32,
    pub wake_up: WakeUp<AtomicU64>,
    /// How often no worker could connect.
    failures: AtomicU32,
    next_start: AtomicU64,
    /// Whether there was no worker when one was wanted: for want of a slot, or before its next start.
    pub is_wanted: AtomicBool,
    /// Until then, a worker that has left its slot for one of this post is expected.
    expected_until: AtomicU64,
    /// Whether somebody has looked for calls that were committed before the server started.
    pub is_looked_after: AtomicBool,
}

/// A database, and a role in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    pub database: pg_sys::Oid,
    pub role: Role,
}

impl Whose {
    pub fn here(role: Role) -> Self {
        // SAFETY: a variable of the backend.
        let database = unsafe { pg_sys::MyDatabaseId };
        Self { database, role }
    }

    pub fn number(self) -> u64 {
        u64::from(self.database.to_u32()) << 32 | u64::from(self.role.0.to_u32())
    }

    pub fn of(number: u64) -> Self {
        Self {
            database: ((number >> 32) as u32).into(),
            role: Role((number as u32).into()),
        }
    }
}

/// How many pins of each this process has. It may end without dropping one.
static PINS: [AtomicU32; COUNT] = [const { AtomicU32::new(0) }; COUNT];
static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

/// A post that stays whose it is for as long as this lives.
pub struct Pin {
    post: &'static Post,
    number: usize,
}

impl Pin {
    /// `None` where all posts are taken, or where there is no memory to share.
    pub fn of(whose: Whose) -> Option<Self> {
        POSTS.where_there_is_room()?;
        if !IS_REGISTERED.swap(true, Ordering::Relaxed) {
            // Later, since version 17, the posts are not there any more.
            // SAFETY: a function that stays loaded as long as the process lives.
            unsafe { pg_sys::before_shmem_exit(Some(unpin_all), 0.into()) };
        }
        let wanted = whose.number();
        POSTS.locked(|Posts(posts)| {
            let number = posts
                .iter()
                .position(|post| post.whose.load(Ordering::Relaxed) == wanted)
                .or_else(|| free(posts))?;
            let post = &posts[number];
            if post.whose.load(Ordering::Relaxed) != wanted {
                post.become_that_of(wanted);
            }
            post.pins.fetch_add(1, Ordering::Relaxed);
            PINS[number].fetch_add(1, Ordering::Relaxed);
            Some(Self { post, number })
        })
    }

    pub fn post(&self) -> &'static Post {
        self.post
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // Not if the process ends, and all were taken back.
        let less = |pins: u32| pins.checked_sub(1);
        let had = PINS[self.number].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if had.is_ok() {
            self.post.pins.fetch_sub(1, Ordering::Release);
        }
    }
}

/// Whatever the process ends by. It neither raises nor allocates.
unsafe extern "C-unwind" fn unpin_all(_: c_int, _: pg_sys::Datum) {
    let Some(Posts(posts)) = POSTS.known() else {
        return;
    };
    for (post, pins) in posts.iter().zip(&PINS) {
        let pins = pins.swap(0, Ordering::Relaxed);
        post.pins.fetch_sub(pins, Ordering::Release);
    }
}

/// One that nobody has, or else one that nobody needs.
fn free(posts: &[Post]) -> Option<usize> {
    let nobodys = |post: &Post| post.whose.load(Ordering::Relaxed) == 0;
    let idle = |post: &Post| {
        post.pins.load(Ordering::Acquire) == 0 && post.wake_up.is_idle(clock(), is_alive)
    };
    let has_no_past = |post: &Post| {
        !post.is_wanted.load(Ordering::Relaxed) && post.failures.load(Ordering::Relaxed) == 0
    };
    (posts.iter().position(nobodys))
        .or_else(|| {
            posts
                .iter()
                .position(|post| idle(post) && has_no_past(post))
        })
        .or_else(|| posts.iter().position(idle))
}

impl Post {
    fn become_that_of(&self, number: u64) {
        self.wake_up.forget();
        self.failures.store(0, Ordering::Relaxed);
        self.next_start.store(0, Ordering::Relaxed);
        self.is_wanted.store(false, Ordering::Relaxed);
        self.expected_until.store(0, Ordering::Relaxed);
        self.is_looked_after.store(false, Ordering::Relaxed);
        self.whose.store(number, Ordering::Release);
    }

    /// Its worker has made room for another's, which is not to make room for this one's at once.
    pub fn wait_for_turn(&self) {
        let turn = clock() + 2 * TO_MAKE_ROOM;
        self.expected_until.store(turn, Ordering::Relaxed);
        self.is_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether it is that role's still, and somebody has looked for its calls.
    pub fn is_looked_after_for(&self, whose: Whose) -> bool {
        self.whose() == whose && self.is_looked_after.load(Ordering::Relaxed)
    }

    fn whose(&self) -> Whose {
        Whose::of(self.whose.load(Ordering::Acquire))
    }

    /// Whether the last worker that could not connect was long enough ago.
    pub fn may_start(&self) -> bool {
        self.next_start.load(Ordering::Relaxed) <= clock()
    }

    pub fn could_connect(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.next_start.store(0, Ordering::Relaxed);
    }

    pub fn could_not_connect(&self) {
        let before = self.failures.fetch_add(1, Ordering::Relaxed).min(10);
        let rest = (FIRST_REST << before).min(LONGEST_REST);
        self.next_start.store(clock() + rest, Ordering::Relaxed);
    }
}

/// Those of whom a worker is wanted and could not be started, first who has waited for longest.
pub fn wanted() -> Vec<Whose> {
    let mut wanted: Vec<_> = of_wanted().collect();
    wanted.sort_by_key(|post| post.expected_until.load(Ordering::Relaxed));
    wanted.into_iter().map(Post::whose).collect()
}

/// Whether somebody needs the slot of a worker that has no need of it, other than `own`; and nobody else makes
/// room for the same.
pub fn is_to_make_room(own: Whose) -> bool {
    let now = clock();
    of_wanted().filter(|post| post.whose() != own).any(|post| {
        let seen = post.expected_until.load(Ordering::Relaxed);
        let expected = (seen, now + TO_MAKE_ROOM);
        seen <= now
            && (post.expected_until)
                .compare_exchange(expected.0, expected.1, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    })
}

fn of_wanted() -> impl Iterator<Item = &'static Post> {
    let Posts(posts) = POSTS.get();
    posts
        .iter()
        .filter(|post| post.is_wanted.load(Ordering::Relaxed) && post.may_start())
}

/// Who delivers the calls of a role, or why nobody does.
pub enum Seen {
    Nobody,
    /// And one was wanted.
    NoSlot,
    CouldNotConnect,
    Starting,
    Running(Id),
}

/// It takes no post for that.
pub fn look_at(whose: Whose) -> Seen {
    if POSTS.where_there_is_room().is_none() {
        return Seen::Nobody;
    }
    POSTS.locked(|Posts(posts)| {
        let number = whose.number();
        let post = posts
            .iter()
            .find(|post| post.whose.load(Ordering::Relaxed) == number);
        let seen = post.map(|post| (post, post.wake_up.seen(clock(), is_alive)));
        match seen {
            Some((_, wake_up::Seen::Running(id))) => Seen::Running(id),
            Some((_, wake_up::Seen::Starting)) => Seen::Starting,
            Some((post, _)) if !post.may_start() => Seen::CouldNotConnect,
            Some((post, _)) if post.is_wanted.load(Ordering::Relaxed) => Seen::NoSlot,
            _ => Seen::Nobody,
        }
    })
}

/// How many background workers the server has now, of whatever kind.
pub fn workers() -> usize {
    // SAFETY: a variable of the server.
    let places = unsafe { (*pg_sys::ProcGlobal).allProcCount };
    let ids = (0..places).map(|place| Id { place, pid: 0 });
    ids.filter(|id| is_worker(*id) && !is_alive(*id)).count()
}

/// Whether its place among the server's processes is one of a background worker.
pub fn is_worker(id: Id) -> bool {
    // SAFETY: a place in the server's table of processes; what is read there never changes. It goes back to that
    // list at its end, which is of another type in each version.
    unsafe {
        let process = (*pg_sys::ProcGlobal).allProcs.add(id.place as usize);
        let list = (*process).procgloballist.cast::<c_void>();
        ptr::eq(
            list,
            (&raw const (*pg_sys::ProcGlobal).bgworkerFreeProcs).cast(),
        )
    }
}

/// This process.
pub fn me() -> Id {
    // SAFETY: variables of the process, which has a place among those of the server.
    unsafe {
        let place = pg_sys::MyProc.offset_from((*pg_sys::ProcGlobal).allProcs);
        Id {
            place: place as u32,
            pid: pg_sys::MyProcPid as u32,
        }
    }
}

/// Whether it has that place still. It neither raises nor allocates.
pub fn is_alive(id: Id) -> bool {
    // SAFETY: a place in the server's table of processes, which never goes; a number that is changed there at
    // any time.
    unsafe {
        let process = (*pg_sys::ProcGlobal).allProcs.add(id.place as usize);
        (&raw const (*process).pid).read_volatile() as u32 == id.pid
    }
}

/// Has it look for calls. It neither raises nor allocates.
pub fn wake(id: Id) {
    unsafe extern "C-unwind" {
        // Without pgrx' guard.
        fn SetLatch(latch: *mut pg_sys::Latch);
    }
    // SAFETY: as above; whoever has that place now may be woken for nothing.
    unsafe {
        SetLatch(&raw mut (*(*pg_sys::ProcGlobal).allProcs.add(id.place as usize)).procLatch);
    }
}

/// It neither raises nor allocates.
pub fn clock() -> Time {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a call of libc, which fills the value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as Time * 1000 + time.tv_nsec as Time / 1_000_000
}
