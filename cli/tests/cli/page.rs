//! Tests the emulator's status page with HTTP requests.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::running::Running;

struct Emulator {
    running: Running,
    address: String,
    key: String,
}

#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Emulator {
    fn start(args: &str) -> Self {
        let mut running = Running::start(&format!("emulator --port 0 --json {args}"));
        let started = running.json();
        let address = started["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let key = started["page"].as_str().unwrap().split_once("#key=").map_or("", |(_, key)| key).to_owned();
        Self { running, address, key }
    }

    fn send(&self, head: &str, body: &str) -> Response {
        let mut stream = TcpStream::connect(&self.address).expect("the port is open");
        let length = body.len();
        let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response is text");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Response { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Response {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nX-Page-Key: {}", self.address, self.key), "")
    }

    fn order(&self, path: &str, body: &Value) -> Response {
        let Self { address, key, .. } = self;
        self.send(
            &format!(
                "POST /_page/{path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
                 Content-Type: application/json\r\nX-Page-Key: {key}"
            ),
            &body.to_string(),
        )
    }

    fn state(&self) -> Value {
        let response = self.get("/_page/state");
        assert_eq!(response.status, 200, "{response:?}");
        serde_json::from_str(&response.body).expect("JSON")
    }

    fn state_when(&self, is_expected: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_000 {
            let state = self.state();
            if is_expected(&state) {
                return state;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the expected state did not occur, last state: {}", self.state());
    }
}

fn transfer(url: &str) -> Value {
    json!({"vendor": "moov", "event": "transfer.updated", "url": url, "retries": "none"})
}

#[test]
fn page_responses_have_a_strict_csp_and_allow_no_other_origin() {
    let emulator = Emulator::start("");
    let order = emulator.order("clock", &json!({"seconds": 1}));
    for response in [
        emulator.get("/"),
        emulator.get("/_page/script.js"),
        emulator.get("/_page/style.css"),
        emulator.get("/_page/icon.svg"),
        emulator.get("/_page/state"),
        emulator.get("/_page/nothing"),
        order,
    ] {
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; ",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "\r\nx-content-type-options: nosniff",
            "\r\nreferrer-policy: no-referrer",
            "\r\ncache-control: no-store",
            "\r\ncross-origin-resource-policy: same-origin",
        ] {
            assert!(response.head.contains(header), "{header} is not in {response:?}");
        }
        assert!(!response.head.contains("access-control-"), "{response:?}");
    }
    let page = emulator.get("/").body;
    for forbidden in ["http://www", "https://", " style=", "<script>", " on"] {
        let attributes = page.split('<').map(|tag| tag.split('>').next().unwrap_or_default());
        assert!(
            !attributes.clone().any(|tag| tag.contains(&format!("{forbidden}=")) || tag.contains("https:"))
        );
    }
    assert!(!page.contains("onclick") && !page.contains("<style"));
}

#[test]
fn preflight_from_another_origin_is_refused() {
    let emulator = Emulator::start("");
    let response = emulator.send(
        &format!(
            "OPTIONS /_page/clock HTTP/1.1\r\nHost: {}\r\nOrigin: https://evil.example\r\n\
             Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type",
            emulator.address
        ),
        "",
    );
    assert_eq!(response.status, 403);
    assert!(!response.head.contains("access-control-"), "{response:?}");
}

#[test]
fn page_rejects_requests_with_an_unexpected_host_or_origin() {
    let emulator = Emulator::start("");
    let address = &emulator.address;
    for (host, origin, content_type, expected) in [
        ("evil.example", "http://evil.example", "application/json", 403),
        (address.as_str(), "http://evil.example", "application/json", 403),
        (address, "null", "application/json", 403),
        (address, &format!("http://{address}"), "text/plain", 415),
        (address, &format!("http://{address}"), "application/x-www-form-urlencoded", 415),
    ] {
        for (path, order) in [
            ("clock", json!({"seconds": 3600})),
            ("fault", json!({"fault": "moov.token=503"})),
            ("rotate", json!({"vendor": "moov"})),
            ("webhook", transfer("http://127.0.0.1:1")),
            ("cancel-faults", json!({})),
        ] {
            let head = format!(
                "POST /_page/{path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: {content_type}"
            );
            let response = emulator.send(&head, &order.to_string());
            assert_eq!(response.status, expected, "{path} {host} {origin}: {response:?}");
        }
        if expected == 403 {
            let head = format!("GET /_page/state HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}");
            assert_eq!(emulator.send(&head, "").status, 403, "{host} {origin}");
        }
    }
    let rebound = emulator.send("GET / HTTP/1.1\r\nHost: evil.example", "");
    assert_eq!(rebound.status, 403);
    assert!(rebound.body.contains("--page-host"), "{rebound:?}");
    let state = emulator.state();
    assert_eq!(
        (&state["moved_seconds"], &state["faults"], &state["webhooks"]["total"]),
        (&json!(0), &json!([]), &json!(0))
    );
}

