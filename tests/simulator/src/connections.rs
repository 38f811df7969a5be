//! One TCP connection: hyper's until a handler takes it over for a raw script. It knows nothing of
//! the API.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::Extension;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::either::Either;

use crate::fault::script::{Script, Stream};
use crate::tls::Tls;

/// The connections there have been, and are. Each has a number, counted from 1.
#[derive(Default)]
pub struct Connections {
    numbers: Mutex<Numbers>,
}

#[derive(Default)]
struct Numbers {
    accepted: u64,
    open: BTreeSet<u64>,
}

impl Connections {
    /// Counts a connection and gives it its number.
    pub fn accept(&self) -> u64 {
        let mut numbers = self.lock();
        numbers.accepted += 1;
        let number = numbers.accepted;
        numbers.open.insert(number);
        number
    }

    fn close(&self, number: u64) {
        self.lock().open.remove(&number);
    }

    pub fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    /// The numbers of those that are open now.
    pub fn open(&self) -> BTreeSet<u64> {
        self.lock().open.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().expect("no holder of this lock panics")
    }
}

/// The connection as its handlers see it.
#[derive(Clone)]
pub struct Peer {
    pub connection: u64,
    pub tls: bool,
    takeover: mpsc::Sender<Script>,
}

impl Peer {
    /// Takes the connection away from hyper, which then writes nothing more; the caller is dropped
    /// with it.
    pub async fn take_over(&self, script: Script) -> Response {
        // Sending fails only if the connection is gone, and with it whoever would wait for an
        // answer.
        let _ = self.takeover.send(script).await;
        std::future::pending().await
    }
}

/// Serves one connection to its end. Errors are the client's business: it sees them on its side.
pub async fn serve(tcp: TcpStream, tls: Option<Tls>, number: u64, router: Router) {
    // Without TCP_NODELAY a drip would arrive in lumps.
    let _ = tcp.set_nodelay(true);
    let is_tls = tls.is_some();
    let stream: Stream = match tls {
        None => Either::Left(tcp),
        Some(tls) => match tls.accept(tcp).await {
            Some(stream) => Either::Right(Box::new(stream)),
            None => return,
        },
    };
    let (takeover, mut taken) = mpsc::channel(1);
    let router = router.layer(Extension(Peer {
        connection: number,
        tls: is_tls,
        takeover,
    }));
    let service = TowerToHyperService::new(router);
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let script = tokio::select! {
        _ = &mut connection => return,
        script = taken.recv() => script,
    };
    if let Some(script) = script {
        let stream = connection.into_parts().io.into_inner();
        let _ = script.run(stream).await;
    }
}

/// Counts the connection of that number as closed when its task ends, however it ends.
pub struct Open<'a>(pub &'a Arc<crate::api::App>, pub u64);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections.close(self.1);
    }
}
