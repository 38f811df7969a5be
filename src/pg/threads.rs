//! Owns the threads beside that of the backend: how one is started, so that no signal is ever handled on it, and a
//! group of them that do one piece of work after the other. It knows nothing of the work.
//!
//! No thread may call Postgres, nor change the environment. What is refused to one of memory ends the process in
//! order: see [`crate::pg::allocator`].

// Blocks signals, and settles how memory is given out.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, PipeWriter, Write};
use std::sync::mpsc;

use crate::neon::http::in_words;
use crate::pg::allocator::has_room_for_thread;
use crate::pg::wait::Bell;

/// As much as Rust gives one by default.
const STACK: usize = 2 << 20;

/// Starts a thread with all signals blocked, which is "to ...".
pub fn start(name: &str, purpose: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let no_thread = |error: io::Error| {
        let why = in_words(&error);
        io::Error::other(format!("no thread could be started to {purpose}: {why}"))
    };
    if !has_room_for_thread(STACK) {
        return Err(no_thread(io::ErrorKind::OutOfMemory.into()));
    }
    let builder = std::thread::Builder::new().name(format!("neon_auth_admin {name}"));
    let started = with_signals_blocked(|| builder.stack_size(STACK).spawn(body));
    started.map(drop).map_err(no_thread)
}

/// A thread inherits the signal mask it is started with: none of Postgres' handlers can ever run on
/// one that is started here.
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are initialized by the calls that fill them, and the old mask is restored.
    unsafe {
        let mut all = std::mem::MaybeUninit::uninit();
        let mut old = std::mem::MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
        let result = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), std::ptr::null_mut());
        result
    }
}

/// Threads that do `work`. They end when this is dropped: one that is at work, when that is done.
pub struct Threads<J, R> {
    work: fn(J) -> R,
    /// By their numbers, which are not used again.
    jobs: BTreeMap<usize, mpsc::Sender<J>>,
    /// The one last that was at work last.
    idle: Vec<usize>,
    started: usize,
    results: mpsc::Receiver<(usize, Option<R>)>,
    result: mpsc::Sender<(usize, Option<R>)>,
    bell: Bell,
    ring: PipeWriter,
}

impl<J: Send + 'static, R: Send + 'static> Threads<J, R> {
    pub fn new(work: fn(J) -> R) -> io::Result<Self> {
        // Or the C library keeps memory for each thread, up to eight times the number of processors.
        #[cfg(target_env = "gnu")]
        // SAFETY: settles for this process what it is asked for later.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 2);
        }
        let (bell, ring) = Bell::new()?;
        let (result, results) = mpsc::channel();
        Ok(Self {
            work,
            jobs: BTreeMap::new(),
            idle: Vec::new(),
            started: 0,
            results,
            result,
            bell,
            ring,
        })
    }

    /// What is to be waited for: it rings with each result.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// A thread that is idle, and was so for the shortest time; a new one, if there is none.
    pub fn ready(&mut self) -> io::Result<usize> {
        if let Some(&number) = self.idle.last() {
            return Ok(number);
        }
        let (job, jobs) = mpsc::channel();
        let number = self.started;
        let desk = Desk {
            number,
            result: self.result.clone(),
            ring: self.ring.try_clone()?,
        };
        let work = self.work;
        start("caller", "make the call", move || {
            // Until the other end is gone.
            for job in jobs {
                let mut slip = Slip {
                    desk: &desk,
                    result: None,
                };
                slip.result = Some(work(job));
            }
        })?;
        self.started += 1;
        self.jobs.insert(number, job);
        self.idle.push(number);
        Ok(number)
    }

    /// Gives work to a thread that is ready. Whether it has it.
    pub fn give(&mut self, number: usize, job: J) -> bool {
        self.idle.retain(|idle| *idle != number);
        let jobs = self.jobs.get(&number);
        jobs.is_some_and(|jobs| jobs.send(job).is_ok())
    }

    /// What has been done, by the numbers of the threads; `None` by one that has ended instead.
    pub fn done(&mut self) -> Vec<(usize, Option<R>)> {
        let done: Vec<_> = self.results.try_iter().collect();
        for (number, result) in &done {
            match result {
                Some(_) => self.idle.push(*number),
                None => drop(self.jobs.remove(number)),
            }
        }
        done
    }
}

/// Of one thread.
struct Desk<R> {
    number: usize,
    result: mpsc::Sender<(usize, Option<R>)>,
    ring: PipeWriter,
}

/// What came of a piece of work is handed in when this is dropped: nothing, after a panic.
struct Slip<'a, R> {
    desk: &'a Desk<R>,
    result: Option<R>,
}

impl<R> Drop for Slip<'_, R> {
    fn drop(&mut self) {
        // Nobody may be there any more.
        let _ = self
            .desk
            .result
            .send((self.desk.number, self.result.take()));
        let _ = (&self.desk.ring).write(&[0]);
    }
}
