//! Calls through an HTTP CONNECT proxy, and past the one that the environment names.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::http::proxy::ProxySettings;
use neon_auth_admin::neon::http::{Http, Settings};
use neon_auth_admin::neon::{domains, users};

use crate::alone::is_alone;
use crate::connect_proxy::proxy;
use crate::support::{World, is_unsent, set_mode, settings, trusting_through, write_file};

fn without_credentials(address: SocketAddr) -> ProxySettings {
    ProxySettings {
        url: format!("http://{address}"),
        user: None,
        password_file: None,
    }
}

fn through(proxy: ProxySettings) -> World {
    let mut world = World::with_tls();
    world.http = trusting_through(&world.simulator, Some(proxy));
    world
}

#[test]
fn a_proxy_forwards() {
    let (address, served) = proxy("HTTP/1.1 200 OK\r\n\r\n");
    let world = through(without_credentials(address));
    world.send(domains::list).expect("listed");
    assert_eq!(world.arrived().len(), 1);
    drop(world);
    let connect = served.join().expect("served");
    assert!(connect.starts_with("CONNECT localhost:"), "{connect}");
    assert!(!connect.contains("napi_"), "the proxy sees no key");
    let header = connect.to_lowercase();
    assert!(!header.contains("proxy-authorization"), "{connect}");
}

#[test]
fn a_proxy_that_refuses_leaves_nothing_sent() {
    let (address, served) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let mut world = through(without_credentials(address));
    world.connection.max_attempts = 1;
    let error = world
        .send(|target| users::create(target, "ada@example.com", None))
        .map(drop)
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
    let detail = error.detail.expect("a detail");
    assert!(is_unsent(&detail, "proxy server responded 407"), "{detail}");
    assert_eq!(world.arrived().len(), 0);
    served.join().expect("served");

    // Gone, so that nobody listens where it was.
    let error = world.create_user().expect_err("no proxy");
    let detail = error.detail.expect("a detail");
    let why = "on the way through the proxy, connection refused";
    assert!(is_unsent(&detail, why), "{detail}");
}

/// It would read the key.
#[test]
fn plain_http_does_not_reach_a_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket option");
    let address = listener.local_addr().expect("bound");
    let mut world = World::new();
    world.http = trusting_through(&world.simulator, Some(without_credentials(address)));
    let error = world.create_user().expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
    let detail = error.detail.expect("a detail");
    let why = "plain http would show the API key to the proxy";
    assert!(is_unsent(&detail, why), "{detail}");
    let arrived = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(arrived, Err(io::ErrorKind::WouldBlock), "at the proxy");
    assert_eq!(world.arrived().len(), 0);

    // Before that, a server's URL is looked at.
    let url = world.connection.api_url.clone();
    let error = url.through_proxy().expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Forbidden);
    let url = World::with_tls().connection.api_url.clone();
    assert_eq!(url.clone().through_proxy().expect("https"), url);
}

#[test]
fn a_proxy_is_told_name_and_password() {
    for (first_line, expected) in [
        // printf 'ada:p@ss:w%41rd #é' | base64
        ("p@ss:w%41rd #é\n", "YWRhOnBAc3M6dyU0MXJkICPDqQ=="),
        ("p@ss:w%41rd #é", "YWRhOnBAc3M6dyU0MXJkICPDqQ=="),
        (
            "p@ss:w%41rd #é\r\nsecond line\n\u{1}",
            "YWRhOnBAc3M6dyU0MXJkICPDqQ==",
        ),
    ] {
        let file = write_file(first_line);
        let (address, served) = proxy("HTTP/1.1 200 OK\r\n\r\n");
        let world = through(ProxySettings {
            user: Some("ada".into()),
            password_file: Some(file.clone()),
            ..without_credentials(address)
        });
        fs::remove_file(file).expect("our own file");
        world.send(domains::list).expect("listed");
        assert_eq!(world.arrived().len(), 1);
        drop(world);
        let connect = served.join().expect("served");
        let header = format!("Proxy-Authorization: Basic {expected}\r\n");
        assert!(connect.contains(&header), "{connect}");
    }
}

/// Why there is no agent with such a proxy. The password must not be in it.
#[track_caller]
fn refused(proxy: ProxySettings) -> String {
    let settings = Settings {
        proxy: Some(proxy),
        ..settings()
    };
    let error = Http::blocking(&settings).err().expect("no proxy");
    assert_eq!(error.kind, ErrorKind::NotConfigured, "{error:?}");
    assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
    let detail = error.detail.expect("a detail");
    format!("{}: {detail}", error.message)
}

const PASSWORD: &str = "s3cret";