#[test]
fn remote_clients_need_a_key_for_the_page_but_not_for_the_services() {
    let mut emulator = Emulator::start("--host 0.0.0.0 --allow-remote --page-host emulator");
    let key = std::mem::take(&mut emulator.key);
    for wrong in ["", "0", &key.to_uppercase(), &format!("{key}0")] {
        emulator.key = wrong.to_owned();
        assert_eq!(emulator.get("/_page/state").status, 401);
        assert_eq!(emulator.order("clock", &json!({"seconds": 1})).status, 401);
    }
    assert_eq!(emulator.get("/").status, 200, "the page itself must not require the key");
    assert!(!emulator.get("/").body.contains(&key));
    for host in ["emulator:4848", "192.0.2.7:4848"] {
        let head = format!("GET /_page/state HTTP/1.1\r\nHost: {host}\r\nX-Page-Key: {key}");
        assert_eq!(emulator.send(&head, "").status, 200, "{host}");
    }
    for path in ["/healthz", "/.well-known/jwks.json"] {
        let response = emulator.send(&format!("GET {path} HTTP/1.1\r\nHost: anything.example"), "");
        assert_eq!(response.status, 200, "{path}");
    }
    emulator.key.clone_from(&key);
    let state = emulator.state();
    assert_eq!(state["moved_seconds"], 0);
    assert!(!state.to_string().contains(&key), "{state}");
    assert!(!emulator.running.line().contains(&key));
}

#[test]
fn webhooks_are_sent_only_to_allowed_hosts() {
    let emulator = Emulator::start("--webhook-host App --webhook-host 10.255.255.1");
    for url in [
        "http://192.0.2.1/hook",
        "https://evil.example/hook",
        "http://app.evil.example/hook",
        "http://app@evil.example/hook",
        "https://127.0.0.1@evil.example/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00::1]/",
        "ftp://127.0.0.1/",
        "127.0.0.1",
        "",
    ] {
        let response = emulator.order("webhook", &transfer(url));
        assert_eq!(response.status, 400, "{url}: {response:?}");
    }
    let refused = emulator.order("webhook", &transfer("http://192.0.2.1/hook"));
    assert!(refused.body.contains("--webhook-host"), "{refused:?}");
    let long = format!("http://127.0.0.1:1/{}", "a".repeat(2048));
    assert_eq!(emulator.order("webhook", &transfer(&long)).status, 400);
    for event in ["", "transfer", "<b>.x", &"a.".repeat(40)] {
        let mut order = transfer("http://127.0.0.1:1/");
        order["event"] = event.into();
        assert_eq!(emulator.order("webhook", &order).status, 400, "{event}");
    }
    assert_eq!(emulator.state()["webhooks"]["total"], 0);
    for url in [
        "http://127.0.0.1:1/hook?token=MARK",
        "http://127.0.0.1:1\\@evil.example/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://APP:1/",
    ] {
        let response = emulator.order("webhook", &transfer(url));
        assert_eq!(response.status, 200, "{url}: {response:?}");
    }
    let state = emulator.state_when(|state| {
        state["webhooks"]["rows"].as_array().unwrap().iter().all(|row| row["state"] == "failed")
    });
    assert_eq!(state["webhooks"]["total"], 5);
    let last = &state["webhooks"]["rows"][4];
    assert_eq!((&last["to"], &last["attempts"][0]["number"]), (&json!("http://127.0.0.1:1/hook"), &json!(1)));
    assert!(!state.to_string().contains("MARK"), "{state}");
}

