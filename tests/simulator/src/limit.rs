//! The rate limit: a token bucket per route and account. It knows nothing of requests.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const PER_MINUTE: f64 = 700.0;
const BURST: f64 = 40.0;

#[derive(Default)]
pub struct RateLimit {
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimit {
    /// Takes a token, or says how long to wait for the next one.
    pub fn take(&self, route: &str, now: Instant) -> Result<(), Duration> {
        let per_second = PER_MINUTE / 60.0;
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        let bucket = buckets.entry(route.to_owned()).or_insert(Bucket {
            tokens: BURST,
            at: now,
        });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + gained).min(BURST);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) / per_second));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_at_once_then_seven_hundred_a_minute() {
        let limit = RateLimit::default();
        let start = Instant::now();
        let passed = |at: Instant, tries: usize| {
            (0..tries)
                .filter(|_| limit.take("GET /x", at).is_ok())
                .count()
        };
        assert_eq!(passed(start, 100), 40);
        let later: usize = (1..=6000)
            .map(|step| passed(start + Duration::from_millis(step * 10), 1))
            .sum();
        assert!((698..=700).contains(&later), "{later}");
    }

    #[test]
    fn routes_have_their_own_buckets() {
        let limit = RateLimit::default();
        let now = Instant::now();
        while limit.take("GET /x", now).is_ok() {}
        assert!(limit.take("GET /y", now).is_ok());
    }
}
