//! What is written on a raw connection when hyper cannot express it. It knows nothing of why.

use std::fmt::Write;
use std::io::Result;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::response::Parts;
use axum::response::Response;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Steps on the connection, and how it ends. Writing to a client that has gone fails, so a script
/// never outlives its connection by more than one pause.
pub struct Script {
    /// The status that the client can see, for the ledger.
    pub status: Option<u16>,
    pub steps: Vec<Step>,
    pub end: End,
}

pub enum Step {
    Write(Vec<u8>),
    /// One byte at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    Pause(Duration),
    /// The same again and again, until the client has gone.
    Forever(Vec<u8>),
}

pub enum End {
    /// FIN, after `close_notify` where there is TLS.
    Finish,
    /// RST.
    Reset,
}

impl Script {
    pub async fn run(self, mut stream: Stream) -> Result<()> {
        for step in self.steps {
            match step {
                Step::Write(bytes) => stream.write_all(&bytes).await?,
                Step::Drip(bytes, pause) => {
                    for byte in bytes {
                        stream.write_all(&[byte]).await?;
                        stream.flush().await?;
                        sleep(pause).await;
                    }
                }
                Step::Pause(pause) => sleep(pause).await,
                Step::Forever(bytes) => loop {
                    stream.write_all(&bytes).await?;
                },
            }
            stream.flush().await?;
        }
        match self.end {
            End::Finish => stream.shutdown().await,
            End::Reset => match &stream {
                Either::Left(tcp) => tcp.set_zero_linger(),
                Either::Right(tls) => tls.get_ref().0.set_zero_linger(),
            },
        }
    }
}

/// A response as the bytes of its head (with its Content-Length) and of its body.
pub async fn serialize(response: Response) -> (Vec<u8>, Bytes) {
    let (parts, body) = response.into_parts();
    let body = collect(body).await;
    (head(&parts, body.len()).into_bytes(), body)
}

/// The body of one of our own answers, which are small and in memory.
pub async fn collect(body: Body) -> Bytes {
    to_bytes(body, usize::MAX)
        .await
        .expect("a body in memory has no errors")
}

fn head(parts: &Parts, length: usize) -> String {
    let mut head = format!("HTTP/1.1 {}\r\n", parts.status);
    for (name, value) in &parts.headers {
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            let value = String::from_utf8_lossy(value.as_bytes());
            write!(head, "{name}: {value}\r\n").expect("a String takes every write");
        }
    }
    write!(head, "content-length: {length}\r\n\r\n").expect("a String takes every write");
    head
}
