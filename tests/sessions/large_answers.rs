//! Answers of 16 MB: what they are made into takes no more memory than the README says.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use postgres::error::SqlState;

use crate::backend::Backend;
use crate::support::{Database, Statements, sqlstate};

/// The largest `neon_auth_admin.max_response_size`.
pub const LARGEST: usize = 16 << 20;
/// In KiB, as the README says.
const MOST: usize = 200 << 10;

/// The URL of a server that answers every request with this body.
pub fn answering(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let body = Arc::new(body);
    // Ends with the process; each connection ends with its client.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let body = body.clone();
            thread::spawn(move || answer(stream?, &body));
        }
    });
    url
}

fn answer(mut stream: TcpStream, body: &str) -> io::Result<()> {
    while stream.read(&mut [0; 4096])? > 0 {
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
    }
    Ok(())
}

/// An answer of `get_plugins` with that in a list, up to that many bytes.
pub fn plugins(item: &str, size: usize) -> String {
    let around = r#"{"organization":[]}"#.len();
    let items = (size - around + 1) / (item.len() + 1);
    let items = vec![item; items].join(",");
    format!(r#"{{"organization":[{items}]}}"#)
}

#[test]
fn what_is_made_of_large_answers_is_limited() {
    let database = Database::new("it_large_answers");
    let long = format!("\"{}\"", "x".repeat(LARGEST - 30));
    // The size of the answer, and whether it is taken; in 800 kB and 600 kB there are 100,000 values.
    let cases = [
        (long.as_str(), LARGEST, true),
        ("\"a rather short text\"", 2 << 20, true),
        ("{\"a\":1}", LARGEST, false),
        ("{\"a\":1}", 390_000, true),
        ("[]", LARGEST, false),
        ("[]", 148_000, true),
        (&("[".repeat(99) + &"]".repeat(99)), LARGEST, false),
        (&("[".repeat(99) + &"]".repeat(99)), 195_000, true),
        (r#"{"token":["x","y"]}"#, 490_000, true),
        (&format!("{{\"a\":\"{}\"}}", "x".repeat(330)), LARGEST, true),
        (
            &format!("{{\"token\":\"{}\"}}", "\\n".repeat(165)),
            LARGEST,
            true,
        ),
    ];
    for (n, (item, size, is_taken)) in cases.into_iter().enumerate() {
        let server = format!("server{n}");
        let url = answering(plugins(item, size));
        let options = ", branch_id 'br-main-000001', timeout '60s'";
        database.add_server(&server, "test-large", &url, options);
        let mut session = database.session();
        session.run("SET neon_auth_admin.max_response_size = '16MB'");
        let backend = Backend::of(&mut session);
        let before = backend.peak();
        let query = format!(
            "SELECT organization IS NULL FROM neon_auth_admin.get_plugins(server => '{server}')"
        );
        let result = session.query(&query, &[]);
        let growth = backend.growth_of_peak(before);
        let shown = &item[..item.len().min(20)];
        println!("{size} bytes of {shown}: {growth} KiB");
        assert_eq!(result.is_ok(), is_taken, "{shown}: {result:?}");
        if let Err(error) = result {
            assert_eq!(sqlstate(&error), SqlState::from_code("NA004"));
            let error = error.as_db_error().expect("of the server");
            let message = error.message();
            assert!(message.ends_with("the answer is too large"), "{message}");
        }
        assert!(growth < MOST, "{size} bytes of {shown}: {growth} KiB");
    }
}
