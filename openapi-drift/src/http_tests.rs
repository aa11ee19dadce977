//! Tests `regen --fetch` with local servers that return valid, broken, slow and endless responses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::fixture::{self, DOCUMENT, SOURCE, files, put, workspace};
use crate::{Input, Outcome, Output, Request, run};

const MAX_SECONDS: u64 = 20;

type Respond = Box<dyn Fn(&mut TcpStream) + Send>;

fn serving(seconds: u64, responses: Vec<Respond>) -> (TempDir, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/openapi.yaml", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for response in responses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut some = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                let count = stream.read(&mut some).unwrap();
                assert_ne!(count, 0, "the request is incomplete");
                request.extend_from_slice(&some[..count]);
            }
            sender.send(String::from_utf8(request).unwrap().to_ascii_lowercase()).unwrap();
            response(&mut stream);
        }
    });
    let root = workspace();
    let source = SOURCE.replace("https://library.example/openapi.yaml", &url);
    put(root.path(), "specs/library/source.toml", &format!("timeout = {seconds}\n{source}"));
    (root, requests)
}

fn says(response: String) -> Respond {
    Box::new(move |to| drop(to.write_all(response.as_bytes())))
}

fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

fn fetch(root: &Path) -> Output {
    run(root, &Request { vendor: Some("library".into()), input: Input::Recorded, ..Request::default() })
}

fn refusal(response: Respond) -> String {
    refusal_within(MAX_SECONDS, response)
}

fn refusal_within(seconds: u64, response: Respond) -> String {
    let (root, requests) = serving(seconds, vec![response]);
    let before = files(root.path());
    let response = fetch(root.path());
    assert_eq!(response.outcome, Outcome::Failed, "{}", response.err);
    assert_eq!(files(root.path()), before);
    requests.recv().unwrap();
    let (url, message) = response.err.split_once("/openapi.yaml: ").unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    message.replace("\nno file was written\n", "")
}

#[test]
fn unmodified_document_is_not_downloaded_again() {
    let marks = "ETag: \"a\"\r\nLast-Modified: Tue, 01 Jan 2030 10:00:00 GMT\r\n";
    let unmodified = "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n";
    let (root, requests) = serving(MAX_SECONDS, vec![says(ok(marks, DOCUMENT)), says(unmodified.to_owned())]);

    let response = fetch(root.path());
    assert_ne!(response.outcome, Outcome::Failed, "{}", response.err);
    let asked = requests.recv().unwrap();
    assert!(asked.starts_with("get /openapi.yaml http/1.1\r\n") && !asked.contains("if-"), "{asked}");
    let source = crate::files::read(root.path(), "specs/library/source.toml").unwrap();
    for line in
        ["date = \"2030-01-01\"", "etag = '\"a\"'", "last_modified = \"Tue, 01 Jan 2030 10:00:00 GMT\""]
    {
        assert!(source.contains(line), "{source}");
    }

    let before = files(root.path());
    let response = fetch(root.path());
    assert_ne!(response.outcome, Outcome::Failed, "{}", response.err);
    let asked = requests.recv().unwrap();
    assert!(asked.contains("if-none-match: \"a\"\r\n"), "{asked}");
    assert!(asked.contains("if-modified-since: tue, 01 jan 2030 10:00:00 gmt\r\n"), "{asked}");
    let message = response.err.split_once("not modified since").unwrap().1;
    assert!(message.contains("library: up to date with"), "{}", response.err);
    assert_eq!(files(root.path()), before);
}

#[test]
fn document_is_downloaded_again_if_an_operation_is_added() {
    let marked = || says(ok("ETag: \"a\"\r\n", DOCUMENT));
    let (root, requests) = serving(MAX_SECONDS, vec![marked(), marked()]);
    assert_ne!(fetch(root.path()).outcome, Outcome::Failed);
    requests.recv().unwrap();
    let name = "specs/library/source.toml";
    let source = crate::files::read(root.path(), name).unwrap();
    let books = "\n[[operation]]\nid = \"listBooks\"\nmethod = \"get\"\npath = \"/books\"\n";
    put(root.path(), name, &(source + books));
    let response = fetch(root.path());
    assert_ne!(response.outcome, Outcome::Failed, "{}", response.err);
    assert!(!requests.recv().unwrap().contains("if-none-match"));
    assert!(response.out.contains("GET /books was added"), "{}", response.out);
}

