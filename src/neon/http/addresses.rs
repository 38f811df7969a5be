//! Owns what is remembered of name look-ups, and for how long. It knows nothing of how names are
//! looked up; what time it is, it is told.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long an answer is good for, counted from the question. The answer's own time is not known:
/// the system's resolver does not tell it.
pub const LIFETIME: Duration = Duration::from_secs(60);

/// The addresses of hosts, as they were found.
#[derive(Debug, Default)]
pub struct Addresses {
    by_host: HashMap<String, Found>,
}

#[derive(Debug)]
struct Found {
    asked: Instant,
    addresses: Vec<IpAddr>,
}

impl Addresses {
    pub fn get(&self, host: &str, now: Instant) -> Option<&[IpAddr]> {
        self.by_host
            .get(host)
            .filter(|found| is_good(found.asked, now))
            .map(|found| found.addresses.as_slice())
    }

    /// Remembers what was found for a question of that time, and drops what is of no use any more.
    pub fn insert(&mut self, host: &str, addresses: Vec<IpAddr>, asked: Instant, now: Instant) {
        self.by_host.retain(|_, found| is_good(found.asked, now));
        self.by_host
            .insert(host.to_owned(), Found { asked, addresses });
    }

    pub fn forget(&mut self, host: &str) {
        self.by_host.remove(host);
    }
}

/// Whether the answer to a question of that time may still be used.
pub fn is_good(asked: Instant, now: Instant) -> bool {
    now.duration_since(asked) < LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [IpAddr; 1] = [IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)];
    const THERE: [IpAddr; 1] = [IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)];
    const TICK: Duration = Duration::from_millis(1);

    #[test]
    fn an_answer_is_good_for_a_minute_from_its_question() {
        let asked = Instant::now();
        let mut addresses = Addresses::default();
        assert_eq!(addresses.get("a", asked), None);
        // The answer was slow to come, which makes it no younger.
        addresses.insert("a", HERE.into(), asked, asked + LIFETIME / 2);
        assert_eq!(addresses.get("a", asked + LIFETIME - TICK), Some(&HERE[..]));
        assert_eq!(addresses.get("a", asked + LIFETIME), None);
        assert_eq!(addresses.get("b", asked), None);

        addresses.insert("a", THERE.into(), asked + LIFETIME, asked + LIFETIME);
        let later = asked + LIFETIME + LIFETIME - TICK;
        assert_eq!(addresses.get("a", later), Some(&THERE[..]));
    }

    #[test]
    fn what_was_forgotten_is_looked_up_again() {
        let now = Instant::now();
        let mut addresses = Addresses::default();
        addresses.insert("a", HERE.into(), now, now);
        addresses.insert("b", THERE.into(), now, now);
        addresses.forget("a");
        addresses.forget("c");
        assert_eq!(addresses.get("a", now), None);
        assert_eq!(addresses.get("b", now), Some(&THERE[..]));
    }

    #[test]
    fn hosts_that_are_not_asked_for_again_take_no_memory() {
        let mut now = Instant::now();
        let mut addresses = Addresses::default();
        for n in 0..1000 {
            addresses.insert(&n.to_string(), HERE.into(), now, now);
            now += LIFETIME / 10;
        }
        assert_eq!(addresses.by_host.len(), 10);
    }
}