#[test]
fn invalid_and_excess_faults_are_rejected() {
    let emulator = Emulator::start("");
    let fault = |text: &str| emulator.order("fault", &json!({"fault": text})).status;
    for text in ["", "moov.token=503,times=0", "moov.token=99", "no.such=503", "moov.token=503,times=-1"] {
        assert_eq!(fault(text), 400, "{text}");
    }
    let statuses: Vec<u16> = (0..101).map(|_| fault("moov.token=503,times=always")).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 100);
    assert_eq!(statuses.last(), Some(&400));
    assert_eq!(emulator.state()["faults"][0]["times"], Value::Null);
    assert_eq!(emulator.order("cancel-faults", &json!({})).status, 200);
    assert_eq!(emulator.state()["faults"], json!([]));

    let year = 365 * 86_400_u64;
    for (seconds, status) in [(0, 400), (u64::MAX, 400), (10 * year + 1, 400), (10 * year, 200), (1, 400)] {
        assert_eq!(emulator.order("clock", &json!({ "seconds": seconds })).status, status, "{seconds}");
    }
    for order in [json!({"seconds": -1}), json!({"seconds": 1, "more": 1}), json!([]), json!("x")] {
        assert_eq!(emulator.order("clock", &order).status, 400, "{order}");
    }
    assert_eq!(emulator.order("clock", &json!({"seconds": 1, "more": "x".repeat(5_000)})).status, 413);
    let rotated: Vec<u16> =
        (0..51).map(|_| emulator.order("rotate", &json!({"vendor": "moneykit"})).status).collect();
    assert_eq!(rotated.iter().filter(|status| **status == 200).count(), 50);
    let keys: Value = serde_json::from_str(&emulator.get("/.well-known/jwks.json").body).unwrap();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(51));
}

#[test]
fn number_of_webhooks_in_flight_is_limited() {
    let handler = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", handler.local_addr().unwrap());
    let emulator = Emulator::start("");
    let statuses: Vec<u16> = (0..17).map(|_| emulator.order("webhook", &transfer(&url)).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 16, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
}

#[test]
fn listed_requests_are_truncated_and_have_no_query_or_body() {
    let emulator = Emulator::start("");
    let hostile = "/'onclick='alert(1)?token=MARK";
    for (method, path) in
        [("GET", hostile), ("GET", &format!("/{}", "a".repeat(5_000))), (&"M".repeat(100), "/x")]
    {
        emulator.send(&format!("{method} {path} HTTP/1.1\r\nHost: x"), "MARK");
    }
    let state = emulator.state_when(|state| state["requests"]["total"] == 3);
    let rows = &state["requests"]["rows"];
    assert_eq!(rows[2]["path"], "/'onclick='alert(1)");
    assert_eq!(rows[1]["path"].as_str().map(str::len), Some(200 + "…".len()));
    assert_eq!(rows[0]["method"].as_str().map(str::len), Some(20));
    assert!(!state.to_string().contains("MARK"), "{state}");
    let response = emulator.get("/_page/state");
    assert!(response.head.contains("content-type: application/json"), "{response:?}");
}

#[test]
fn request_list_is_capped_and_shows_the_total() {
    let emulator = Emulator::start("");
    let mut stream = TcpStream::connect(&emulator.address).unwrap();
    let request = "GET /many HTTP/1.1\r\nHost: x\r\n\r\n".repeat(250);
    let mut reading = stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut reading, &mut std::io::sink()));
    stream.write_all(request.as_bytes()).unwrap();
    let state = emulator.state_when(|state| state["requests"]["total"] == 250);
    assert_eq!(state["requests"]["rows"].as_array().map(Vec::len), Some(200));
    drop(emulator);
    _ = reader.join();
}

#[test]
fn unchanged_state_is_not_resent_and_page_requests_are_not_logged() {
    let emulator = Emulator::start("");
    let revision = emulator.state()["revision"].as_str().unwrap().to_owned();
    let known = format!("/_page/state?known={revision}");
    let response = emulator.get(&known);
    assert_eq!((response.status, response.body.as_str()), (204, ""));
    assert_eq!(emulator.state()["requests"]["total"], 0);
    emulator.get("/anything");
    emulator.state_when(|state| state["requests"]["total"] == 1);
    assert_eq!(emulator.get(&known).status, 200);
}

#[test]
fn token_list_shows_only_the_last_4_characters_of_a_token() {
    let emulator = Emulator::start("");
    let form = "grant_type=client_credentials&scope=/accounts.read";
    let response = emulator.send(
        "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nOrigin: https://emulator.example\r\n\
         Authorization: Basic c2FuZGJveF9tb292X2NsaWVudDpzYW5kYm94X21vb3Zfc2VjcmV0\r\n\
         Content-Type: application/x-www-form-urlencoded",
        form,
    );
    let issued: Value = serde_json::from_str(&response.body).unwrap();
    let state = emulator.state();
    let rows = state["tokens"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (row, name) in rows.iter().zip(["refresh_token", "access_token"]) {
        let token = issued[name].as_str().unwrap();
        assert_eq!(row["shown"], format!("…{}", &token[token.len() - 4..]));
        assert_eq!((&row["state"], &row["scope"]), (&json!("live"), &json!("/accounts.read")));
        assert!(!state.to_string().contains(token));
    }
    emulator.order("clock", &json!({"seconds": 3600}));
    assert_eq!(emulator.state()["tokens"]["rows"][1]["state"], "expired");
}