#[test]
fn redirects_are_limited_and_not_followed_to_remote_http() {
    let redirect = |to: &str| {
        says(format!(
            "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {to}\r\n\r\n"
        ))
    };
    let (root, requests) = serving(MAX_SECONDS, vec![redirect("/moved.yaml"), says(ok("", DOCUMENT))]);
    let response = fetch(root.path());
    assert_ne!(response.outcome, Outcome::Failed, "{}", response.err);
    assert!(requests.iter().nth(1).unwrap().starts_with("get /moved.yaml "));

    let message = refusal(redirect("http://library.example/a"));
    assert_eq!(message, "redirects to http://library.example/a, which is not https");
    assert_eq!(refusal(redirect("")), "redirects to , which is not a URL");
    let (root, _requests) = serving(MAX_SECONDS, (0..9).map(|_| redirect("/openapi.yaml")).collect());
    let response = fetch(root.path());
    assert!(response.err.contains(": more than 5 redirects"), "{}", response.err);
}

#[test]
fn response_without_a_document_is_rejected() {
    for (response, expected) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "the server returned 404 Not Found",
        ),
        ("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(), "the server returned 304 Not Modified"),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), "the server returned 204 No Content"),
        (ok("Content-Type: text/html; charset=utf-8\r\n", "<p>Log in"), "a web page (text/html"),
        (ok("", "<p>Log in"), "not a YAML or JSON object"),
        (ok("", ""), "not a YAML or JSON object"),
        (ok("", "{\"openapi\": \"3.0.0\""), "EOF while parsing an object"),
        ("SSH-2.0-OpenSSH_9.9\r\n".to_owned(), ""),
        (String::new(), ""),
    ] {
        let message = refusal(says(response));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn truncated_document_is_rejected() {
    let short = ok("", DOCUMENT).replace("Content-Length: ", "Content-Length: 9");
    let message = refusal(says(short));
    insta::assert_snapshot!(message, @"cannot read the response: io: Peer disconnected");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{DOCUMENT}\r\n",
        DOCUMENT.len()
    );
    insta::assert_snapshot!(refusal(says(chunked)), @"cannot read the response: io: Peer disconnected");
}

#[test]
fn document_over_the_limit_is_not_read_completely() {
    let message = refusal(says("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n".to_owned()));
    assert_eq!(message, "more than 16777216 bytes");
    let (sender, sent) = channel();
    let endless = move |to: &mut TcpStream| {
        let start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let mut count = 0;
        if to.write_all(start.as_bytes()).is_ok() {
            while count < 1600 && to.write_all(chunk.as_bytes()).is_ok() {
                count += 1;
            }
        }
        sender.send(count).unwrap();
    };
    assert_eq!(refusal(Box::new(endless)), "more than 16777216 bytes");
    assert!(sent.recv().unwrap() < 1600);
}

#[test]
fn slow_server_causes_a_timeout() {
    let silent = |_: &mut TcpStream| thread::sleep(Duration::from_secs(3));
    let message = refusal_within(1, Box::new(silent));
    assert_eq!(message, "timed out; increase `timeout` (seconds) in source.toml");
    let slow = |to: &mut TcpStream| {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".bytes();
        for byte in start.chain([b' '; 60]) {
            thread::sleep(Duration::from_millis(if byte == b' ' { 100 } else { 0 }));
            if to.write_all(&[byte]).is_err() {
                break;
            }
        }
    };
    assert_eq!(refusal_within(1, Box::new(slow)), message);
}

#[test]
fn old_document_is_reported_as_possibly_abandoned() {
    let root = workspace();
    put(root.path(), "2020-01-01.yaml", DOCUMENT);
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(crate::fetch::Origin::File(root.path().join("2020-01-01.yaml"))),
        ..Request::default()
    };
    for request in [request, Request::default()] {
        let response = run(root.path(), &request);
        assert_ne!(response.outcome, Outcome::Failed, "{}", response.err);
        assert!(response.err.contains(" days old (2020-01-01)"), "{}", response.err);
        assert!(response.err.contains("update `url` in specs/library/source.toml"), "{}", response.err);
    }
    assert!(fixture::files(root.path()).iter().any(|(_, text)| text.contains("date = \"2020-01-01\"")));
}
