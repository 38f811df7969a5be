//! The phases of a call, each made to last, so that it can be interrupted there.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::support::{Database, variable};

/// A wait of a backend, made to last: the call to make, and what must stay open meanwhile.
pub struct Phase {
    pub name: &'static str,
    pub query: String,
    _open: Vec<Held>,
}

enum Held {
    Socket { _socket: Socket },
    Stream { _stream: TcpStream },
}

pub fn list(server: &str) -> String {
    format!("SELECT * FROM neon_auth_admin.list_domains('{server}')")
}

/// Two megabytes, more than the buffers between the two sides take.
fn send_much(server: &str) -> String {
    format!(
        "SELECT neon_auth_admin.delete_domains(
            array_fill('https://' || repeat('a', 2000), ARRAY[1000]), '{server}')"
    )
}

/// A server for each phase, and a healthy one. The phase has the name of its server.
pub fn phases(database: &Database) -> Vec<Phase> {
    let url = variable("NEON_SIMULATOR_URL");
    let patient = ", timeout '60s'";
    database.add_server("healthy", "test-interrupts", &url, "");
    database.add_server("answer", "fault-silent--interrupts", &url, patient);
    database.add_server("back_off", "fault-429-retry-30--interrupts", &url, patient);
    let at = |server, scheme, address| {
        let url = format!("{scheme}://{address}");
        database.add_server(server, "test-x", &url, patient);
    };
    let (address, full) = full_listener();
    at("connecting", "http", address);
    let (address, mute) = deaf_listener();
    at("handshake", "https", address);
    let (address, deaf) = deaf_listener();
    at("sending", "http", address);
    at("body", "http", dripping_server());

    let phase = |name, query: fn(&str) -> String, _open| Phase {
        name,
        query: query(name),
        _open,
    };
    vec![
        phase("connecting", list, full),
        phase("handshake", list, mute),
        phase("sending", send_much, deaf),
        phase("answer", list, vec![]),
        phase("body", list, vec![]),
        phase("back_off", list, vec![]),
    ]
}

fn listener(backlog: i32) -> (SocketAddr, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    // Inherited by what it accepts, and small: a sender soon has to wait.
    socket.set_recv_buffer_size(4096).expect("a small buffer");
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
