//! A server that gives a prepared answer, byte for byte, to whatever is asked, and counts what is
//! asked. It knows nothing of HTTP beyond where a request ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use neon_auth_admin::error::Error;
use neon_auth_admin::neon::api_url::ApiUrl;
use neon_auth_admin::neon::client::{Client, Connection, Interrupted, Pause, new_request_id};
use neon_auth_admin::neon::http::{Http, Settings};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::secret::Secret;

use super::folder;
use crate::support::{settings, target};

/// The canaries, which answers repeat and errors must not.
pub const KEY: &str = "napi_fuzz_canary";
pub const CLIENT_SECRET: &str = "s3c\"ret\\canary";
pub const MAX_RESPONSE: u64 = 64 * 1024;

/// What the server does after its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    Close,
    StayOpen,
}

/// Tells the server that there are no more requests.
const STOP: &[u8] = b"STOP\r\n\r\n";

pub struct Server {
    listener: TcpListener,
    connection: Connection,
    timeout: Duration,
    then: Then,
}

pub struct Call<T> {
    pub result: Result<T, Error>,
    /// How many requests arrived, on whatever connection.
    pub requests: usize,
    pub took: Duration,
    /// The last answer as it was sent.
    pub answer: Vec<u8>,
}

/// Back-offs take no time here: what counts is how often is sent, not when.
struct Hurried;

impl Pause for Hurried {
    fn pause_until(&self, _: Instant) -> Result<(), Interrupted> {
        Ok(())
    }
}

impl Server {
    pub fn new(timeout: Duration, max_attempts: u32, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let api_url = ApiUrl::parse(&format!("http://{address}"), "127.0.0.1:*");
        let connection = Connection {
            api_url: api_url.expect("an allowed URL"),
            target: target(),
            api_key: Secret::new(KEY),
            max_attempts,
            max_response: MAX_RESPONSE,
        };
        Self {
            listener,
            connection,
            timeout,
            then,
        }
    }

    /// Sends `request` and answers with `template`: see [`fill`].
    pub fn call<T>(&self, template: &[u8], request: &Request<T>) -> Call<T> {
        thread::scope(|threads| {
            let served = threads.spawn(|| self.serve(template));
            // A new agent has no connection from the case before.
            let http = Http::blocking(&Settings {
                // There is no TLS here; reading the system's certificates would take most of the time.
                ca_file: Some(folder().join("no_authority.pem")),
                ..settings()
            });
            let http = http.expect("an agent");
            let started = Instant::now();
            let client = Client {
                connection: &self.connection,
                http: &http,
                place: &Hurried,
                listener: &(),
                deadline: started + self.timeout,
            };
            let result = client.send(request, &new_request_id());
            let took = started.elapsed();
            drop(http);
            let address = self.listener.local_addr().expect("bound");
            let mut stop = TcpStream::connect(address).expect("the listener");
            stop.write_all(STOP).expect("it reads");
            let (requests, answer) = served.join().expect("served");
            Call {
                result,
                requests,
                took,
                answer,
            }
        })
    }

    fn serve(&self, template: &[u8]) -> (usize, Vec<u8>) {
        let (mut requests, mut answer) = (0, Vec::new());
        loop {
            let (mut stream, _) = self.listener.accept().expect("a connection");
            let request = read_request(&mut stream);
            match request.as_slice() {
                STOP => return (requests, answer),
                [] => continue, // the client's time was up before it could ask
                _ => requests += 1,
            }
            answer = fill(template, &request);
            // The client may have hung up: then it has its reason, which is looked at elsewhere.
            let _ = stream.write_all(&answer);
            if self.then == Then::Close {
                let _ = stream.shutdown(Shutdown::Write);
            }
            // A second request on this connection would be one too many.
            requests += usize::from(!read_request(&mut stream).is_empty());
        }
    }
}

/// Head and body of the next request; nothing when the connection ends first.
fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some((head, body)) = split_head(&request)
            && body.len() >= content_length(head)
        {
            return request;
        }
        match stream.read(&mut chunk) {
            Ok(n @ 1..) => request.extend_from_slice(&chunk[..n]),
            _ => return request,
        }
    }
}

/// What stands before and after the first empty line.
pub fn split_head(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((&message[..end], &message[end + 4..]))
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.split("content-length:").nth(1).unwrap_or_default();
    let value = value.lines().next().unwrap_or_default();
    value.trim().parse().unwrap_or_default()
}

/// `@REQUEST@` becomes the request as the inside of a JSON string, `@FILL@` more than any cap allows,
/// and `@LENGTH@` the number of bytes behind the head, in this order.
fn fill(template: &[u8], request: &[u8]) -> Vec<u8> {
    let json = serde_json::Value::from(String::from_utf8_lossy(request)).to_string();
    let answer = replace(template, b"@REQUEST@", &json.as_bytes()[1..json.len() - 1]);
    let answer = replace(&answer, b"@FILL@", &[b'a'; MAX_RESPONSE as usize + 1]);
    let length = split_head(&answer).map_or(0, |(_, body)| body.len());
    replace(&answer, b"@LENGTH@", length.to_string().as_bytes())
}

fn replace(bytes: &[u8], token: &[u8], with: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(token.len()).position(|window| window == token) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(with);
        rest = &rest[at + token.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
