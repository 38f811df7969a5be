//! Sessions that end, or time that ends, around the moment of an answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::backend::Backend;
use crate::support::{Database, connect, one, sqlstate};

/// How many requests have arrived, and how many answers are written.
#[derive(Clone, Default)]
struct Seen {
    arrived: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
}

/// The URL of a server that makes its answers, status and headers and a body, of the head of a request.
fn answering(
    answer: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static,
) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (seen, answer) = (Seen::default(), Arc::new(answer));
    let seen_here = seen.clone();
    // Ends with the process; each connection ends with its client.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, seen, answer) =
                (stream.expect("accepted"), seen_here.clone(), answer.clone());
            thread::spawn(move || {
                while let Some(head) = head_of_a_request(&mut stream) {
                    seen.arrived.fetch_add(1, Ordering::SeqCst);
                    let (status, body) = answer(&head);
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
                    // The other side may be gone.
                    let _ = stream.write_all((head + &body).as_bytes());
                    seen.answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (url, seen)
}

/// Small requests arrive at once.
fn head_of_a_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = [0; 8192];
    let length = stream
        .read(&mut request)
        .ok()
        .filter(|&length| length > 0)?;
    Some(String::from_utf8_lossy(&request[..length]).into_owned())
}

/// To make something of 16 MB takes a while, in which the session may be told to end.
#[test]
fn whenever_a_session_is_ended_its_write_has_an_answer_or_a_warning() {
    let body = format!("{{\"other\":\"{}\"}}", "x".repeat((16 << 20) - 20));
    let (url, seen) = answering(move |_| ("200 OK", body.clone()));
    let database = Database::new("it_ended");
    let options = ", branch_id 'br-a', timeout '60s'";
    database.add_server("neon", "test-ended", &url, options);
    let mut admin = connect("postgres", "postgres");
    let (mut ended, mut carried_out) = (0, 0);
    // How long an answer takes depends on the machine: tried until both have been seen.
    for n in (0..30).cycle().take(300) {
        if n == 0 && ended > 0 && carried_out > 0 {
            break;
        }
        let mut session = database.session_with("-c neon_auth_admin.max_response_size=16MB");
        let backend = Backend::of(&mut session);
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        let before = [&seen.arrived, &seen.answered].map(|of| count(of));
        let call = thread::spawn(move || {
            let update = "SELECT neon_auth_admin.update_magic_link(true)";
            session.query(update, &[]).is_ok()
        });
        // Another moment each time, from the beginning of the call and from the end of the answer in turn.
        let is_late = n % 2 == 1;
        while is_late && count(&seen.answered) == before[1] && !call.is_finished() {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(if is_late { 3 } else { 10 }) * n);
        one(
            &mut admin,
            &format!("SELECT pg_terminate_backend({})", backend.pid),
        );
        let is_answered = call.join().expect("no panic");
        backend.wait_until_gone();
        let log = backend.log().join("\n");
        if count(&seen.arrived) > before[0] && !is_answered {
            ended += 1;
            assert!(
                log.contains("WARNING:  request to update magic link plugin was"),
                "{n}: {log}"
            );
        }
        carried_out += usize::from(log.contains("was carried out before the interrupt"));
    }
    println!("{ended} writes ended, {carried_out} of them with an answer");
    assert!(ended > 0 && carried_out > 0);
}

/// The time is for the whole call: what a second request finds of it is what the first has left.
#[test]
fn two_requests_of_a_call_share_its_time() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let (url, _) = answering(move |head| {
        let verb = head.split(' ').next().map(str::to_owned);
        seen.lock().expect("no panic").push(verb);
        match head.starts_with("GET") {
            true => {
                thread::sleep(Duration::from_secs(5));
                ("200 OK", "{\"enabled\":true}".to_owned())
            }
            // What is left of the time is shorter than the wait that is asked for.
            false => (
                "423 Locked\r\nRetry-After: 6",
                "{\"message\":\"busy\"}".to_owned(),
            ),
        }
    });
    let database = Database::new("it_one_clock");
    let options = ", branch_id 'br-a', timeout '8s'";
    database.add_server("neon", "test-one-clock", &url, options);
    let mut session = database.session();
    let update = "SELECT neon_auth_admin.update_webhooks(timeout_seconds => 3)";
    let error = session.query(update, &[]).expect_err("busy");
    let (state, message) = (sqlstate(&error), error.to_string());
    assert_eq!(state.code(), "NA007", "{message}");
    let heads = heads.lock().expect("no panic").clone();
    assert_eq!(heads, ["GET", "PUT"].map(|verb| Some(verb.to_owned())));
}
