//! Tests that `trigger` delivers signed webhooks to a real handler, retries them, and reports
//! whether the handler behaves correctly.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    routing::{MethodRouter, post},
};
use fintech_auth::{
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::Emulator,
    moneykit::webhook::{VerifierOptions, VerifyingKeys, verify},
    moov::webhook::WebhookVerifier,
};
use serde_json::Value;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::{
    program::{Ran, configured, emulator, file, program, run, run_with},
    tls::Authority,
};

const MOOV: &str = "moov trigger transfer.updated --within 0s";

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

async fn serve(router: Router) -> String {
    let (listener, url) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn respond(handler: MethodRouter) -> String {
    serve(Router::new().route("/hook", handler)).await + "/hook"
}

struct Service {
    emulator: Emulator,
    url: String,
    handled: Arc<AtomicUsize>,
}

impl Service {
    async fn start(failures: usize) -> Self {
        let emulator = emulator().await;
        let moneykit = emulator.moneykit().build().expect("the client builds").webhooks();
        let moov = WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
        let handled = Arc::<AtomicUsize>::default();
        let counted = handled.clone();
        let handle = move || match counted.fetch_add(1, Ordering::SeqCst) {
            earlier if earlier < failures => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::OK,
        };
        let (one, other) = (handle.clone(), handle);
        let moneykit = post(async move |_: MoneykitWebhook| one()).layer(WebhookLayer::new(moneykit));
        let moov = post(async move |_: MoovWebhook| other()).layer(WebhookLayer::new(moov));
        let url = serve(Router::new().route("/moneykit", moneykit).route("/moov", moov)).await;
        Self { emulator, url, handled }
    }

    fn trigger(&self, vendor: &str, more: &str) -> Command {
        let event = if vendor == "moov" { "transfer.updated" } else { "link.state_changed" };
        let args = format!("{vendor} trigger {event} --to {}/{vendor} --within 0s {more}", self.url);
        with_keys(configured(&self.emulator, &args), &self.emulator)
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }
}

fn with_keys(mut command: Command, emulator: &Emulator) -> Command {
    command
        .env("MOOV_WEBHOOK_SECRET", emulator.moov_webhook_secret().expose_secret())
        .env("FINTECH_AUTH_SIGNING_KEY", emulator.moneykit_signing_key().expose_secret());
    command
}

fn attempts(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn outcomes(ran: &Ran) -> Vec<String> {
    let outcome =
        |line: &Value| format!("{} {}", line["status"], line["outcome"].as_str().expect("an outcome"));
    attempts(ran).iter().map(outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_resent_after_the_handler_fails_once() {
    for vendor in ["moneykit", "moov"] {
        for more in ["--json", "--json --sign-anew"] {
            let service = Service::start(1).await;
            let ran = run(&mut service.trigger(vendor, more));
            assert_eq!(ran.code, Some(0), "{}", ran.all());
            assert_eq!(outcomes(&ran), ["500 failed", "200 accepted"], "{vendor} {more}");
            assert_eq!(service.handled(), 2);
            let attempts = attempts(&ran);
            assert_eq!((&attempts[0]["attempt"], &attempts[1]["attempt"]), (&1.into(), &2.into()));
            assert_eq!(attempts[0]["delivery"], attempts[1]["delivery"]);
            assert!(
                attempts[0]["next_attempt_seconds"].is_number()
                    && attempts[1]["next_attempt_seconds"].is_null()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trigger_prints_one_line_for_each_attempt() {
    let service = Service::start(1).await;
    let ran = run(&mut service.trigger("moov", ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("delivery ") && lines[0].ends_with(", transfer.updated"), "{}", ran.out);
    assert!(lines[1].starts_with("attempt 1: 500 Internal Server Error, "), "{}", ran.out);
    assert!(lines[1].ends_with(" ms; next attempt in 0 ms"), "{}", ran.out);
    assert!(
        lines[2].starts_with("attempt 2: 200 OK, ") && lines[2].ends_with(" ms; accepted"),
        "{}",
        ran.out
    );
    assert_eq!((lines.len(), ran.err.as_str()), (3, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_webhook_is_reported_as_a_duplicate_and_not_handled() {
    for vendor in ["moneykit", "moov"] {
        for (failures, more) in [(0, "--replay --json"), (1, "--replay --sign-anew --json")] {
            let service = Service::start(failures).await;
            let ran = run(&mut service.trigger(vendor, more));
            assert_eq!(ran.code, Some(0), "{}", ran.all());
            assert_eq!(outcomes(&ran)[failures..], ["200 accepted", "200 duplicate"], "{vendor}");
            assert_eq!(service.handled(), failures + 1, "{vendor} {more}");
        }
    }
    let refusing = Arc::<AtomicUsize>::default();
    let first_only = async move || match refusing.fetch_add(1, Ordering::SeqCst) {
        0 => StatusCode::OK,
        _ => StatusCode::CONFLICT,
    };
    let url = respond(post(first_only)).await;
    let ran = run(program(&format!("{MOOV} --to {url} --replay --json")).env("MOOV_WEBHOOK_SECRET", "s"));
    assert_eq!(outcomes(&ran), ["200 accepted", "409 rejected"], "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_or_old_webhook_is_refused_and_not_handled() {
    let service = Service::start(0).await;
    for vendor in ["moneykit", "moov"] {
        for kind in ["--tamper", "--old"] {
            let ran = run(&mut service.trigger(vendor, &format!("{kind} --json")));
            assert_eq!(ran.code, Some(0), "{}", ran.all());
            assert_eq!(outcomes(&ran), ["401 rejected"], "{vendor} {kind}");
        }
    }
    assert_eq!(service.handled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn trigger_reports_a_handler_that_accepts_a_forged_webhook() {
    let url = respond(post(async || StatusCode::NO_CONTENT)).await;
    for kind in ["--tamper", "--old"] {
        let ran = run(program(&format!("{MOOV} --to {url} {kind} --json")).env("MOOV_WEBHOOK_SECRET", "s"));
        assert_eq!((ran.code, outcomes(&ran)), (Some(13), vec!["204 not_rejected".to_owned()]));
        let error: Value = serde_json::from_str(&ran.err).expect("JSON");
        assert_eq!(error["error"]["kind"], "not_rejected");
    }
}

/// If the URL is wrong, every webhook gets a 404. So a 404 does not prove that the handler rejected
/// the forged webhook.
#[tokio::test(flavor = "multi_thread")]
async fn status_404_does_not_count_as_a_refusal_of_a_forged_webhook() {
    let service = Service::start(0).await;
    let args = format!("{MOOV} --to {}/wrong --tamper --attempts 2 --json", service.url);
    let ran = run(&mut with_keys(program(&args), &service.emulator));
    assert_eq!(ran.code, Some(12), "{}", ran.all());
    assert_eq!(outcomes(&ran), ["404 failed", "404 failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_resent_until_the_schedule_ends_if_no_attempt_succeeds() {
    let followed = Arc::<AtomicUsize>::default();
    let counted = followed.clone();
    let elsewhere = async move || counted.fetch_add(1, Ordering::SeqCst).to_string();
    let elsewhere = respond(post(elsewhere.clone()).get(elsewhere)).await;
    let redirect = [(header::LOCATION, elsewhere)];
    let conflict = respond(post(async || StatusCode::CONFLICT)).await;
    let redirect = respond(post(async move || (StatusCode::TEMPORARY_REDIRECT, redirect.clone()))).await;
    let silent = respond(post(std::future::pending::<StatusCode>)).await;
    let (listener, broken) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            _ = stream.read(&mut [0; 64]).await;
        }
    });
    for (url, more, status, last) in [
        (&conflict, "", Value::from(409), "409 Conflict"),
        (&redirect, "", Value::from(307), "307 Temporary Redirect"),
        (&silent, "--timeout 100ms", Value::Null, "no complete response within the timeout"),
        (&broken, "", Value::Null, "the connection broke before the response was complete"),
    ] {
        let args = format!("{MOOV} --to {url} --attempts 3 --json {more}");
        let ran = run(program(&args).env("MOOV_WEBHOOK_SECRET", "s"));
        assert_eq!(ran.code, Some(12), "{}", ran.all());
        let attempts = attempts(&ran);
        assert_eq!(attempts.len(), 3, "{}", ran.out);
        assert!(attempts.iter().all(|attempt| attempt["status"] == status), "{}", ran.out);
        assert!(
            attempts.iter().all(|attempt| attempt["error"].is_string() == status.is_null()),
            "{}",
            ran.out
        );
        let error: Value = serde_json::from_str(&ran.err).expect("JSON");
        let reason = format!("not delivered after 3 attempts; last result: {last}");
        assert_eq!(error["error"]["reason"], reason);
    }
    assert_eq!(followed.load(Ordering::SeqCst), 0, "a redirect was followed");
    let all = run(program(&format!("{MOOV} --to {conflict} --json")).env("MOOV_WEBHOOK_SECRET", "s"));
    assert_eq!(attempts(&all).len(), 11, "{}", all.out);
}

fn absent(name: &str) -> PathBuf {
    let path = file(name, "");
    fs::remove_file(&path).expect("the file exists");
    path
}

async fn by_key_set(path: PathBuf) -> String {
    let handle = async move |headers: HeaderMap, body: String| {
        let set =
            serde_json::from_str(&fs::read_to_string(&path).expect("the file is there")).expect("a key set");
        let signature = headers["moneykit-signature"].to_str().expect("text");
        let now = std::time::SystemTime::now();
        match verify(signature, body, &VerifyingKeys::new(&set), now, &VerifierOptions::default()) {
            Ok(_) => StatusCode::OK,
            Err(error) => error.status(),
        }
    };
    respond(post(handle)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn key_set_file_is_written_before_the_webhook_is_sent() {
    let keys = absent("jwks.json");
    let url = by_key_set(keys.clone()).await;
    let trigger = format!("moneykit trigger link.state_changed --to {url} --attempts 1");
    let with_set = format!("{trigger} --jwks-file {}", keys.display());
    for _ in 0..2 {
        let ran = run(&mut program(&with_set));
        assert_eq!(ran.code, Some(0), "{}", ran.all());
    }
    let pkcs8 = emulator().await.moneykit_signing_key();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", pkcs8.expose_secret());
    let key = file("key.pem", &pem);
    let ran = run(&mut program(&format!("{with_set} --key-file {}", key.display())));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let ran = run_with(&mut program(&format!("{trigger} --key-file -")), &pem);
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(!fs::read_to_string(&keys).unwrap().contains("\"d\""));
    let ran = run(&mut program(&format!("{trigger} --jwks-file {}", key.display())));
    assert_eq!((ran.code, fs::read_to_string(&key).unwrap()), (Some(2), pem));
    assert!(ran.err.contains("--jwks-file file exists and is not a key set"), "{}", ran.err);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn key_set_file_is_replaced_atomically() {
    use std::{io::Read as _, os::unix::fs::PermissionsExt as _};

    let keys = absent("replaced-jwks.json");
    let url = by_key_set(keys.clone()).await;
    let trigger = format!("moneykit trigger link.state_changed --to {url} --attempts 1 --jwks-file");
    let write = || run(&mut program(&format!("{trigger} {}", keys.display())));
    assert_eq!(write().code, Some(0));
    let before = fs::read_to_string(&keys).unwrap();
    let mut open = fs::File::open(&keys).unwrap();
    assert_eq!(write().code, Some(0));
    let mut read = String::new();
    open.read_to_string(&mut read).unwrap();
    assert_eq!(read, before);
    assert_ne!(fs::read_to_string(&keys).unwrap(), before);
    let fresh = file("fresh", "");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&keys), mode(&fresh));
    let name = keys.file_name().unwrap().to_str().unwrap();
    let beside = fs::read_dir(keys.parent().unwrap()).unwrap();
    let beside =
        beside.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with(name));
    assert_eq!(beside.count(), 1);

    let ran = run(&mut program(&format!("{trigger} -")));
    assert_eq!((ran.code, Path::new("-").exists()), (Some(2), false), "{}", ran.all());
    assert!(ran.err.contains("--jwks-file must name a file"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn event_contains_the_value_of_the_data_option() {
    let handle = async |body: String| {
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let is_moov =
            body["data"] == serde_json::json!({"link_id": "7"}) && body["type"] == "account.created";
        let is_moneykit = body["link_id"] == "7" && body["webhook_event"] == "link.product_refresh";
        if is_moov || is_moneykit { StatusCode::OK } else { StatusCode::BAD_REQUEST }
    };
    let url = respond(post(handle)).await;
    let emulator = emulator().await;
    for args in ["moov trigger account.created", "moneykit trigger link.product_refresh"] {
        let args = format!("{args} --to {url} --attempts 1 --data -");
        let ran = run_with(&mut with_keys(program(&args), &emulator), r#"{"link_id":"7"}"#);
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        let ran = run_with(&mut with_keys(program(&args), &emulator), "[\"MARK\"]");
        assert_eq!((ran.code, ran.all().contains("MARK")), (Some(2), false), "{}", ran.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn https_certificates_are_verified_and_http_is_allowed_only_for_loopback() {
    let url = respond(post(async || StatusCode::OK)).await;
    let authority = Authority::new("trigger");
    let behind = url.trim_end_matches("/hook");
    let port = authority.front(behind, "localhost", 4000).await;
    let args = format!("{MOOV} --to https://localhost:{port}/hook?a=MARK --attempts 1");
    let ran = run(program(&args).env("MOOV_WEBHOOK_SECRET", "s").env("SSL_CERT_FILE", &authority.file));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let ran = run(program(&args).env("MOOV_WEBHOOK_SECRET", "s"));
    assert_eq!(ran.code, Some(12), "{}", ran.all());
    assert!(ran.out.contains("check --to and the trusted root"), "{}", ran.out);
    assert!(!ran.all().contains("MARK"), "{}", ran.all());
    for url in
        ["http://handler.example/MARK", "https://MARK:MARK@handler.example", "ftp://127.0.0.1/MARK", "MARK"]
    {
        let ran = run(program(&format!("{MOOV} --to {url}")).env("MOOV_WEBHOOK_SECRET", "s"));
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{url}: {}", ran.err);
        assert!(ran.err.contains("--to") && !ran.err.contains("MARK"), "{url}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trigger_output_shows_no_secret_or_signature() {
    let service = Service::start(1).await;
    let mut shown = String::new();
    for vendor in ["moneykit", "moov"] {
        for more in ["", "--json", "--tamper", "--old --json", "--replay"] {
            shown += &run(&mut service.trigger(vendor, more)).all();
        }
    }
    let (secret, key) = (service.emulator.moov_webhook_secret(), service.emulator.moneykit_signing_key());
    for hidden in [secret.expose_secret(), key.expose_secret(), "eyJ", &service.url] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn signal_ends_the_wait_for_a_retry() {
    let url = respond(post(async || StatusCode::SERVICE_UNAVAILABLE)).await;
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut child = program(&format!("moov trigger transfer.updated --to {url} --json"))
            .env("MOOV_WEBHOOK_SECRET", "s")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("UTF-8");
        let attempt: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(attempt["status"], 503);
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let ended = child.wait_with_output().expect("the program ends");
        let error: Value = serde_json::from_slice(&ended.stderr).expect("JSON");
        assert_eq!((ended.status.code(), &error["error"]["kind"]), (Some(code), &"signal".into()));
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn command_finishes_the_last_attempt_before_it_exits_on_a_signal() {
    for (status, more) in [(StatusCode::OK, "--replay"), (StatusCode::BAD_GATEWAY, "--attempts 1")] {
        let (calls, gate) = (Arc::<AtomicUsize>::default(), Arc::<tokio::sync::Notify>::default());
        let (counted, held) = (calls.clone(), gate.clone());
        let url = respond(post(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            held.notified().await;
            status
        }))
        .await;
        let mut child = program(&format!("{MOOV} --to {url} {more}"))
            .env("MOOV_WEBHOOK_SECRET", "s")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        while calls.load(Ordering::SeqCst) == 0 {
            assert!(
                child.try_wait().expect("the state of the process is available").is_none(),
                "the program ended without an attempt"
            );
            tokio::task::yield_now().await;
        }
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        gate.notify_one();
        let ended = child.wait_with_output().expect("the program ends");
        assert_eq!((ended.status.code(), calls.load(Ordering::SeqCst)), (Some(143), 1), "{more}");
    }
}
