//! Tests the status page in headless Chromium. If Chromium or chromedriver is not installed, the
//! test is skipped. If `CI` is set, the test fails instead.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use fintech_auth::HttpOptions;
use serde_json::{Value, json};

use crate::{
    program::{program, run},
    running::{Running, environment},
};

struct Browser {
    driver: Child,
    session: String,
    profile: PathBuf,
}

fn installed(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

impl Browser {
    async fn start() -> Option<Self> {
        let (Some(driver), Some(chromium)) = (installed("chromedriver"), installed("chromium")) else {
            assert!(env::var_os("CI").is_none(), "CI needs chromium and chromedriver");
            println!("skipped: chromium or chromedriver is not installed");
            return None;
        };
        let mut command = Command::new(driver);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().expect("chromedriver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // chromedriver blocks if the pipe is full, so read the rest of its output.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{}", driver.id()));
        let mut args: Vec<String> = [
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]
        .map(str::to_owned)
        .into();
        args.push(format!("--user-data-dir={}", profile.display()));
        if is_root() {
            args.push("--no-sandbox".to_owned());
        }
        let session = format!("http://127.0.0.1:{}/session", port.expect("a port"));
        let mut browser = Self { driver, session, profile };
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": args},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let created = browser.command("", capabilities).await;
        browser.session += &format!("/{}", created["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.session);
        let http =
            HttpOptions::default().with_timeout(Duration::from_secs(60)).to_reqwest(&url).expect("loopback");
        let request = http.post(&url).header("Content-Type", "application/json").body(body.to_string());
        let response = request.send().await.expect("chromedriver responds").text().await.expect("text");
        let mut response: Value = serde_json::from_str(&response).expect("JSON");
        assert!(response["value"]["error"].is_null(), "{path}: {response}");
        response["value"].take()
    }

    async fn open(&self, url: &str) {
        self.command("/url", json!({ "url": url })).await;
    }

    async fn value(&self, expression: &str) -> Value {
        self.command("/execute/sync", json!({"script": format!("return {expression}"), "args": []})).await
    }

    async fn wait_for(&self, expression: &str) {
        let start = Instant::now();
        while self.value(expression).await != true {
            let page = self.value("document.body.innerText").await;
            assert!(start.elapsed() < Duration::from_secs(20), "{expression} is not true of: {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_for_text(&self, selector: &str, text: &str) {
        let text = json!(text);
        self.wait_for(&format!("document.querySelector({}).innerText.includes({text})", json!(selector)))
            .await;
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.command("/element", json!({"using": "css selector", "value": selector})).await;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.expect("an id").to_owned()
    }

    async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.command(&format!("/element/{element}/click"), json!({})).await;
    }

    async fn enter(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.command(&format!("/element/{element}/clear"), json!({})).await;
        self.command(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    async fn complaints(&self) -> Vec<String> {
        let log = self.command("/se/log", json!({"type": "browser"})).await;
        let messages = log.as_array().into_iter().flatten().map(|entry| entry["message"].to_string());
        messages.collect()
    }

    async fn resize(&self, width: u32) {
        let params = json!({"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": params});
        self.command("/goog/cdp/execute", command).await;
    }
}

impl Drop for Browser {
    /// Ends the session before chromedriver is killed. Otherwise Chromium would continue to run.
    fn drop(&mut self) {
        let (address, path) = self.session["http://".len()..].split_once('/').unwrap_or_default();
        if let Ok(mut stream) = TcpStream::connect(address) {
            let request = format!("DELETE /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            _ = stream.write_all(request.as_bytes());
            _ = stream.read_to_end(&mut Vec::new());
        }
        _ = self.driver.kill();
        _ = self.driver.wait();
        _ = fs::remove_dir_all(&self.profile);
    }
}

async fn handler() -> (String, Arc<Mutex<Vec<HeaderMap>>>) {
    let received = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let kept = received.clone();
    let router = Router::new().fallback(move |headers: HeaderMap| async move {
        kept.lock().expect("not poisoned").push(headers);
        StatusCode::OK
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, received)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_button_performs_its_action() {
    let Some(browser) = Browser::start().await else { return };
    let mut emulator = Running::start("emulator --port 0 --json");
    let started = emulator.json();
    let environment = environment(&started);
    let url = started["url"].as_str().expect("a url");
    let token = |args: &str| run(program(args).envs(&environment).env("MOOV_ATTEMPTS", "1"));

    browser.open(started["page"].as_str().expect("an address")).await;
    browser.wait_for_text("#connection", "Live").await;
    for (section, hint) in
        [("#requests", "No requests yet"), ("#tokens", "No tokens yet"), ("#webhooks", "No webhooks yet")]
    {
        browser.wait_for_text(section, hint).await;
    }
    browser.wait_for_text("#moov-curl", &format!("{url}/oauth2/token")).await;

    let markup = "<img/src=x/onerror=document.title=1>";
    assert_eq!(token(&format!("moov token {markup}")).code, Some(0));
    browser.wait_for_text("#tokens-rows", markup).await;
    assert_eq!(browser.value("document.querySelectorAll('img').length").await, 0);

    let (handler, received) = handler().await;
    browser.enter("#webhook-url", &handler).await;
    browser.click("#webhook button[type=submit]").await;
    browser.wait_for_text("#webhooks-rows", "✓ accepted").await;
    browser.wait_for_text("#webhooks-rows", "200 OK").await;
    assert!(received.lock().expect("not poisoned")[0].contains_key("x-signature"));

    browser.click("#fault button[type=submit]").await;
    browser.wait_for_text("#faults", "moov.token: status 503, once").await;
    assert_eq!(token("moov token /ping.read").code, Some(6));
    browser.wait_for_text("#requests-rows", "503 failed").await;
    browser.wait_for_text("#requests-rows", "injected fault").await;
    browser.wait_for_text("#faults", "none").await;

    let key = browser.value("document.querySelector('#keys code').title").await;
    browser.click("#rotate button[type=submit]").await;
    browser.wait_for(&format!("document.querySelector('#keys code').title !== {key}")).await;
    let jwks = run(program("moneykit jwks --json").envs(&environment));
    let new = browser.value("document.querySelector('#keys code').title").await;
    for id in [&key, &new] {
        assert!(jwks.out.contains(id.as_str().expect("an id")), "{}", jwks.out);
    }

    assert_eq!(token("moneykit token").code, Some(0));
    browser.wait_for_text("#tokens-rows", "✓ valid, ").await;
    browser.click("#move button[type=submit]").await;
    browser.wait_for_text("#tokens-rows", "✗ expired").await;
    browser.wait_for_text("#moved", "moved forward by 1 h").await;

    browser.resize(390).await;
    assert_eq!(browser.value("document.documentElement.scrollWidth").await, 390);

    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");

    drop(emulator);
    browser.wait_for_text("#connection", "No connection to the emulator").await;

    let mut remote = Running::start("emulator --port 0 --json --host 0.0.0.0 --allow-remote");
    let started = remote.json();
    let address = started["page"].as_str().expect("an address");
    browser.open(started["url"].as_str().expect("a url")).await;
    browser
        .wait_for("document.querySelector('#content').hidden && !document.querySelector('#unlock').hidden")
        .await;
    browser.enter("#key", "0123").await;
    browser.click("#unlock button").await;
    browser.wait_for_text("#unlock-said", "Wrong key.").await;
    browser.enter("#key", address).await;
    browser.click("#unlock button").await;
    browser.wait_for_text("#connection", "Live").await;
    browser.value("sessionStorage.clear()").await;
    browser.open("about:blank").await;
    browser.open(address).await;
    browser.wait_for_text("#connection", "Live").await;
    assert_eq!(browser.value("location.hash").await, "");
}
