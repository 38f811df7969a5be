//! The phases of a call, each made to last, so that it can be interrupted there.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::hanging_name::HangingName;
use crate::support::{Database, variable};

/// A wait of a backend, made to last: the call to make, and what must stay open meanwhile.
pub struct Phase {
    pub query: String,
    /// How `pg_stat_activity` calls the wait (17 and later).
    pub event: &'static str,
    /// The threads and descriptors that an interrupt leaves until the phase ends by itself.
    pub left_over: (usize, usize),
    _open: Vec<Held>,
}

enum Held {
    Socket { _socket: Socket },
    Stream { _stream: TcpStream },
    Name { _name: HangingName },
}

pub fn list(server: &str) -> String {
    format!("SELECT * FROM neon_auth_admin.list_domains('{server}')")
}

/// 400 kB, more than the buffers between the two sides take.
fn send_much(server: &str) -> String {
    format!(
        "SELECT neon_auth_admin.set_user_roles(
            'u-1', array_fill(repeat('a', 2000), ARRAY[200]), '{server}')"
    )
}

/// A phase of calls to the server `neon`, which is made here.
fn phase(
    database: &Database,
    project: &str,
    url: &str,
    event: &'static str,
    open: Vec<Held>,
) -> Phase {
    database.add_server(
        "neon",
        project,
        url,
        ", timeout '60s', branch_id 'br-main-000001'",
    );
    Phase {
        query: list("neon"),
        event,
        left_over: (0, 0),
        _open: open,
    }
}

/// The thread that looks the name up cannot be interrupted; it and the backend have a pipe.
pub fn resolving(database: &Database) -> Phase {
    let name = HangingName::new();
    let url = name.url();
    let open = vec![Held::Name { _name: name }];
    Phase {
        left_over: (1, 2),
        ..phase(database, "test-x", &url, "NeonAuthAdminResolve", open)
    }
}

pub fn connecting(database: &Database) -> Phase {
    let (address, full) = full_listener();
    let url = format!("http://{address}");
    phase(database, "test-x", &url, "NeonAuthAdminConnect", full)
}

pub fn handshake(database: &Database) -> Phase {
    let (address, mute) = deaf_listener();
    let url = format!("https://{address}");
    phase(database, "test-x", &url, "NeonAuthAdminReceive", mute)
}

pub fn sending(database: &Database) -> Phase {
    let (address, deaf) = deaf_listener();
    let url = format!("http://{address}");
    Phase {
        query: send_much("neon"),
        ..phase(database, "test-x", &url, "NeonAuthAdminSend", deaf)
    }
}

pub fn answer(database: &Database) -> Phase {
    let (project, url) = ("fault-silent--phase", variable("NEON_SIMULATOR_URL"));
    phase(database, project, &url, "NeonAuthAdminReceive", vec![])
}

pub fn body(database: &Database) -> Phase {
    let url = format!("http://{}", dripping_server());
    phase(database, "test-x", &url, "NeonAuthAdminReceive", vec![])
}

pub fn back_off(database: &Database) -> Phase {
    let (project, url) = ("fault-429-retry-30--phase", variable("NEON_SIMULATOR_URL"));
    phase(database, project, &url, "NeonAuthAdminBackOff", vec![])
}

fn listener(backlog: i32) -> (SocketAddr, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    // Inherited by what it accepts, and small: a sender soon has to wait. So that its own buffer is
    // not large either, on loopback megabytes, its packets are small, too.
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.set_tcp_mss(536).expect("small packets");
    socket.bind(&any.into()).expect("a free port");
    socket.listen(backlog).expect("a listener");
    let address = socket
        .local_addr()
        .expect("bound")
        .as_socket()
        .expect("an IP socket");
    (address, socket)
}

/// A listener whose queue is full: the kernel drops further attempts, which then wait.
fn full_listener() -> (SocketAddr, Vec<Held>) {
    let (address, socket) = listener(0);
    let mut held = vec![Held::Socket { _socket: socket }];
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        held.push(Held::Stream { _stream: stream });
    }
    (address, held)
}

/// The kernel accepts connections for it; nobody ever reads from them or answers.
fn deaf_listener() -> (SocketAddr, Vec<Held>) {
    let (address, socket) = listener(128);
    (address, vec![Held::Socket { _socket: socket }])
}

/// Answers at once, with a body of one byte each 100 ms.
fn dripping_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    // Ends with the process; each connection ends with its client.
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || drip(stream?));
        }
    });
    address
}

fn drip(mut stream: TcpStream) -> io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n")?;
    for _ in 0..600 {
        stream.write_all(b" ")?;
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
