//! Owns a queued call as it is given away to be sent once, and as it comes back. It knows nothing of who sends it,
//! and has nothing that would have to stay where it is.

use std::cell::RefCell;
use std::time::Instant;

use super::call::Prepared;
use crate::error::Error;
use crate::neon::client::{Client, Connection, Interrupted, Pause};
use crate::neon::http::Http;
use crate::neon::progress::{Call, Event, Listener, Progress};

pub struct Parcel {
    pub connection: Connection,
    pub request: Prepared,
    pub request_id: String,
    pub deadline: Instant,
}

/// What came of it.
pub struct Returned {
    parcel: Parcel,
    /// The id of a new user, or nothing to tell.
    pub result: Result<Option<String>, Error>,
    heard: Vec<(Event, Progress)>,
}

impl Parcel {
    pub fn send(self, http: &Http) -> Returned {
        let heard = Heard::default();
        let client = Client {
            connection: &self.connection,
            http,
            place: &Once,
            listener: &heard,
            deadline: self.deadline,
        };
        let id = &self.request_id;
        let result = match &self.request {
            Prepared::User(request) => client.send(request, id).map(|user| Some(user.id)),
            Prepared::Plain(request) => client.send(request, id).map(|()| None),
        };
        Returned {
            result,
            heard: heard.0.into_inner(),
            parcel: self,
        }
    }
}

impl Returned {
    /// Tells what was heard while it was sent.
    pub fn tell(&self, listener: &dyn Listener) {
        let Parcel {
            connection,
            request,
            request_id,
            ..
        } = &self.parcel;
        let call = match request {
            Prepared::User(request) => Call::new(request, &connection.target, request_id),
            Prepared::Plain(request) => Call::new(request, &connection.target, request_id),
        };
        listener.begins(&call);
        for (event, progress) in &self.heard {
            listener.hears(&call, *event, progress);
        }
    }
}

/// Whatever is tried again is tried by the queue.
struct Once;

impl Pause for Once {
    fn pause_until(&self, _: Instant) -> Result<(), Interrupted> {
        Err(Interrupted)
    }
}

#[derive(Default)]
struct Heard(RefCell<Vec<(Event, Progress)>>);

impl Listener for Heard {
    fn hears(&self, _: &Call, event: Event, progress: &Progress) {
        self.0.borrow_mut().push((event, *progress));
    }
}
