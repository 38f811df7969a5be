//! All orders in which processes can meet, by loom, and a worker that is wrong.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64 as LoomWord, AtomicUsize};
use loom::thread;

use super::*;

impl Word for LoomWord {
    fn get(&self) -> u64 {
        self.fetch_add(0, Ordering::AcqRel)
    }

    fn increment(&self) {
        self.fetch_add(1, Ordering::AcqRel);
    }

    fn change(&self, from: u64, to: u64) -> bool {
        let changed = self.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        changed.is_ok()
    }
}

fn id(pid: u32) -> Id {
    Id { place: 7, pid }
}

#[test]
fn words_keep_what_they_say() {
    let far = Id {
        place: (1 << 30) - 1,
        pid: u32::MAX,
    };
    let all = [
        Worker::Free,
        Worker::Starting(0),
        Worker::Starting(STARTING - 1),
        Worker::Running(Id { place: 0, pid: 0 }),
        Worker::Running(far),
    ];
    for worker in all {
        assert_eq!(Worker::of(worker.word()), worker);
    }
}

#[test]
fn who_is_late_or_dead_is_replaced() {
    let shared = WakeUp {
        calls: AtomicU64::new(0),
        worker: AtomicU64::new(0),
    };
    let alive = |_| true;
    assert!(shared.is_idle(5, alive));
    assert_eq!(shared.committed(5, alive), Action::Start(5));
    assert_eq!(shared.committed(6, alive), Action::Nothing);
    assert_eq!(shared.wanted(4, alive), Action::Nothing, "another's clock");
    assert!(!shared.is_idle(6, alive));
    let late = 5 + TO_START;
    assert!(shared.is_idle(late, alive));
    assert_eq!(shared.committed(late, alive), Action::Start(late));
    shared.cannot_start(5);
    assert!(
        !shared.is_idle(late, alive),
        "it is not that one's any more"
    );
    shared.cannot_start(late);
    assert!(shared.is_idle(late, alive));
    assert!(shared.enter(id(1), alive));
    assert!(!shared.enter(id(2), alive));
    assert_eq!(shared.committed(late, alive), Action::Wake(id(1)));
    let dead = |_| false;
    assert!(shared.is_idle(late, dead));
    assert!(shared.enter(id(2), dead));
    shared.end(id(1));
    assert_eq!(shared.wanted(late, alive), Action::Wake(id(2)));
    assert!(!shared.leave(id(2), 0), "calls were committed");
    assert!(shared.leave(id(2), shared.count()));
    assert!(shared.is_idle(late, alive));
}

/// What a model runs.
struct Server {
    shared: WakeUp<LoomWord>,
    waiting: AtomicUsize,
    workers: AtomicUsize,
    /// A worker that believes that nobody has come.
    is_hasty: bool,
}

impl Server {
    fn new(is_hasty: bool) -> Arc<Self> {
        Arc::new(Self {
            shared: WakeUp {
                calls: LoomWord::new(0),
                worker: LoomWord::new(0),
            },
            waiting: AtomicUsize::new(0),
            workers: AtomicUsize::new(0),
            is_hasty,
        })
    }

    fn commit(&self, me: Id) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        if let Action::Start(_) = self.shared.committed(0, |_| true) {
            self.work(me);
        }
    }

    /// With a linger of nothing.
    fn work(&self, me: Id) {
        if !self.shared.enter(me, |_| true) {
            return;
        }
        loop {
            let count = self.shared.count();
            assert_eq!(
                self.workers.fetch_add(1, Ordering::AcqRel),
                0,
                "two workers"
            );
            self.waiting.swap(0, Ordering::AcqRel);
            self.workers.fetch_sub(1, Ordering::AcqRel);
            if self.is_hasty {
                return self.shared.end(me);
            }
            if self.shared.leave(me, count) {
                return;
            }
        }
    }
}

/// Two who commit, each of which starts a worker where it is told to; and one that runs already.
fn model(is_hasty: bool, runs_already: bool) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let server = Server::new(is_hasty);
        let threads = [1, 2].map(|n| {
            let server = server.clone();
            thread::spawn(move || server.commit(id(n)))
        });
        if runs_already {
            server.work(id(3));
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert_eq!(server.waiting.load(Ordering::Acquire), 0, "a call is left");
        assert!(server.shared.is_idle(0, |_| true));
    });
}

#[test]
fn no_call_is_left_and_no_two_workers_run() {
    model(false, false);
    model(false, true);
}

#[test]
#[should_panic(expected = "a call is left")]
fn the_model_finds_a_call_that_is_left() {
    model(true, false);
}
