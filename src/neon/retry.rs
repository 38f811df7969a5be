//! Owns the decision whether a request is sent again, and when. It is a pure function of what
//! happened: no clock, no socket, no randomness of its own.

use std::time::Duration;

/// The first back-off is at most this long, each later one at most twice its predecessor.
pub const BASE: Duration = Duration::from_millis(200);
/// No back-off is longer.
pub const CAP: Duration = Duration::from_secs(2);

/// Between two looks whether a lock is gone, whatever was asked for: nothing else bounds their number.
const LEAST: Duration = BASE.checked_div(2).expect("not by zero");

/// An attempt that has less time than this is not worth its wait.
const MARGIN: Duration = Duration::from_millis(50);
/// An attempt that finds a lock open has work to do: cut off, a write that was certainly not done would
/// become one of which nobody knows.
pub const TIME_FOR_WORK: Duration = Duration::from_millis(500);

/// How an attempt ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly not sent, and another attempt may fare better (name resolution, connection, TLS).
    NotSent,
    /// Sent, perhaps in part; no usable answer came.
    Lost,
    /// Another attempt would end the same way (a wrong certificate, a malformed answer).
    Hopeless,
    /// An answer, with the wait that its Retry-After asks for.
    Status(u16, Option<Duration>),
}

/// Whether a second copy of the request could do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// A read: may be sent any number of times.
    Repeatable,
    /// A write: sent again only when the first was certainly not carried out.
    Once,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send again after this wait.
    Wait(Duration),
    GiveUp,
}

/// What comes after the `attempt`th attempt (counted from 1) of `max_attempts`, with `left` of the
/// call's time budget. `jitter` is a random number from 0 to 1.
pub fn decide(
    attempt: u32,
    max_attempts: u32,
    outcome: Outcome,
    safety: Safety,
    left: Duration,
    jitter: f64,
) -> Decision {
    let back_off = full_jitter(attempt, jitter);
    let wait = match (outcome, safety) {
        (Outcome::NotSent, _) => back_off,
        (Outcome::Status(423, asked), _) => {
            return wait_for_lock(max_attempts, asked, back_off, left);
        }
        // Neon promises that 503 was not carried out, and 429 was not even looked at.
        (Outcome::Status(429 | 503, asked), _) => asked.unwrap_or(back_off),
        // A CDN before Neon has numbers of its own for what 502 and 504 say.
        (Outcome::Lost | Outcome::Status(502 | 504 | 520..=524, _), Safety::Repeatable) => back_off,
        _ => return Decision::GiveUp,
    };
    if attempt < max_attempts && wait + MARGIN < left {
        Decision::Wait(wait)
    } else {
        Decision::GiveUp
    }
}

/// A lock is no fault: it passes, and Neon promises that nothing was done. So it is waited for as long as
/// there is time, however many attempts that takes, unless there is to be but one. The last of them is as
/// late as it can be.
fn wait_for_lock(
    max_attempts: u32,
    asked: Option<Duration>,
    back_off: Duration,
    left: Duration,
) -> Decision {
    let longest = left.saturating_sub(TIME_FOR_WORK);
    let wait = match asked {
        Some(asked) => asked.max(LEAST),
        None => back_off.max(LEAST).min(longest),
    };
    if max_attempts > 1 && wait <= longest && !longest.is_zero() {
        Decision::Wait(wait)
    } else {
        Decision::GiveUp
    }
}

/// A random share of an exponentially growing ceiling, so that many sessions do not come back at
/// once.
fn full_jitter(attempt: u32, jitter: f64) -> Duration {
    let ceiling = BASE
        .saturating_mul(1 << attempt.saturating_sub(1).min(8))
        .min(CAP);
    ceiling.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{GiveUp, Wait};
    use Safety::{Once, Repeatable};

    const LEFT: Duration = Duration::from_secs(5);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_sent_again() {
        let again = Wait(BASE);
        let cases = [
            (Outcome::NotSent, Repeatable, again),
            (Outcome::NotSent, Once, again),
            (Outcome::Lost, Repeatable, again),
            (Outcome::Lost, Once, GiveUp),
            (Outcome::Hopeless, Repeatable, GiveUp),
            (Outcome::Hopeless, Once, GiveUp),
            (Outcome::Status(423, None), Once, again),
            (Outcome::Status(503, None), Once, again),
            (Outcome::Status(429, None), Once, again),
            (Outcome::Status(429, Some(SECOND)), Once, Wait(SECOND)),
            (Outcome::Status(429, Some(LEFT)), Once, GiveUp),
            (Outcome::Status(503, Some(SECOND)), Repeatable, Wait(SECOND)),
            (Outcome::Status(502, None), Repeatable, again),
            (Outcome::Status(504, None), Repeatable, again),
            (Outcome::Status(519, None), Repeatable, GiveUp),
            (Outcome::Status(520, None), Repeatable, again),
            (Outcome::Status(524, None), Repeatable, again),
            (Outcome::Status(525, None), Repeatable, GiveUp),
            (Outcome::Status(502, None), Once, GiveUp),
            (Outcome::Status(504, None), Once, GiveUp),
            (Outcome::Status(520, None), Once, GiveUp),
            (Outcome::Status(524, None), Once, GiveUp),
            (Outcome::Status(500, None), Repeatable, GiveUp),
            (Outcome::Status(500, None), Once, GiveUp),
            (Outcome::Status(404, None), Repeatable, GiveUp),
            (Outcome::Status(409, None), Once, GiveUp),
        ];
        for (outcome, safety, expected) in cases {
            let decision = decide(1, 3, outcome, safety, LEFT, 1.0);
            assert_eq!(decision, expected, "{outcome:?} {safety:?}");
        }
    }

    #[test]
    fn attempts_and_time_are_bounded() {
        let decide = |attempt, left| decide(attempt, 3, Outcome::NotSent, Once, left, 1.0);
        assert_eq!(decide(2, LEFT), Wait(BASE * 2));
        assert_eq!(decide(3, LEFT), GiveUp);
        assert_eq!(decide(1, BASE), GiveUp);
        assert_eq!(decide(1, BASE + MARGIN), GiveUp);
        assert_eq!(decide(1, BASE + MARGIN * 2), Wait(BASE));
    }

    #[test]
    fn a_lock_is_waited_for_as_long_as_there_is_time() {
        let decide = |attempt, max_attempts, asked, left| {
            let outcome = Outcome::Status(423, asked);
            decide(attempt, max_attempts, outcome, Once, left, 1.0)
        };
        assert_eq!(decide(3, 3, None, LEFT), Wait(BASE * 4));
        assert_eq!(decide(100, 3, None, LEFT), Wait(CAP));
        assert_eq!(decide(100, 3, None, SECOND), Wait(SECOND - TIME_FOR_WORK));
        assert_eq!(decide(100, 3, None, TIME_FOR_WORK), GiveUp);
        assert_eq!(decide(100, 3, Some(SECOND), LEFT), Wait(SECOND));
        assert_eq!(decide(1, 3, Some(LEFT), LEFT), GiveUp);
        assert_eq!(decide(1, 1, None, LEFT), GiveUp);
    }

    #[test]
    fn back_off_grows_to_its_cap_and_is_jittered() {
        let waits: Vec<_> = (1..=7).map(|n| full_jitter(n, 1.0).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 2000, 2000, 2000]);
        assert_eq!(full_jitter(3, 0.25), BASE);
        assert_eq!(full_jitter(u32::MAX, 1.0), CAP);
        assert_eq!(full_jitter(1, 0.0), Duration::ZERO);
    }
}
