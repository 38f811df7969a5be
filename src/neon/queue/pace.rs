//! Owns how fast queued calls of a kind may be made: a bucket of tokens, which Neon has, too, and whose pace is
//! halved when Neon refuses a call all the same. It knows neither a clock nor whose calls they are.

use std::time::Duration;

/// In microseconds, by a clock that is never set.
pub type Time = u64;

const SECOND: Time = 1_000_000;
/// After a refusal the whole pace is there again after so long, or sooner.
const RECOVERY: f64 = 120.0 * SECOND as f64;
/// It is never slower than by this.
const SLOWEST: f64 = 1.0 / 16.0;
/// What was under way when the first call was refused says nothing new.
const ONE_REFUSAL: Time = SECOND;
/// After a refusal that does not say how long.
const REST: Duration = Duration::from_secs(1);
/// No answer is believed that asks for more.
const LONGEST_REST: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub per_minute: f64,
    /// How many at once, when there were none for long.
    pub burst: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    /// When they were counted.
    counted: Time,
    /// How much of the pace is used.
    share: f64,
    refused: Option<Time>,
    /// Nothing goes out before.
    rests_until: Time,
}

impl Bucket {
    pub fn full(pace: Pace, now: Time) -> Self {
        Self {
            tokens: pace.burst,
            counted: now,
            share: 1.0,
            refused: None,
            rests_until: 0,
        }
    }

    /// A token for one call; or when to ask again, at the earliest.
    pub fn take(&mut self, pace: Pace, now: Time) -> Result<(), Time> {
        self.count(pace, now);
        if now < self.rests_until {
            return Err(self.rests_until);
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / (per_microsecond(pace) * self.share);
        Err(now.saturating_add(wait.ceil() as Time))
    }

    /// That of a call that was not sent after all.
    pub fn give_back(&mut self) {
        self.tokens += 1.0;
    }

    /// Neon has refused a call, and wants none for that long. Until when.
    pub fn refuse(&mut self, rest: Option<Duration>, now: Time) -> Time {
        let rest = rest.unwrap_or(REST).min(LONGEST_REST);
        let rest = Time::try_from(rest.as_micros()).unwrap_or(Time::MAX);
        self.rests_until = self.rests_until.max(now.saturating_add(rest));
        let is_new = |at: Time| now.saturating_sub(at) >= ONE_REFUSAL;
        if self.refused.is_none_or(is_new) {
            self.refused = Some(now);
            self.share = (self.share / 2.0).max(SLOWEST);
            self.tokens = 0.0;
            self.counted = self.counted.max(now);
        }
        self.rests_until
    }

    fn count(&mut self, pace: Pace, now: Time) {
        // It goes by the clock of whoever asks, and they ask one after the other.
        let passed = now.saturating_sub(self.counted) as f64;
        self.counted = self.counted.max(now);
        let gained = passed * per_microsecond(pace) * self.share;
        self.tokens = (self.tokens + gained).min(pace.burst);
        self.share = (self.share + passed / RECOVERY).min(1.0);
    }

    /// When somebody has asked last.
    pub fn last_used(&self) -> Time {
        self.counted
    }
}

fn per_microsecond(pace: Pace) -> f64 {
    pace.per_minute / (60.0 * SECOND as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEONS: Pace = Pace {
        per_minute: 700.0,
        burst: 40.0,
    };
    const OURS: Pace = Pace {
        per_minute: 680.0,
        burst: 36.0,
    };

    /// Asks whenever there may be a token, until that many were given. When the last one was.
    fn drain(bucket: &mut Bucket, pace: Pace, calls: usize, mut now: Time) -> Time {
        for _ in 0..calls {
            while let Err(later) = bucket.take(pace, now) {
                assert!(later > now, "it asks for a time to come");
                now = later;
            }
        }
        now
    }

    #[test]
    fn a_thousand_calls_take_what_the_limit_takes_and_a_little() {
        let took = drain(&mut Bucket::full(OURS, 0), OURS, 1000, 0);
        let limit = drain(&mut Bucket::full(NEONS, 0), NEONS, 1000, 0);
        assert_eq!(limit / 100_000, 822);
        assert!(took as f64 / (limit as f64) < 1.04, "{took} to {limit}");
    }

    #[test]
    fn a_refusal_halves_the_pace_for_a_while() {
        let mut bucket = Bucket::full(OURS, 0);
        drain(&mut bucket, OURS, 40, 0);
        let rest = Some(Duration::from_secs(5));
        assert_eq!(bucket.refuse(rest, SECOND), 6 * SECOND);
        // One that was under way with the first.
        assert_eq!(bucket.refuse(None, SECOND + 1), 6 * SECOND);
        assert_eq!(bucket.take(OURS, 2 * SECOND), Err(6 * SECOND));
        // What has come in meanwhile, at about half the pace.
        let mut came = 0;
        while bucket.take(OURS, 6 * SECOND).is_ok() {
            came += 1;
        }
        assert_eq!(came, 28);
        bucket.take(OURS, 62 * SECOND).expect("a token");
        assert_eq!(bucket.share, 1.0);
    }

    #[test]
    fn it_is_never_still_for_good() {
        let mut bucket = Bucket::full(OURS, 0);
        for n in 0..100 {
            bucket.refuse(Some(Duration::MAX), n * 2 * SECOND);
        }
        let rested = 198 * SECOND + 300 * SECOND;
        assert_eq!(bucket.take(OURS, 200 * SECOND), Err(rested));
        assert!(drain(&mut bucket, OURS, 1, rested) <= rested + 2 * SECOND);
    }

    #[test]
    fn what_was_not_sent_is_no_loss() {
        let mut bucket = Bucket::full(OURS, 0);
        for _ in 0..1000 {
            bucket.take(OURS, 0).expect("a token");
            bucket.give_back();
        }
    }

    proptest! {
        /// Whoever asks, and when: in no stretch of time more go out than the limit lets through.
        #[test]
        fn no_more_than_the_limit(waits in proptest::collection::vec(0..3 * SECOND, 1..300)) {
            let mut bucket = Bucket::full(OURS, 0);
            let mut limit = Bucket::full(NEONS, 0);
            let mut now = 0;
            for wait in waits {
                now += wait;
                while bucket.take(OURS, now).is_ok() {
                    prop_assert!(limit.take(NEONS, now).is_ok());
                }
            }
        }
    }
}
