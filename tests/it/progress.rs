//! What a listener is told of a request: each attempt and wait, and how it ended, before anything is made
//! of the answer.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use neon_auth_admin::neon::client::{Client, Interrupted, Pause, new_request_id};
use neon_auth_admin::neon::progress::{Call, Event, Listener, Progress, Status};
use neon_auth_admin::neon::users;

use crate::support::World;

/// What is heard, how many attempts there were by then, and the status; the beginning has neither.
type Heard = (Option<Event>, u32, Option<Status>);

#[derive(Default)]
struct Ear(RefCell<Vec<Heard>>);

impl Listener for Ear {
    fn begins(&self, _: &Call) {
        self.0.borrow_mut().push((None, 0, None));
    }

    fn hears(&self, call: &Call, event: Event, progress: &Progress) {
        assert!(call.is_write && call.function == "create_user");
        assert!(progress.time < Duration::from_secs(60));
        let heard = (Some(event), progress.attempts, Some(progress.status));
        self.0.borrow_mut().push(heard);
    }
}

/// Somebody is cancelled as soon as he waits.
struct Cancelled;

impl Pause for Cancelled {
    fn pause_until(&self, _: Instant) -> Result<(), Interrupted> {
        Err(Interrupted)
    }
}

/// What is heard of a write, after its beginning.
fn heard(world: &World, change: impl FnOnce(&mut Client)) -> Vec<(Event, u32, Status)> {
    let ear = Ear::default();
    let mut client = Client {
        listener: &ear,
        ..world.client()
    };
    change(&mut client);
    let target = &world.connection.target;
    let request = users::create(target, "ada@example.com", None).expect("a request");
    let _ = client.send(&request, &new_request_id());
    let mut heard = ear.0.into_inner().into_iter();
    assert_eq!(heard.next(), Some((None, 0, None)), "it begins");
    let rest = heard.map(|(event, attempts, status)| {
        let event = event.expect("no second beginning");
        (event, attempts, status.expect("a status"))
    });
    rest.collect()
}

#[test]
fn a_listener_is_told_everything_and_the_end_once() {
    use Event::{Attempt, End, Wait};
    use Status::{Answered, NoAnswer, NotSent};
    let mut world = World::new();
    let as_it_is = |_: &mut Client| ();
    assert_eq!(
        heard(world.project("fault-503-x1--progress"), as_it_is),
        [
            (Attempt, 1, Answered(503)),
            (Wait, 1, Answered(503)),
            (Attempt, 2, Answered(201)),
            (End, 2, Answered(201)),
        ]
    );
    for (project, status) in [
        ("fault-404--progress", Answered(404)),
        ("fault-badjson--progress", Answered(200)),
        ("fault-reset--progress", NoAnswer),
    ] {
        let told = heard(world.project(project), as_it_is);
        assert_eq!(told, [(Attempt, 1, status), (End, 1, status)], "{project}");
    }
    let cancelled = |client: &mut Client| client.place = &Cancelled;
    assert_eq!(
        heard(world.project("fault-423--progress"), cancelled),
        [
            (Attempt, 1, Answered(423)),
            (Wait, 1, Answered(423)),
            (End, 1, Answered(423)),
        ]
    );
    let told = heard(world.at("http://127.0.0.1:1"), as_it_is);
    assert_eq!(told.last(), Some(&(End, 3, NotSent)), "{told:?}");
}
