//! A server whose answers a test writes itself, piece by piece.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::support::wait_for;

pub struct ByHand {
    listener: TcpListener,
}

impl ByHand {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("accept does not block");
        Self { listener }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().expect("bound"))
    }

    /// Waits for a connection and the request on it.
    pub fn next(&self) -> Call {
        let mut stream = None;
        wait_for("a connection", || {
            stream = self.listener.accept().ok();
            stream.is_some()
        });
        let (mut stream, _) = stream.expect("it is there");
        stream.set_nonblocking(false).expect("reads block");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        // Small requests are sent as one.
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        Call { request, stream }
    }

    /// Whether nobody else has connected.
    pub fn is_quiet(&self) -> bool {
        self.listener.accept().is_err()
    }
}

/// A request that waits for its answer; the connection ends with it.
pub struct Call {
    pub request: String,
    stream: TcpStream,
}

impl Call {
    /// Writes an answer with this JSON, and does something before each of its bytes.
    pub fn answer(&mut self, json: &str, mut before_each: impl FnMut()) {
        let length = json.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close");
        for byte in format!("{head}\r\n\r\n{json}").bytes() {
            before_each();
            self.stream.write_all(&[byte]).expect("sent");
        }
    }
}
