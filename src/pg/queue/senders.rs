//! Owns the calls that are under way: which thread sends which, with which agent, and what has come back. It knows
//! neither what is done about an answer nor of transactions.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::deliver::Sending;
use crate::error::Error;
use crate::neon::http::Http;
use crate::neon::queue::parcel::{Parcel, Returned};
use crate::pg::agent::ThreadsHttp;
use crate::pg::threads::Threads;
use crate::pg::wait::Bell;

type Job = (Arc<Http>, Parcel);

pub struct Senders {
    threads: Threads<Job, Returned>,
    /// Of each thread. With its connection, which it keeps from one call to the next.
    https: BTreeMap<usize, ThreadsHttp>,
    under_way: BTreeMap<usize, Sending>,
    /// What came of calls, until it is stored.
    pub back: Vec<Back>,
}

/// A call that was under way.
pub struct Back {
    pub sending: Sending,
    /// The id of a new user, or nothing to tell. No error is completed yet.
    pub result: Result<Option<String>, Error>,
    /// Nobody has waited for its end: Neon may get it for as long as its session had time.
    pub is_given_up: bool,
}

impl Back {
    fn new(sending: Sending, result: Result<Option<String>, Error>) -> Self {
        Self {
            sending,
            result,
            is_given_up: false,
        }
    }
}

impl Senders {
    pub fn new() -> Result<Self, Error> {
        let send = |(http, parcel): Job| parcel.send(&http);
        Ok(Self {
            threads: Threads::new(send).map_err(|why| no_thread(&why))?,
            https: BTreeMap::new(),
            under_way: BTreeMap::new(),
            back: Vec::new(),
        })
    }

    pub fn bell(&self) -> &Bell {
        self.threads.bell()
    }

    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Has a call sent that is claimed, and committed so.
    pub fn send(&mut self, mut sending: Sending) {
        let (number, http) = match self.ready() {
            Ok(ready) => ready,
            Err(error) => return self.fail(sending, error),
        };
        let given = sending.parcel.take();
        if given.is_some_and(|parcel| self.threads.give(number, (http, parcel))) {
            self.under_way.insert(number, sending);
        } else {
            self.fail(sending, no_thread(&io::ErrorKind::BrokenPipe.into()));
        }
    }

    fn fail(&mut self, sending: Sending, error: Error) {
        self.back.push(Back::new(sending, Err(error)));
    }

    fn ready(&mut self) -> Result<(usize, Arc<Http>), Error> {
        let number = self.threads.ready().map_err(|why| no_thread(&why))?;
        let http = match self.https.get(&number).filter(|http| http.is_current()) {
            Some(http) => http.http(),
            None => {
                let http = ThreadsHttp::new()?;
                let shared = http.http();
                self.https.insert(number, http);
                shared
            }
        };
        Ok((number, http))
    }

    /// Takes in what has arrived.
    pub fn collect(&mut self) {
        for (number, returned) in self.threads.done() {
            let Some(sending) = self.under_way.remove(&number) else {
                continue;
            };
            let result = match returned {
                Some(returned) => {
                    sending.log(&returned);
                    returned.result
                }
                None => {
                    self.https.remove(&number);
                    Err(Error::lost_thread())
                }
            };
            self.back.push(Back::new(sending, result));
        }
    }

    /// Waits no longer for what is under way: nobody knows what becomes of it.
    pub fn give_up(&mut self) {
        self.collect();
        for (number, sending) in std::mem::take(&mut self.under_way) {
            // What is not sent by now is not to be.
            if let Some(http) = self.https.remove(&number) {
                http.http().give_up();
            }
            let error = Error::interrupted_call(&sending.request_id);
            self.back.push(Back {
                is_given_up: true,
                ..Back::new(sending, Err(error))
            });
        }
    }
}

fn no_thread(why: &io::Error) -> Error {
    Error::no_sender(&why.to_string())
}
