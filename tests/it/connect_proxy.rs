//! An HTTP CONNECT proxy for one connection.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Serves one connection with `answer`, and forwards what follows when that is a 200.
pub fn proxy(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let served = thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(client.try_clone().expect("a copy"));
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            reader.read_line(&mut request).expect("a CONNECT");
        }
        let mut to_client = client;
        to_client.write_all(answer.as_bytes()).expect("an answer");
        let target = request.split(' ').nth(1).expect("a target").to_owned();
        if answer.contains(" 200 ") {
            let to_server = TcpStream::connect(&target).expect("the target");
            let mut from_server = to_server.try_clone().expect("a copy");
            thread::spawn(move || copy(&mut from_server, &mut to_client));
            // Ends with the client; what was forwarded is counted by the simulator.
            let _ = copy(&mut reader, &mut &to_server);
        }
        request
    });
    (address, served)
}
