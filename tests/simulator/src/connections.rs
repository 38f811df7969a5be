//! One TCP connection: hyper's until a handler takes it over for a raw script. It knows nothing of
//! the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// How many connections there have been and are.
#[derive(Default)]
pub struct Connections {
    pub accepted: AtomicU64,
    pub open: AtomicU64,
}

impl Connections {
    /// Counts a connection and gives it its number.
    pub fn accept(&self) -> u64 {
        self.open.fetch_add(1, Ordering::SeqCst);
        self.accepted.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn close(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
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

/// Counts the connection as closed when its task ends, however it ends.
pub struct Open<'a>(pub &'a Arc<crate::api::App>);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections.close();
    }
}
