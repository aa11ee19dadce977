//! Sends raw responses of every kind to every operation and compares each result with the expected
//! result.

use std::{
    fmt::Debug,
    time::{Duration, SystemTime},
};

use fintech_auth::{Error, ErrorKind, ManualClock, Secret, token::TokenOptions};

use crate::{
    raw_server::{Clients, End, RawServer, Script, raw},
    support::{Log, plain, scopes},
};

/// All secrets, tokens, bodies and headers contain this text. The client must never show this text.
const MARK: &str = "MARK0123456789";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    MoneykitToken,
    Introspect,
    Jwks,
    MoovToken,
    Revoke,
}

use Operation::{Introspect, Jwks, MoneykitToken, MoovToken, Revoke};

const ALL: [Operation; 5] = [MoneykitToken, Introspect, Jwks, MoovToken, Revoke];

impl Operation {
    fn body(self, members: &str) -> String {
        match self {
            MoneykitToken | MoovToken => format!(r#"{{"access_token":"{MARK}"{members}}}"#),
            Introspect => format!(r#"{{"client_id":"{MARK}"{members}}}"#),
            Jwks => format!(r#"{{"keys":[]{members}}}"#),
            Revoke => String::new(),
        }
    }

    async fn call(self, clients: &Clients) -> Result<String, Error> {
        let token = Secret::from(MARK);
        fn debug(value: impl Debug) -> String {
            format!("{value:?} {value:#?}")
        }
        match self {
            Introspect => clients.moneykit.introspect(&token).await.map(|_| String::new()),
            MoneykitToken => clients.moneykit.create_access_token(&[]).await.map(debug),
            Jwks => clients.moneykit.jwks().await.map(debug),
            MoovToken => clients.moov.create_access_token(&scopes(&["/ping.read"])).await.map(debug),
            Revoke => clients.moov.revoke(&token, None).await.map(debug),
        }
    }
}

type Outcome = Option<ErrorKind>;

const GOOD: Outcome = None;
const BROKEN: Outcome = Some(ErrorKind::Unavailable);
const INVALID: Outcome = Some(ErrorKind::InvalidResponse);

struct Matrix {
    server: RawServer,
    clients: Clients,
    clock: ManualClock,
    log: Log,
    rows: usize,
    wrong: Vec<String>,
}

impl Matrix {
    async fn new(timeout: Duration) -> Self {
        let server = RawServer::start().await;
        let clock = ManualClock::new(SystemTime::now());
        let tokens = |tokens: TokenOptions| plain(tokens).with_clock(clock.clone());
        let clients = server.clients_with(MARK, timeout, tokens);
        Self { server, clients, clock, log: Log::default(), rows: 0, wrong: Vec::new() }
    }

    async fn row(
        &mut self,
        name: impl AsRef<str>,
        script: impl Fn(Operation) -> Script,
        expected: impl Fn(Operation) -> Outcome,
    ) {
        let name = name.as_ref();
        for operation in ALL {
            let before = self.log.text().len();
            let guard = self.log.start();
            self.server.respond(script(operation));
            let outcome = operation.call(&self.clients).await;
            drop(guard);
            let shown = match &outcome {
                Ok(shown) => shown.clone(),
                Err(error) => chain(error),
            } + &self.log.text()[before..];
            let kind = outcome.err().map(|error| error.kind());
            if kind != expected(operation) {
                let expected = expected(operation);
                self.wrong.push(format!("{name}, {operation:?}: {kind:?} and not {expected:?}"));
            }
            if shown.contains(MARK) {
                self.wrong.push(format!("{name}, {operation:?} shows the response: {shown}"));
            }
            self.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
            self.server.respond(raw(200, "", operation.body("")));
            let mut recovery = operation.call(&self.clients).await;
            // On a busy machine, even a valid response may exceed the short timeout. So the call is
            // repeated if it times out.
            for _ in 0..10 {
                if recovery.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout) {
                    recovery = operation.call(&self.clients).await;
                }
            }
            if let Err(error) = recovery {
                self.wrong.push(format!("{name}, {operation:?} does not recover: {error:?}"));
            }
            self.rows += 1;
        }
    }

    async fn body(&mut self, name: &str, body: impl Fn(Operation) -> Vec<u8>, expected: Outcome) {
        let expected = |operation| if operation == Revoke { GOOD } else { expected };
        self.row(name, |operation| raw(200, "", body(operation)), expected).await;
    }

    #[track_caller]
    fn check(self, at_least: usize) {
        assert!(
            self.wrong.is_empty(),
            "{} combinations are wrong:\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
        assert!(self.rows >= at_least, "only {} combinations were checked", self.rows);
    }
}

fn chain(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(" {error} {error:?} {error:#?}");
        source = error.source();
    }
    text
}

async fn quick() -> Matrix {
    Matrix::new(Duration::from_secs(30)).await
}

fn bytes(bytes: impl Into<Vec<u8>>, end: End) -> Script {
    Script { bytes: bytes.into(), drip: None, end }
}

#[tokio::test]
async fn each_status_of_the_vendor_or_a_proxy_has_the_expected_outcome() {
    use ErrorKind::{InvalidRequest, InvalidResponse, RateLimited, Unauthorized, Unavailable};

    let mut matrix = quick().await;
    let own = format!(r#"{{"error":"invalid_request","error_description":"{MARK}"}}"#);
    let page = format!("<html><h1>{MARK}</h1></html>");
    let text = format!("error code: 1010 {MARK}");
    let problem = format!(r#"{{"type":"about:blank","title":"{MARK}","status":1,"detail":"{MARK}"}}"#);
    for (status, empty, vendor, front) in [
        (300, InvalidResponse, InvalidResponse, InvalidResponse),
        (302, InvalidResponse, InvalidResponse, InvalidResponse),
        (307, InvalidResponse, InvalidResponse, InvalidResponse),
        (400, InvalidRequest, InvalidRequest, Unavailable),
        (401, Unauthorized, Unauthorized, Unavailable),
        (402, InvalidRequest, InvalidRequest, Unavailable),
        (403, Unauthorized, InvalidRequest, Unavailable),
        (404, InvalidRequest, InvalidRequest, Unavailable),
        (405, InvalidRequest, InvalidRequest, Unavailable),
        (407, InvalidRequest, InvalidRequest, Unavailable),
        (408, Unavailable, Unavailable, Unavailable),
        (409, InvalidRequest, InvalidRequest, Unavailable),
        (413, InvalidRequest, InvalidRequest, Unavailable),
        (415, InvalidRequest, InvalidRequest, Unavailable),
        (422, InvalidRequest, InvalidRequest, Unavailable),
        (425, Unavailable, Unavailable, Unavailable),
        (429, RateLimited, RateLimited, RateLimited),
        (431, InvalidRequest, InvalidRequest, Unavailable),
        (451, InvalidRequest, InvalidRequest, Unavailable),
        (500, Unavailable, Unavailable, Unavailable),
        (502, Unavailable, Unavailable, Unavailable),
        (503, Unavailable, Unavailable, Unavailable),
        (504, Unavailable, Unavailable, Unavailable),
        (520, Unavailable, Unavailable, Unavailable),
        (525, Unavailable, Unavailable, Unavailable),
        (599, Unavailable, Unavailable, Unavailable),
        (999, Unavailable, Unavailable, Unavailable),
    ] {
        for (body, kind) in [("", empty), (&own, vendor), (&page, front), (&text, front), (&problem, front)] {
            let headers = format!("location: http://127.0.0.1:1/{MARK}\r\nx-request-id: {MARK}.{MARK}\r\n");
            matrix.row(format!("{status} {body}"), |_| raw(status, &headers, body), |_| Some(kind)).await;
        }
    }
    matrix.check(600);
}

#[tokio::test]
async fn each_framing_fault_has_the_expected_outcome() {
    let mut matrix = quick().await;
    let good = |operation: Operation| operation.body("");
    let chunked = |operation: Operation, size: &str, end: &str| {
        let body = good(operation) + " ";
        let size = size.replace('N', &format!("{:x}", body.len()));
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{size}\r\n{body}{end}")
    };
    for (name, size, end, expected) in [
        ("chunked", "N", "\r\n0\r\n\r\n", GOOD),
        ("chunk extension", "N;a=b", "\r\n0\r\n\r\n", GOOD),
        ("trailer", "N", "\r\n0\r\nx-a: b\r\n\r\n", GOOD),
        ("no last chunk", "N", "\r\n", BROKEN),
        ("no end of chunk", "N", "", BROKEN),
        ("chunk size is no number", "xyz", "\r\n0\r\n\r\n", BROKEN),
        ("chunk size is too large", "fffffffffffffffff", "\r\n0\r\n\r\n", BROKEN),
        ("chunk size is negative", "-1", "\r\n0\r\n\r\n", BROKEN),
        ("next chunk size is no number", "N", "\r\nxyz\r\n\r\n", BROKEN),
    ] {
        matrix.row(name, |operation| bytes(chunked(operation, size, end), End::Close), |_| expected).await;
    }
    for (name, head, end, expected) in [
        ("100 Continue first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", End::Keep, GOOD),
        ("103 Early Hints first", "HTTP/1.1 103 X\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n", End::Keep, GOOD),
        ("no reason phrase", "HTTP/1.1 200\r\n", End::Keep, GOOD),
        ("connection: close", "HTTP/1.1 200 OK\r\nconnection: close\r\n", End::Close, GOOD),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\n", End::Close, GOOD),
        ("HTTP/9.9", "HTTP/9.9 200 OK\r\n", End::Close, BROKEN),
        ("another protocol", "ICY 200 OK\r\n", End::Close, BROKEN),
        ("status of two digits", "HTTP/1.1 20 OK\r\n", End::Close, BROKEN),
        ("status of four digits", "HTTP/1.1 2000 OK\r\n", End::Close, BROKEN),
        ("status is no number", "HTTP/1.1 abc OK\r\n", End::Close, BROKEN),
        ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n", End::Close, BROKEN),
        ("a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -7\r\n", End::Close, BROKEN),
        ("a space in a header name", "HTTP/1.1 200 OK\r\na b: c\r\n", End::Close, BROKEN),
        ("a NUL in a header", "HTTP/1.1 200 OK\r\na: \0\r\n", End::Close, BROKEN),
    ] {
        let script = |operation| {
            let body = good(operation);
            bytes(format!("{head}content-length: {}\r\n\r\n{body}", body.len()), end)
        };
        matrix.row(name, script, |_| expected).await;
    }
    for (status, expected) in [
        (200, ErrorKind::Unavailable),
        (400, ErrorKind::InvalidRequest),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Unauthorized),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
    ] {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 100\r\n\r\n{{\"error\":\"{MARK}");
        matrix.row(format!("{status} cut"), |_| bytes(&*head, End::Close), |_| Some(expected)).await;
    }
    for (name, text) in [
        ("nothing", ""),
        ("half a status line", "HTTP/1.1 2"),
        ("half a head", "HTTP/1.1 200 OK\r\ncontent-"),
        ("only a body", MARK),
        ("a TLS alert", "\u{15}\u{3}\u{1}\0\u{2}\u{2}P"),
        ("an HTTP/2 frame", "\0\0\0\u{4}\0\0\0\0\0"),
    ] {
        matrix.row(name, |_| bytes(text, End::Close), |_| BROKEN).await;
    }
    let extra = |operation| {
        let mut script = raw(200, "", good(operation));
        script
            .bytes
            .extend_from_slice(format!("HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n{MARK}").as_bytes());
        script
    };
    matrix.row("a second response behind the first", extra, |_| GOOD).await;
    let until_close = |operation| bytes(format!("HTTP/1.1 200 OK\r\n\r\n{}", good(operation)), End::Close);
    matrix.row("a body until the end of the connection", until_close, |_| GOOD).await;
    matrix.check(180);
}

#[tokio::test]
async fn each_header_fault_has_the_expected_outcome() {
    let mut matrix = quick().await;
    let many = |count| "x-a: b\r\n".repeat(count);
    for (name, headers, expected) in [
        ("gzip, but plain", "content-encoding: gzip\r\n".to_owned(), GOOD),
        ("br, but plain", "content-encoding: br\r\n".to_owned(), GOOD),
        ("two encodings", "content-encoding: gzip, x\r\ncontent-encoding: y\r\n".to_owned(), GOOD),
        ("HTML by its type", "content-type: text/html\r\n".to_owned(), GOOD),
        ("two types", "content-type: text/html\r\ncontent-type: a/b\r\n".to_owned(), GOOD),
        ("a type that is none", "content-type: ;;;\r\n".to_owned(), GOOD),
        ("UTF-16 by its type", "content-type: application/json; charset=utf-16\r\n".to_owned(), GOOD),
        ("not ASCII", "server: \u{e9}\u{9b}\r\nx-request-id: \u{e9}\r\ncf-ray: \u{e9}\r\n".to_owned(), GOOD),
        ("a token as request id", format!("x-request-id: {MARK}.{MARK}\r\n"), GOOD),
        ("many request ids", format!("x-request-id: a\r\nx-request-id: {MARK}\r\n"), GOOD),
        ("cookies", format!("set-cookie: a={MARK}\r\nset-cookie: b={MARK}\r\n"), GOOD),
        ("no date", "date: yesterday\r\n".to_owned(), GOOD),
        ("two dates", "date: x\r\ndate: Sun, 09 Sep 2001 01:46:50 GMT\r\n".to_owned(), GOOD),
        ("the last date", "date: Fri, 31 Dec 9999 23:59:59 GMT\r\n".to_owned(), GOOD),
        ("the first date", "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n".to_owned(), GOOD),
        ("a long header", format!("x-a: {}\r\n", "a".repeat(50_000)), GOOD),
        ("many headers", many(90), GOOD),
        ("too many headers", many(300), BROKEN),
        ("too long a header", format!("x-a: {}\r\n", "a".repeat(1_000_000)), BROKEN),
    ] {
        let end = if expected == GOOD { End::Keep } else { End::Close };
        let script = |operation: Operation| Script { end, ..raw(200, &headers, operation.body("")) };
        matrix.row(name, script, |_| expected).await;
    }
    for wait in ["0", "1.5", "-1", "3, 5", "99999999999999999999999", "soon", "\u{e9}", "NaN", "1500ms"] {
        for (status, expected) in [(429, ErrorKind::RateLimited), (503, ErrorKind::Unavailable)] {
            let headers = format!("retry-after: {wait}\r\nretry-after: x\r\nx-retry-in: {wait}\r\n");
            let name = format!("{status}, wait {wait}");
            matrix.row(name, |_| raw(status, &headers, ""), |_| Some(expected)).await;
        }
    }
    matrix.check(180);
}

#[tokio::test]
async fn each_body_fault_has_the_expected_outcome() {
    let mut matrix = quick().await;
    let deep = format!(r#","x":{}{}"#, "[".repeat(20_000), "]".repeat(20_000));
    for members in [
        r#","x":NaN"#,
        r#","x":[-Infinity,1]"#,
        r#","x":1e400"#,
        r#","x":-99999999999999999999999999"#,
        r#","x":"\ud800""#,
        r#","x":"\u0000""#,
        r#","x":1,"x":2"#,
        r#","":{}"#,
        &deep,
        r#","scope":["a"],"expires_in":"3600s","token_type":7,"refresh_token":7"#,
        r#","scope":null,"expires_in":null,"token_type":null,"refresh_token":null"#,
        r#","scope":{},"expires_in":[],"token_type":[],"refresh_token":false"#,
        r#","scope":"a","scope":"b","expires_in":1,"expires_in":2"#,
        r#","expires_in":1e400,"scope":1e400"#,
        r#","client_name":7,"app":7,"disabled_at":"never","kid":7"#,
        r#","error":null,"error_description":7,"error_code":"""#,
    ] {
        matrix.body(members, |operation| operation.body(members).into_bytes(), GOOD).await;
    }
    let with = |before: &'static [u8], after: &'static [u8]| {
        move |operation: Operation| [before, operation.body("").as_bytes(), after].concat()
    };
    matrix.body("byte order mark", with(b"\xef\xbb\xbf", b""), GOOD).await;
    matrix.body("white space", with(b" \r\n\t", b"\n\n"), GOOD).await;
    matrix.body("text behind", with(b"", b"x"), INVALID).await;
    matrix.body("two objects", with(b"", b"{}"), INVALID).await;
    matrix.body("an array of it", with(b"[", b"]"), INVALID).await;
    matrix.body("JSON with a prefix", with(b")]}',\n", b""), INVALID).await;
    let not_utf8 = |operation: Operation| {
        operation.body(",\"x\":\"?\"").bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect()
    };
    matrix.body("not UTF-8", not_utf8, GOOD).await;
    let utf16 = |operation: Operation| operation.body("").bytes().flat_map(|byte| [byte, 0]).collect();
    matrix.body("UTF-16", utf16, INVALID).await;
    for body in [
        &b""[..],
        b"null",
        b"true",
        b"7",
        b"\"MARK0123456789\"",
        b"[]",
        b"{}",
        b"{\"access_token\":\"MARK0123456789\"",
        b"{\"access_token\":null,\"client_id\":null,\"keys\":null}",
        b"{\"access_token\":[\"MARK0123456789\"],\"client_id\":7,\"keys\":{}}",
        b"{\"access_token\":\"MARK0123456789\",\"access_token\":\"b\",\"client_id\":1,\"keys\":[],\"keys\":[1]}",
        b"{access_token:'MARK0123456789'}",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"MARK0123456789",
    ] {
        matrix.body(&String::from_utf8_lossy(body), |_| body.to_vec(), INVALID).await;
    }
    let page = format!("\n<html>{MARK}</html>");
    matrix.row("HTML", |_| raw(200, "", &page), |_| INVALID).await;
    matrix.row("too long", |_| raw(200, "", " ".repeat((1 << 20) + 1)), |_| INVALID).await;
    for (code, kind) in [
        ("invalid_client", ErrorKind::Unauthorized),
        ("invalid_scope", ErrorKind::InvalidRequest),
        (MARK, ErrorKind::InvalidRequest),
    ] {
        let body = format!(r#"{{"error":"{code}","error_description":"{MARK}"}}"#);
        matrix.row(&*body, |_| raw(200, "", &body), |_| Some(kind)).await;
    }
    matrix.check(200);
}

#[tokio::test]
async fn each_token_fault_has_the_expected_outcome() {
    let mut matrix = quick().await;
    let is_token = |operation| matches!(operation, MoneykitToken | MoovToken);
    for token in
        ["", " ", "a b", "a\\r", "a\\nb: c", "a\\u0000", "a\\u007f", "\u{e9}", "a\u{9b}", "\\\"", "=", "a=b"]
    {
        let body = |operation| {
            if is_token(operation) { format!(r#"{{"access_token":"{token}"}}"#) } else { operation.body("") }
        };
        let expected = |operation| if is_token(operation) { INVALID } else { GOOD };
        matrix.row(format!("token {token:?}"), |operation| raw(200, "", body(operation)), expected).await;
    }
    for (members, expected) in [
        (r#","token_type":"DPoP""#, INVALID),
        (r#","token_type":"mac""#, INVALID),
        (r#","token_type":"BEARER""#, GOOD),
        (r#","token_type":"opaque""#, GOOD),
        (r#","token_type":"""#, GOOD),
    ] {
        let expected = |operation| if is_token(operation) { expected } else { GOOD };
        matrix.row(members, |operation| raw(200, "", operation.body(members)), expected).await;
    }
    for refresh in ["r\\n", "r\\u001b", "r\u{9b}"] {
        let members = format!(r#","refresh_token":"{refresh}""#);
        let expected = |operation| if operation == MoovToken { INVALID } else { GOOD };
        matrix.row(&members, |operation| raw(200, "", operation.body(&members)), expected).await;
    }
    matrix.check(90);
}

#[tokio::test]
async fn each_stalled_response_ends_within_the_timeout() {
    let mut matrix = Matrix::new(Duration::from_millis(300)).await;
    let timeout = |_| Some(ErrorKind::Timeout);
    let slow = |bytes: &str, end| Script { drip: Some(Duration::from_millis(50)), ..self::bytes(bytes, end) };
    matrix.row("no response", |_| bytes("", End::Hang), timeout).await;
    matrix.row("half a head", |_| bytes("HTTP/1.1 200 OK\r\n", End::Hang), timeout).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
    matrix.row("half a body", |_| bytes(format!("{head}{{"), End::Hang), timeout).await;
    matrix.row("a slow head", |_| slow(head, End::Hang), timeout).await;
    let continued = "HTTP/1.1 100 Continue\r\n\r\n".repeat(50);
    matrix.row("100 Continue, slowly and without end", |_| slow(&continued, End::Hang), timeout).await;
    matrix.check(25);
}
