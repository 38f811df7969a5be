//! Owns the times after which a queued call is tried again. It knows neither what failed nor a clock.

use std::time::Duration;

/// The first back-off is at most this long, each later one at most twice its predecessor.
const BASE: Duration = Duration::from_secs(1);
/// No back-off is longer.
const CAP: Duration = Duration::from_secs(300);

const LEAST: Duration = Duration::from_millis(500);
/// Before a call that may have been made is made again.
const IN_DOUBT: Duration = Duration::from_secs(2);

/// After a delivery that ended with its process, the first and the second one: the request may still run.
const AFTER_CRASH: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];

/// After the `attempt`th attempt, counted from 1; `jitter` is a random number from 0 to 1. What has failed
/// together does not come back together.
pub fn after_attempt(attempt: i32, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or_default();
    let ceiling = BASE.saturating_mul(1 << doublings.min(16)).min(CAP);
    ceiling.mul_f64(jitter.clamp(0.0, 1.0)).max(LEAST)
}

/// The same, of what is not counted and has failed for so long.
pub fn after_failing_for(time: Duration, jitter: f64) -> Duration {
    let ceiling = time.clamp(BASE, CAP);
    ceiling.mul_f64(jitter.clamp(0.0, 1.0)).max(LEAST)
}

/// The same as after an attempt, if the call may have been carried out: a request that was cut off may still run, and what it has
/// made takes a moment to be seen.
pub fn after_doubt(attempt: i32, jitter: f64) -> Duration {
    after_attempt(attempt, jitter).max(IN_DOUBT)
}

/// After that many deliveries of the call have ended with their process; `None` if there is to be no more.
pub fn after_crash(crashes: i32) -> Option<Duration> {
    let nth = usize::try_from(crashes).ok()?.checked_sub(1)?;
    AFTER_CRASH.get(nth).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_five_minutes() {
        let ceilings = [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (i32::MAX, 300)];
        for (attempt, seconds) in ceilings {
            assert_eq!(after_attempt(attempt, 1.0), Duration::from_secs(seconds));
        }
        assert_eq!(after_doubt(9, 1.0), Duration::from_secs(256));
        assert_eq!(after_attempt(3, 0.5), Duration::from_secs(2));
        for jitter in [0.0, -1.0] {
            assert_eq!(after_attempt(9, jitter), LEAST);
            assert_eq!(after_doubt(9, jitter), IN_DOUBT);
        }
    }

    #[test]
    fn what_fails_for_long_waits_for_long() {
        let ceilings = [(0, 1), (7, 7), (3600, 300)];
        for (failing, seconds) in ceilings {
            let waits = after_failing_for(Duration::from_secs(failing), 1.0);
            assert_eq!(waits, Duration::from_secs(seconds));
        }
        assert_eq!(after_failing_for(Duration::from_secs(9), 0.0), LEAST);
    }

    #[test]
    fn the_third_crash_is_the_last() {
        let waits = [1, 2, 3, 4].map(after_crash);
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(waits, [seconds(5), seconds(60), None, None]);
    }
}
