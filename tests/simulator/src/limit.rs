//! The rate limit: a token bucket per route and account. It knows nothing of requests.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const PER_MINUTE: f64 = 700.0;
const BURST: f64 = 40.0;

pub struct RateLimit {
    /// So many times as much as Neon lets through.
    scale: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimit {
    pub fn scaled(scale: f64) -> Self {
        let buckets = Mutex::default();
        Self { scale, buckets }
    }

    /// Takes a token, or says how long to wait for the next one.
    pub fn take(&self, route: &str, now: Instant) -> Result<(), Duration> {
        let (per_second, burst) = (PER_MINUTE * self.scale / 60.0, BURST * self.scale);
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        let bucket = buckets.entry(route.to_owned()).or_insert(Bucket {
            tokens: burst,
            at: now,
        });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + gained).min(burst);
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
        let limit = RateLimit::scaled(1.0);
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
        let limit = RateLimit::scaled(1.0);
        let now = Instant::now();
        while limit.take("GET /x", now).is_ok() {}
        assert!(limit.take("GET /y", now).is_ok());
    }
}
