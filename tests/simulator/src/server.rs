//! The simulator's thread: listeners, accept loops, the users writer, and the end of all of them.

use std::io::{Error, Result};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::api::{self, App};
use crate::connections::{Connections, Open, serve};
use crate::database::{Event, Writer};
use crate::fault::Faults;
use crate::ledger::Ledger;
use crate::limit::RateLimit;
use crate::state::Projects;
use crate::tls::{self, Tls};
use crate::{Options, Simulator};

/// The thread; dropping it stops the runtime and with it every task.
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

pub fn start(options: Options) -> Result<Simulator> {
    let (plain, address) = bind(options.listen)?;
    let mut listeners = vec![(plain, None)];
    let (mut https_url, mut ca_pem) = (None, None);
    if options.tls {
        let identity = tls::make(options.tls_fault, options.tls_names)?;
        let (secure, address) = bind((options.listen.ip(), 0).into())?;
        https_url = Some(format!("https://localhost:{}/api/v2", address.port()));
        ca_pem = Some(identity.ca_pem);
        listeners.push((secure, Some(identity.tls)));
    }
    let (task, writer) = match &options.database_url {
        Some(url) => {
            let delay = match options.sync_first {
                true => Duration::ZERO,
                false => options.sync_delay,
            };
            let writer = Writer::new(url, delay).map_err(Error::other)?;
            let (sender, receiver) = mpsc::unbounded_channel();
            (Some((writer, receiver)), Some(sender))
        }
        None => (None, None),
    };
    let app = Arc::new(App {
        api_keys: options.api_keys,
        latency: options.latency,
        projects: Projects::new(options.projects),
        faults: Faults::default(),
        rate_limit: options.rate_limit.map(RateLimit::scaled),
        ledger: Ledger::default(),
        connections: Connections::default(),
        writer,
        writes_first: options.sync_first,
    });
    let server = spawn(app.clone(), listeners, task)?;
    Ok(Simulator {
        app,
        url: format!("http://{address}/api/v2"),
        https_url,
        ca_pem,
        _server: server,
    })
}

type Listeners = Vec<(StdListener, Option<Tls>)>;
type WriterTask = (Writer, mpsc::UnboundedReceiver<Event>);

/// Binds before the thread starts, so that the caller gets the error and the port.
fn bind(address: SocketAddr) -> Result<(StdListener, SocketAddr)> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn spawn(app: Arc<App>, listeners: Listeners, writer: Option<WriterTask>) -> Result<Server> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let (ready, is_ready) = std_mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("neon_simulator".to_owned())
        .spawn(move || run(&runtime, app, listeners, writer, &ready, stopped))?;
    let server = Server {
        stop: Some(stop),
        thread: Some(thread),
    };
    is_ready
        .recv()
        .map_err(|_| Error::other("the simulator's thread ended"))??;
    Ok(server)
}

fn run(
    runtime: &Runtime,
    app: Arc<App>,
    listeners: Listeners,
    writer: Option<WriterTask>,
    ready: &std_mpsc::Sender<Result<()>>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let prepared = prepare(&app, listeners, writer).await;
        let failed = prepared.is_err();
        // The caller waits for this and for nothing else.
        let _ = ready.send(prepared);
        if !failed {
            // Nothing is ever sent: the other end is dropped.
            let _ = stopped.await;
        }
    });
}

async fn prepare(app: &Arc<App>, listeners: Listeners, writer: Option<WriterTask>) -> Result<()> {
    if let Some((mut writer, events)) = writer {
        writer.prepare().await.map_err(Error::other)?;
        tokio::spawn(writer.run(events));
    }
    let router = api::router(app.clone());
    for (listener, tls) in listeners {
        let listener = TcpListener::from_std(listener)?;
        tokio::spawn(accept(listener, tls, app.clone(), router.clone()));
    }
    Ok(())
}

async fn accept(listener: TcpListener, tls: Option<Tls>, app: Arc<App>, router: Router) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // Out of descriptors: without a pause this would spin until one is free.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let number = app.connections.accept();
        let (app, tls, router) = (app.clone(), tls.clone(), router.clone());
        tokio::spawn(async move {
            let _open = Open(&app, number);
            serve(tcp, tls, number, router).await;
        });
    }
}