#[test]
fn a_proxy_is_a_url_without_a_password() {
    let url = |url: &str| ProxySettings {
        url: url.into(),
        user: None,
        password_file: None,
    };
    for with_user_info in [
        "http://ada:s3cret@proxy.example:3128",
        "http://s3cret@proxy.example",
        "http://@proxy.example",
        "ada:s3cret@proxy.example:3128",
        "socks5://ada:s3cret@proxy.example",
        "http://proxy.example/@s3cret",
    ] {
        let why = refused(url(with_user_info));
        let expected = "neon_auth_admin.proxy must not have a user name or a password in it";
        assert!(why.starts_with(expected), "{with_user_info}: {why}");
    }
    for no_proxy in [
        "::",
        "",
        "proxy.example:3128",
        "//proxy.example:3128",
        // ureq knows these, and would connect past most of them.
        "https://proxy.example",
        "socks4://proxy.example",
        "socks5://proxy.example",
        "socks5h://proxy.example",
        "HTTP://proxy.example",
        "http://",
        "http://proxy.example:0",
        "http://proxy.example:s3cret",
        "http://proxy.example/s3cret",
        "http://proxy.example?s3cret",
        "http://proxy.example#s3cret",
        "http://proxy.example\r\ns3cret",
        "http://ada%3as3cret%40proxy.example",
    ] {
        let why = refused(url(no_proxy));
        let expected = "neon_auth_admin.proxy is not a proxy URL";
        assert!(why.starts_with(expected), "{no_proxy}: {why}");
    }
    for proxy in [
        "http://proxy.example",
        "http://proxy.example:3128/",
        "http://127.0.0.1:3128",
        "http://[::1]:3128",
    ] {
        let settings = Settings {
            proxy: Some(url(proxy)),
            ..settings()
        };
        Http::blocking(&settings).expect(proxy);
    }
}

#[test]
fn a_name_and_a_password_for_a_proxy() {
    let with = |user: Option<&str>, password_file: Option<PathBuf>| ProxySettings {
        url: "http://proxy.example:3128".into(),
        user: user.map(str::to_owned),
        password_file,
    };
    let good = write_file(PASSWORD);
    for half in [with(Some("ada"), None), with(None, Some(good.clone()))] {
        assert!(refused(half).contains("belong together"));
    }
    let long = "a".repeat(1025);
    for user in ["", "a:b", "a\r\nProxy-Evil: 1", "a\0b", &long] {
        let why = refused(with(Some(user), Some(good.clone())));
        assert!(why.contains("proxy_user"), "{user:?}: {why}");
    }

    for mode in [0o644, 0o604, 0o660, 0o601] {
        set_mode(&good, mode);
        let why = refused(with(Some("ada"), Some(good.clone())));
        assert!(why.contains("permissions must be"), "{mode:o}: {why}");
    }
    for mode in [0o400, 0o600, 0o640] {
        set_mode(&good, mode);
        let settings = Settings {
            proxy: Some(with(Some("ada"), Some(good.clone()))),
            ..settings()
        };
        Http::blocking(&settings).expect("permissions as for a private key");
    }
    fs::remove_file(&good).expect("our own file");
    for (file, expected) in [
        (good.as_path(), "no such file or directory"),
        (Path::new("/tmp"), "it is not a file"),
        // Opening one would wait for whoever writes.
        (Path::new("/dev/null"), "it is not a file"),
    ] {
        let why = refused(with(Some("ada"), Some(file.into())));
        assert!(why.contains(expected), "{}: {why}", file.display());
    }
    for (content, expected) in [
        (Vec::new(), "first line is empty"),
        (b"\ns3cret".to_vec(), "first line is empty"),
        (b"\r\ns3cret".to_vec(), "first line is empty"),
        (b"s3cret\x00\n".to_vec(), "first line must be text"),
        (b"s3cret\x1b[0m".to_vec(), "first line must be text"),
        (b"s3cret\xff\n".to_vec(), "first line must be text"),
        (b"s3cret\rs3cret\n".to_vec(), "first line must be text"),
        (PASSWORD.repeat(200).into_bytes(), "first line must be text"),
        (vec![b's'; 1 << 20], "first line must be text"),
    ] {
        let file = write_file(content);
        let why = refused(with(Some("ada"), Some(file.clone())));
        fs::remove_file(file).expect("our own file");
        assert!(why.contains(expected), "{why}");
    }
}

/// All the names under which programs look for a proxy.
const VARIABLES: [&str; 6] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
];

#[test]
fn proxies_of_the_environment_are_ignored() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let variables = VARIABLES.map(|name| (name, url.clone()));
    if is_alone("proxy::proxies_of_the_environment_are_ignored", &variables) {
        for world in [World::new(), World::with_tls()] {
            world.send(domains::list).expect("listed");
            assert_eq!(world.arrived().len(), 1);
        }
        // ureq's own default, to show that the variables are such as can be followed.
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(2)))
            .build();
        let followed = config.new_agent().get("http://127.0.0.1:9/").call();
        followed.expect_err("no answer");
        return;
    }
    listener.set_nonblocking(true).expect("a socket option");
    listener.accept().expect("ureq's own default came here");
    let other = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(other, Err(io::ErrorKind::WouldBlock), "nobody else came");
}

#[test]
fn exceptions_of_the_environment_are_ignored() {
    let variables = ["NO_PROXY", "no_proxy"].map(|name| (name, "*".to_owned()));
    if is_alone(
        "proxy::exceptions_of_the_environment_are_ignored",
        &variables,
    ) {
        let (address, served) = proxy("HTTP/1.1 200 OK\r\n\r\n");
        let world = through(without_credentials(address));
        world.send(domains::list).expect("listed");
        drop(world);
        served.join().expect("served");
    }
}
