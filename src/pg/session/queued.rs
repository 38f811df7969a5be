//! Owns what a session gives to a thread that makes a queued call in its place. It sends nothing.

use super::{Session, Way};
use crate::neon::client::Connection;
use crate::neon::queue::call::Prepared;
use crate::neon::queue::parcel::{Parcel, Returned};
use crate::secret::Secret;

impl Session {
    /// What a thread needs to send a queued call once; nothing where nothing is sent.
    pub fn parcel(&self, request: Prepared, request_id: &str) -> Option<Parcel> {
        let Way::ToNeon(line) = &self.0 else {
            return None;
        };
        Some(Parcel {
            connection: Connection {
                max_attempts: 1,
                ..line.connection.clone()
            },
            request,
            request_id: request_id.to_owned(),
            deadline: line.deadline,
        })
    }

    /// Writes down what a thread has done.
    pub fn log(&self, returned: &Returned) {
        if let Way::ToNeon(line) = &self.0 {
            returned.tell(&line.log);
        }
    }

    /// Where a key is sent, and which.
    pub fn place_and_key(&self) -> Option<(&str, &Secret)> {
        match &self.0 {
            Way::ToNeon(line) => {
                let Connection {
                    api_url, api_key, ..
                } = &line.connection;
                Some((api_url.place(), api_key))
            }
            Way::Nowhere(_) => None,
        }
    }
}
