//! A token server on loopback.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use serde_json::json;

/// Call this function outside of valgrind. Otherwise valgrind also counts the instructions of the
/// server.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let body = json!({
        "access_token": "eyJhbGciOiJFUzI1NiJ9.".repeat(43)[..900],
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": "r".repeat(64),
        "scope": "/accounts.read /accounts.write",
    })
    .to_string();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut length, mut status) = (0, "");
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.starts_with("post ") {
                status = if line.starts_with("post /auth/token") { "201 Created" } else { "200 OK" };
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let response = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             date: Thu, 26 Nov 2026 20:00:00 GMT\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(response.as_bytes()).unwrap();
    }
}
