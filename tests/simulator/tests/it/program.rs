//! The program: its files, its output, its end.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::client::{agent, send, until};

#[test]
fn it_says_where_it_listens_and_ends_on_sigterm() {
    let folder = std::env::temp_dir().join(format!("neon_simulator-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (url_file, ca_file) = (folder.join("url"), folder.join("ca.pem"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_neon_simulator"))
        .args([
            "--tls",
            "--tls-fault",
            "self-signed",
            "--api-key",
            "k",
            "--project",
            "p-1",
            "--ca-file",
        ])
        .arg(&ca_file)
        .arg("--url-file")
        .arg(&url_file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("the URL is written", || url_file.exists());
    let urls = fs::read_to_string(&url_file).unwrap();
    let lines: Vec<&str> = urls.lines().collect();
    assert!(lines[0].starts_with("http://127.0.0.1:"));
    assert!(lines[1].starts_with("https://localhost:"));
    let ca = fs::read_to_string(&ca_file).unwrap();
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"));
    let path = "/projects/p-1/auth/domains";
    let answer = send(&agent(), lines[0], "GET", path, "k", Value::Null).unwrap();
    assert_eq!(answer.status, 200);

    let killed = Command::new("kill").arg(program.id().to_string()).status();
    assert!(killed.unwrap().success());
    assert!(program.wait().unwrap().success());
    let mut printed = String::new();
    program
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .unwrap();
    assert_eq!(printed, urls);
    fs::remove_dir_all(folder).unwrap();
}
