//! The simulator as a program: reads its arguments, says where it listens, and runs until SIGTERM
//! or SIGINT.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use neon_simulator::{IDS, Options, Simulator, TlsFault};
use tokio::signal::unix::{SignalKind, signal};

/// The Neon Auth management API on loopback
#[derive(Parser)]
#[command(version, after_help = IDS)]
struct Arguments {
    /// Where to serve plain HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve HTTPS too, on a free port
    #[arg(long)]
    tls: bool,
    /// What is wrong with HTTPS
    #[arg(long, value_name = "FAULT", requires = "tls")]
    tls_fault: Option<TlsFault>,
    /// A name besides localhost that the certificate is for; may be repeated
    #[arg(long = "tls-name", value_name = "NAME", requires = "tls")]
    tls_names: Vec<String>,
    /// Write the certificate of the CA there, as PEM
    #[arg(long, value_name = "PATH", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// Write the URLs there, one a line, when requests can be sent
    #[arg(long, value_name = "PATH")]
    url_file: Option<PathBuf>,
    /// An API key that is accepted; may be repeated
    #[arg(long = "api-key", value_name = "KEY", default_values_t = Options::default().api_keys)]
    api_keys: Vec<String>,
    /// A project that exists; may be repeated
    #[arg(long = "project", value_name = "ID")]
    projects: Vec<String>,
    /// Wait so long before every request is looked at
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Answer 429 beyond 700 requests a minute and bursts of 40, per route; or beyond so many times that
    #[arg(long, value_name = "TIMES", num_args = 0..=1, default_missing_value = "1")]
    rate_limit: Option<f64>,
    /// Write users into neon_auth.users_sync and neon_auth."user" of this database
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Write users so long after the request
    #[arg(long, value_name = "MS", default_value_t = 300)]
    sync_delay: u64,
    /// Write users before the request is answered, and answer it when that is done
    #[arg(long, requires = "database_url")]
    sync_first: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("neon_simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Caught before anybody can learn that the program runs.
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )
    };
    let simulator = Simulator::start(Options {
        listen: arguments.listen,
        tls: arguments.tls,
        tls_fault: arguments.tls_fault,
        tls_names: arguments.tls_names,
        api_keys: arguments.api_keys,
        projects: arguments.projects,
        latency: Duration::from_millis(arguments.latency),
        rate_limit: arguments.rate_limit,
        database_url: arguments.database_url,
        sync_delay: Duration::from_millis(arguments.sync_delay),
        sync_first: arguments.sync_first,
    })?;
    let urls: String = [Some(simulator.url()), simulator.https_url()]
        .into_iter()
        .flatten()
        .map(|url| format!("{url}\n"))
        .collect();
    io::stdout().write_all(urls.as_bytes())?;
    if let (Some(path), Some(pem)) = (&arguments.ca_file, simulator.ca_pem()) {
        write_atomically(path, pem)?;
    }
    // The last file, because scripts wait for it.
    if let Some(path) = &arguments.url_file {
        write_atomically(path, &urls)?;
    }
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    Ok(())
}

/// Whoever sees the file sees all of it.
fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(&unfinished, path)
}
