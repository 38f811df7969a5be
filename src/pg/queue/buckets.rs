//! Owns the buckets of tokens that all workers and sessions of the server share, each for a host, a key and a kind
//! of call. Of keys it keeps a salted hash.

// Shares memory, and reads a clock.
#![allow(unsafe_code)]

use std::cell::{RefCell, UnsafeCell};
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use ring::hmac;

use crate::neon::queue::pace::{Bucket, Time};
use crate::pg::guc;
use crate::pg::shared::{Shareable, Shared};

static BUCKETS: Shared<Buckets> = Shared::named(c"neon_auth_admin buckets 1");

/// Of so many kinds at a time. What was not used for longest makes room: it is full again, most of the time.
const COUNT: usize = 64;

struct Buckets(UnsafeCell<Content>);

struct Content {
    /// Zero until somebody needs it.
    salt: [u8; 32],
    slots: [Slot; COUNT],
}

#[derive(Clone, Copy)]
struct Slot {
    /// Zero if there is none.
    name: u128,
    bucket: MaybeUninit<Bucket>,
}

// SAFETY: looked at under the lock alone.
unsafe impl Sync for Buckets {}
// SAFETY: numbers; a slot without a name has no bucket.
unsafe impl Shareable for Buckets {}

/// Which bucket.
#[derive(Clone, Copy)]
pub struct Name(u128);

impl Name {
    pub fn of(host: &str, key: &str, kind: &str) -> Self {
        let hash = hmac::Key::new(hmac::HMAC_SHA256, &salt());
        let mut hash = hmac::Context::with_key(&hash);
        for part in [host, kind, key] {
            hash.update(&part.len().to_ne_bytes());
            hash.update(part.as_bytes());
        }
        let mut name = [0; 16];
        name.copy_from_slice(&hash.sign().as_ref()[..16]);
        Self(u128::from_ne_bytes(name).max(1))
    }
}

fn salt() -> [u8; 32] {
    let mut fresh = [0; 32];
    // Not a secret but to whoever reads memory.
    for byte in &mut fresh {
        *byte = fastrand::u8(1..);
    }
    with(|content| {
        if content.salt == [0; 32] {
            content.salt = fresh;
        }
        content.salt
    })
}

/// A token, or when to ask again.
pub fn take(name: Name) -> Result<(), Instant> {
    let now = clock();
    at(name, now, |bucket| bucket.take(guc::queue_pace(), now)).map_err(|at| later(at, now))
}

/// That of a call that was not sent after all.
pub fn give_back(name: Name) {
    at(name, clock(), Bucket::give_back);
}

/// Neon wants no more for that long, if it says so. Until when nothing goes out.
pub fn refuse(name: Name, rest: Option<Duration>) -> Instant {
    let now = clock();
    later(at(name, now, |bucket| bucket.refuse(rest, now)), now)
}

fn later(time: Time, now: Time) -> Instant {
    Instant::now() + Duration::from_micros(time.saturating_sub(now))
}

fn at<R>(Name(name): Name, now: Time, work: impl FnOnce(&mut Bucket) -> R) -> R {
    let pace = guc::queue_pace();
    with(|content| {
        let slots = &mut content.slots;
        let found = slots.iter().position(|slot| slot.name == name);
        let place = found.unwrap_or_else(|| {
            let oldest = (0..COUNT).min_by_key(|&n| slots[n].last_used());
            let place = oldest.unwrap_or_default();
            slots[place] = Slot {
                name,
                bucket: MaybeUninit::new(Bucket::full(pace, now)),
            };
            place
        });
        // SAFETY: a slot with a name has a bucket.
        work(unsafe { slots[place].bucket.assume_init_mut() })
    })
}

impl Slot {
    fn last_used(&self) -> Time {
        match self.name {
            0 => 0,
            // SAFETY: a slot with a name has a bucket.
            _ => unsafe { self.bucket.assume_init_ref() }.last_used(),
        }
    }
}

thread_local! {
    /// Where there is no memory to share, those of this process.
    static OWN: RefCell<Option<Box<Content>>> = const { RefCell::new(None) };
}

/// To be called in a transaction, before anything else.
pub fn prepare() {
    if BUCKETS.where_there_is_room().is_none() {
        OWN.set(Some(Box::new(Content::empty())));
    }
}

impl Content {
    fn empty() -> Self {
        let none = Slot {
            name: 0,
            bucket: MaybeUninit::uninit(),
        };
        Self {
            salt: [0; 32],
            slots: [none; COUNT],
        }
    }
}

/// Under the lock, where nothing may be asked for that could be refused.
fn with<R>(work: impl FnOnce(&mut Content) -> R) -> R {
    if BUCKETS.known().is_none() && OWN.with_borrow(Option::is_some) {
        return OWN
            .with_borrow_mut(|own| work(own.get_or_insert_with(|| Box::new(Content::empty()))));
    }
    BUCKETS.locked(|Buckets(content)| {
        // SAFETY: nobody else has the lock.
        work(unsafe { &mut *content.get() })
    })
}

/// The same for all processes.
fn clock() -> Time {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: filled by the call, which cannot fail.
    let now = unsafe {
        libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr());
        now.assume_init()
    };
    now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1000
}
