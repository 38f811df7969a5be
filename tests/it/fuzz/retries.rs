//! The decision to send again keeps its bounds for every input. An input is a line: attempt, attempts
//! allowed, outcome, safety, milliseconds left, jitter (`1 3 429:1000 once 5000 0.5`).

use std::time::Duration;

use neon_auth_admin::neon::retry::{BASE, CAP, Decision, Outcome, Safety, decide};
use proptest::prelude::*;

use super::fuzz_text;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    " ", "0", "1", "3", "4294967295", "18446744073709551615", "lost", "hopeless", "unsent", "423",
    "429", "429:", "500", "502", "503:0", "504", "524", "once", "repeatable", "inf", "-1", "1e308",
];

fn lines() -> impl Strategy<Value = String> {
    let number = || prop_oneof![(0_u32..6).boxed(), any::<u32>().boxed()];
    let millis = || prop_oneof![0_u64..5000, any::<u64>()];
    let outcome = prop_oneof![
        Just("unsent".to_owned()),
        Just("lost".to_owned()),
        Just("hopeless".to_owned()),
        prop_oneof![
            prop::sample::select(&[423_u16, 429, 500, 502, 503, 504, 520, 524][..]),
            any::<u16>()
        ]
        .prop_map(|status| status.to_string()),
        (
            prop::sample::select(&[423_u16, 429, 502, 503, 504][..]),
            millis()
        )
            .prop_map(|(status, wait)| format!("{status}:{wait}")),
    ];
    let safety = prop::sample::select(&["once", "repeatable"][..]);
    let jitter = prop_oneof![0.0..=1.0, any::<f64>()];
    (number(), number(), outcome, safety, millis(), jitter).prop_map(
        |(n, of, outcome, safety, left, jitter)| {
            format!("{n} {of} {outcome} {safety} {left} {jitter}")
        },
    )
}

#[derive(Debug)]
struct Input {
    attempt: u32,
    max_attempts: u32,
    outcome: Outcome,
    safety: Safety,
    left: Duration,
    jitter: f64,
}

/// `None` for lines that edits have made into something else.
fn parse(line: &str) -> Option<Input> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let [attempt, max_attempts, outcome, safety, left, jitter] = words[..] else {
        return None;
    };
    let outcome = match outcome {
        "unsent" => Outcome::NotSent,
        "lost" => Outcome::Lost,
        "hopeless" => Outcome::Hopeless,
        status => match status.split_once(':') {
            Some((status, wait)) => {
                let wait = Duration::from_millis(wait.parse().ok()?);
                Outcome::Status(status.parse().ok()?, Some(wait))
            }
            None => Outcome::Status(status.parse().ok()?, None),
        },
    };
    Some(Input {
        // The first is number 1.
        attempt: attempt.parse().ok().filter(|attempt| *attempt > 0)?,
        max_attempts: max_attempts.parse().ok()?,
        outcome,
        safety: match safety {
            "once" => Safety::Once,
            "repeatable" => Safety::Repeatable,
            _ => return None,
        },
        left: Duration::from_millis(left.parse().ok()?),
        // A random generator gives any number but this.
        jitter: jitter
            .parse()
            .ok()
            .filter(|jitter: &f64| !jitter.is_nan())?,
    })
}

#[test]
fn decisions_keep_their_bounds() {
    fuzz_text("retries", WORDS, lines(), |line| {
        let Some(input) = parse(line) else { return };
        let decide_at = |attempt, jitter| {
            decide(
                attempt,
                input.max_attempts,
                input.outcome,
                input.safety,
                input.left,
                jitter,
            )
        };
        let Decision::Wait(wait) = decide_at(input.attempt, input.jitter) else {
            return;
        };
        assert!(wait < input.left, "{input:?} waits {wait:?}");
        // A lock is waited for, however often.
        let is_locked = matches!(input.outcome, Outcome::Status(423, _));
        assert!(input.max_attempts > 1, "{input:?}");
        assert!(is_locked || input.attempt < input.max_attempts, "{input:?}");
        let is_answer = match input.outcome {
            Outcome::Hopeless => panic!("{input:?}"),
            Outcome::NotSent => false,
            Outcome::Lost | Outcome::Status(502 | 504 | 520..=524, _) => {
                assert_eq!(input.safety, Safety::Repeatable, "{input:?}");
                false
            }
            Outcome::Status(423 | 429 | 503, _) => true,
            Outcome::Status(..) => panic!("{input:?}"),
        };
        match input.outcome {
            Outcome::Status(_, Some(asked)) if is_locked => assert_eq!(wait, asked.max(BASE / 2)),
            Outcome::Status(_, Some(asked)) if is_answer => assert_eq!(wait, asked),
            _ => assert!(wait <= CAP, "{input:?} waits {wait:?}"),
        }
        let last = decide_at(input.max_attempts, input.jitter);
        assert_eq!(matches!(last, Decision::Wait(_)), is_locked, "{input:?}");
    });
}
