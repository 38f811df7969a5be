//! Owns the settings of the queue. Everybody may set them for himself, but for the pace, which all share.

use std::time::Duration;

use crate::neon::queue::pace::Pace;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

static QUEUE_CONNECTIONS: GucSetting<i32> = GucSetting::<i32>::new(4);
static QUEUE_RATE: GucSetting<i32> = GucSetting::<i32>::new(680);
static QUEUE_BURST: GucSetting<i32> = GucSetting::<i32>::new(36);
static QUEUE_LINGER: GucSetting<i32> = GucSetting::<i32>::new(2000);
static QUEUE_KEEP: GucSetting<i32> = GucSetting::<i32>::new(7 * DAY);
static QUEUE_GIVE_UP: GucSetting<i32> = GucSetting::<i32>::new(DAY);

/// In seconds.
const DAY: i32 = 24 * 60 * 60;

pub fn define() {
    for (name, description, setting, (least, most), flags) in [
        (
            c"neon_auth_admin.queue_connections",
            c"Connections over which queued calls are made; with 0 none is made.",
            &QUEUE_CONNECTIONS,
            (0, 16),
            GucFlags::default(),
        ),
        (
            c"neon_auth_admin.queue_linger",
            c"Time for which a worker waits for more calls.",
            &QUEUE_LINGER,
            // DROP DATABASE waits 5 s for others.
            (-1, 4000),
            GucFlags::UNIT_MS | GucFlags::NO_SHOW_ALL,
        ),
        (
            c"neon_auth_admin.queue_keep",
            c"Time after which queued calls that have ended are removed.",
            &QUEUE_KEEP,
            (0, i32::MAX),
            GucFlags::UNIT_S,
        ),
        (
            c"neon_auth_admin.queue_give_up",
            c"Time for which a queued call is tried again after faults that pass.",
            &QUEUE_GIVE_UP,
            (0, i32::MAX),
            GucFlags::UNIT_S,
        ),
    ] {
        GucRegistry::define_int_guc(
            name,
            description,
            c"",
            setting,
            least,
            most,
            GucContext::Userset,
            flags,
        );
    }
    for (name, description, setting) in [
        (
            c"neon_auth_admin.queue_rate",
            c"Most queued calls of a kind that are made in a minute with one key.",
            &QUEUE_RATE,
        ),
        (
            c"neon_auth_admin.queue_burst",
            c"Most queued calls of a kind that are made at once with one key.",
            &QUEUE_BURST,
        ),
    ] {
        GucRegistry::define_int_guc(
            name,
            description,
            c"All workers and sessions of the server share it.",
            setting,
            1,
            1_000_000,
            GucContext::Suset,
            GucFlags::default(),
        );
    }
}

/// By default below Neon's 700 a minute and 40 at once: one call may take longer to Neon than the next.
pub fn queue_pace() -> Pace {
    Pace {
        per_minute: QUEUE_RATE.get().unsigned_abs().into(),
        burst: QUEUE_BURST.get().unsigned_abs().into(),
    }
}

/// With none, nothing is delivered.
pub fn queue_connections() -> usize {
    usize::try_from(QUEUE_CONNECTIONS.get()).unwrap_or_default()
}

/// For tests: it is in no list. `None` if there is to be no worker.
pub fn queue_linger() -> Option<Duration> {
    let linger = u64::try_from(QUEUE_LINGER.get()).ok();
    linger.map(Duration::from_millis)
}

pub fn queue_keep() -> Duration {
    Duration::from_secs(QUEUE_KEEP.get().unsigned_abs().into())
}

pub fn queue_give_up() -> Duration {
    Duration::from_secs(QUEUE_GIVE_UP.get().unsigned_abs().into())
}
