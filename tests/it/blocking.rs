//! Tests the blocking clients on every kind of thread. Most tests run the emulator on its own
//! runtime, because a test that blocks the emulator's runtime gets no response.

use std::{
    path::Path,
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Clock, Error, ErrorKind, RetryPolicy, Secret, Token, blocking,
    emulator::{Emulator, Operation},
    moneykit,
    token::Rejection,
};
use http::{HeaderMap, StatusCode};
use tokio::{runtime, task};

use crate::support::{json, plain, scopes};

struct SeparateEmulator {
    emulator: Emulator,
    _runtime: runtime::Runtime,
}

impl SeparateEmulator {
    fn start() -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        Self { emulator: runtime.block_on(crate::support::emulator()), _runtime: runtime }
    }
}

fn moneykit(emulator: &Emulator) -> blocking::moneykit::Client {
    blocking::moneykit::Client::new(emulator.moneykit().with_tokens(plain)).expect("the client builds")
}

fn moov(emulator: &Emulator) -> blocking::moov::Client {
    let builder = emulator.moov().with_tokens(plain).with_scopes(scopes(&["/accounts.read"]));
    blocking::moov::Client::new(builder).expect("the client builds")
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("spawn_blocking"), "{error}");
}

#[test]
fn all_blocking_calls_work_on_a_plain_thread() {
    let elsewhere = SeparateEmulator::start();
    let emulator = &elsewhere.emulator;
    let client = moneykit(emulator);
    let token = client.default_token().expect("a token");
    client.introspect(&token).expect("the introspection succeeds");
    client.introspect_client().expect("the introspection succeeds");
    assert_eq!(client.jwks().expect("the keys").into_body().keys.len(), 1);
    client.create_access_token(&[]).expect("a token");
    let error = client.introspect(&Secret::from("made-up")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);

    let client = moov(emulator);
    let scopes = scopes(&["/accounts.read"]);
    let pair = client.create_access_token(&scopes).expect("a token").into_body();
    let pair =
        client.refresh(&pair.refresh_token.expect("a refresh token").0, &[]).expect("a pair").into_body();
    client.revoke(&pair.access_token.0, None).expect("the token is revoked");
    assert!(!emulator.is_live(pair.access_token.0.expose_secret()));
    let token = client.token_within(&scopes, Duration::from_secs(5)).expect("a token");
    client.invalidate(&token).expect("the token is invalidated");
    assert_ne!(client.default_token().expect("another").expose_secret(), token.expose_secret());
    assert_eq!(client.stats().invalidations, 1);
}

#[test]
fn moneykit_webhooks_are_verified_without_async() {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let emulator =
        runtime.block_on(Emulator::builder().with_system_clock().start()).expect("the emulator starts");
    let client = moneykit(&emulator);
    let sent = emulator.moneykit_webhook(r#"{"webhook_event":"x"}"#).sign().expect("the webhook is signed");
    let webhook = client.verify_webhook(&sent.headers, sent.body.clone()).expect("the webhook is verified");
    assert_eq!(webhook.event().expect("an event").kind.as_str(), "x");
    let error = client.verify_webhook(&sent.headers, "{}").unwrap_err();
    assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
    let error = runtime.block_on(async { client.verify_webhook(&sent.headers, "{}").unwrap_err() });
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn many_threads_share_one_token_call() {
    let elsewhere = SeparateEmulator::start();
    let client = moov(&elsewhere.emulator);
    thread::scope(|threads| {
        for _ in 0..100 {
            let client = client.clone();
            threads.spawn(move || client.default_token().expect("a token"));
        }
    });
    assert_eq!(elsewhere.emulator.count(Operation::MoovToken), 1);
}

#[test]
fn custom_request_is_retried_once_with_a_new_token() {
    let elsewhere = SeparateEmulator::start();
    let client = moov(&elsewhere.emulator);
    let mut seen = Vec::new();
    let request = |token: Token| {
        seen.push(token.expose_secret().to_owned());
        seen.len()
    };
    let classify = |times: &usize| if *times == 1 { Rejection::InvalidToken } else { Rejection::None };
    let outcome = client.run(&scopes(&["/accounts.read"]), request, classify);
    assert_eq!(outcome.expect("tokens"), 2);
    assert_ne!(seen[0], seen[1]);
    assert_eq!(elsewhere.emulator.count(Operation::MoovToken), 2);
}

fn nothing_waits(client: &blocking::moov::Client) {
    refused(client.default_token());
    refused(client.token(&scopes(&["/accounts.read"])));
    refused(client.revoke(&Secret::from("x"), None));
    refused(moneykit_in_place(client.clone()));
}

fn moneykit_in_place(client: blocking::moov::Client) -> Result<Token, Error> {
    let again = client.clone();
    drop(client);
    again.default_token()
}

#[tokio::test]
async fn blocking_wait_fails_in_a_tokio_test_but_cached_tokens_are_returned() {
    let emulator = crate::support::emulator().await;
    let client = moov(&emulator);
    nothing_waits(&client);
    assert_eq!(emulator.count(Operation::MoovToken), 0, "no token may be requested");
    let elsewhere = client.clone();
    let token = task::spawn_blocking(move || elsewhere.default_token()).await.expect("no panic");
    let token = token.expect("a token");
    assert_eq!(
        client.default_token().expect("the cached token is returned").expose_secret(),
        token.expose_secret()
    );
    refused(client.invalidate(&token));
    assert_eq!(
        client.default_token().expect("the cached token is returned").expose_secret(),
        token.expose_secret()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_wait_fails_on_a_multi_thread_worker() {
    let emulator = crate::support::emulator().await;
    let client = moov(&emulator);
    nothing_waits(&client);
    let inside = client.clone();
    task::spawn(async move { nothing_waits(&inside) }).await.expect("no panic");
    let token = task::block_in_place(|| client.default_token()).expect("a token");
    assert!(emulator.is_live(token.expose_secret()));
}

#[test]
fn blocking_wait_fails_in_a_task_of_a_current_thread_runtime() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let emulator = runtime.block_on(crate::support::emulator());
    let client = moov(&emulator);
    runtime.block_on(async { nothing_waits(&client) });
    let inside = client.clone();
    runtime.block_on(task::LocalSet::new().run_until(async move { nothing_waits(&inside) }));
    let elsewhere = client.clone();
    let token = runtime.block_on(async { task::spawn_blocking(move || elsewhere.default_token()).await });
    token.expect("no panic").expect("a token");
    let _entered = runtime.enter();
    drop(client);
    let elsewhere = SeparateEmulator::start();
    moov(&elsewhere.emulator).default_token().expect("a token");
}

/// `src/blocking/runtime.rs` uses tokio's budget to detect async code. If this test fails with a
/// new version of tokio, change the detection.
#[test]
fn blocking_calls_fail_only_in_async_code() {
    let elsewhere = SeparateEmulator::start();
    let client = moov(&elsewhere.emulator);
    let waits = move || client.revoke(&Secret::from("x"), None).map(drop);
    let allowed = |place: &str, outcome: Result<(), Error>| {
        outcome.unwrap_or_else(|error| panic!("{place}: {error}"));
    };
    let threads =
        || runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let one_thread = || runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    allowed("a plain thread", waits());
    for (name, runtime) in [("multi_thread", threads()), ("current_thread", one_thread())] {
        let f = waits.clone();
        refused(runtime.block_on(async { task::spawn(async move { f() }).await.expect("no panic") }));
        refused(runtime.block_on(async { waits() }));
        refused(runtime.handle().block_on(async { waits() }));
        refused(task::LocalSet::new().block_on(&runtime, async { waits() }));
        let f = waits.clone();
        let local = async move { task::spawn_local(async move { f() }).await.expect("no panic") };
        refused(task::LocalSet::new().block_on(&runtime, local));
        let f = waits.clone();
        refused(runtime.block_on(async move {
            while task::coop::has_budget_remaining() {
                task::coop::consume_budget().await;
            }
            f()
        }));

        let f = waits.clone();
        let blocking = runtime.block_on(async { task::spawn_blocking(f).await });
        allowed(&format!("{name}, spawn_blocking"), blocking.expect("no panic"));
        // `spawn_blocking` allows the thread to block. Code inside `block_on` is async code again,
        // so blocking is not allowed there.
        let (f, handle) = (waits.clone(), runtime.handle().clone());
        let nested = runtime.block_on(async {
            task::spawn_blocking(move || (handle.block_on(async { f() }), f())).await.expect("no panic")
        });
        refused(nested.0);
        allowed(&format!("{name}, spawn_blocking after block_on"), nested.1);
        {
            let _guard = runtime.handle().enter();
            allowed(&format!("{name}, an entered thread"), waits());
        }
        let (f, handle) = (waits.clone(), runtime.handle().clone());
        let entered = thread::spawn(move || {
            let _guard = handle.enter();
            f()
        });
        allowed(&format!("{name}, another entered thread"), entered.join().expect("no panic"));
        // The call cannot detect that it runs in an unconstrained task. The module documentation
        // describes this limit.
        allowed(name, runtime.block_on(task::coop::unconstrained(async { waits() })));
    }
    let runtime = threads();
    allowed("block_in_place", runtime.block_on(async { task::block_in_place(&waits) }));
    let inside = async move { task::spawn(async move { (task::block_in_place(&waits), waits()) }).await };
    let (in_place, after) = runtime.block_on(inside).expect("no panic");
    allowed("block_in_place in a task", in_place);
    refused(after);
}

#[tokio::test]
async fn async_task_continues_after_a_blocking_call_fails() {
    let emulator = crate::support::emulator().await;
    let client = moov(&emulator);
    for _ in 0..10 {
        refused(client.default_token());
        assert!(
            task::coop::has_budget_remaining(),
            "a failed blocking call must not use up the budget of the task"
        );
    }
    task::yield_now().await;
    let client = emulator.moov().build().expect("the client builds");
    client.token(&scopes(&["/accounts.read"])).await.expect("a token");
}

#[derive(Debug)]
struct ReentrantClock(Arc<OnceLock<blocking::moov::Client>>, mpsc::Sender<Result<(), Error>>);

impl Clock for ReentrantClock {
    fn monotonic(&self) -> Duration {
        if let Some(client) = self.0.get()
            && thread::current().name() == Some("fintech-auth")
        {
            let _ = self.1.send(client.create_access_token(&[]).map(drop));
        }
        Duration::from_secs(1)
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[test]
fn blocking_call_on_the_client_thread_fails() {
    let elsewhere = SeparateEmulator::start();
    let (sender, outcomes) = mpsc::channel();
    let cell = Arc::new(OnceLock::new());
    let clock = ReentrantClock(cell.clone(), sender);
    let builder = elsewhere.emulator.moov().with_scopes(scopes(&["/accounts.read"]));
    let builder = builder.with_tokens(|tokens| plain(tokens).with_clock(clock));
    let client = blocking::moov::Client::new(builder).expect("the client builds");
    cell.set(client.clone()).expect("once");
    client.default_token().expect("a token");
    refused(outcomes.try_recv().expect("the clock was called"));
}

#[derive(Debug)]
struct PanickingClock;

impl Clock for PanickingClock {
    fn monotonic(&self) -> Duration {
        assert_ne!(
            thread::current().name(),
            Some("fintech-auth"),
            "the clock of this test panics on the client thread"
        );
        Duration::from_secs(1)
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[test]
fn panic_on_the_client_thread_causes_an_error_and_the_thread_continues() {
    let elsewhere = SeparateEmulator::start();
    let builder =
        elsewhere.emulator.moneykit().with_tokens(|tokens| plain(tokens).with_clock(PanickingClock));
    let client = blocking::moneykit::Client::new(builder).expect("the client builds");
    for _ in 0..2 {
        assert_eq!(client.default_token().unwrap_err().kind(), ErrorKind::Unavailable);
        client.introspect_client().expect("the introspection succeeds");
    }
}

#[test]
fn blocking_client_returns_the_errors_of_the_async_client() {
    let elsewhere = SeparateEmulator::start();
    let emulator = &elsewhere.emulator;
    let builder =
        emulator.moneykit().with_tokens(|tokens| plain(tokens).with_retry(|_| RetryPolicy::never()));
    let client = blocking::moneykit::Client::new(builder).expect("the client builds");
    emulator.fault(Operation::MoneykitToken, json(400, r#"{"error_code":"a.b"}"#));
    let error = client.create_access_token(&[]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidRequest, Some("a.b")));
    let builder = moneykit::Client::builder(emulator.moneykit_credentials().clone()).with_base_url("nowhere");
    assert_eq!(blocking::moneykit::Client::new(builder).unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[test]
fn blocking_shutdown_shuts_down_all_clones_and_fails_in_async_code() {
    let elsewhere = SeparateEmulator::start();
    let client = moov(&elsewhere.emulator);
    let token = client.default_token().expect("a token");
    let runtime = runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { refused(client.shutdown(Duration::from_secs(1))) });
    client.token(&scopes(&["/accounts.write"])).expect("a token, because the shutdown failed");
    client.clone().shutdown(Duration::from_secs(1)).expect("the shutdown succeeds");
    client.shutdown(Duration::from_secs(1)).expect("a second shutdown succeeds");
    assert_eq!(
        client.default_token().expect("the cached token is returned").expose_secret(),
        token.expose_secret()
    );
    let error = client.token(&scopes(&["/transfers.write"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    client.revoke(&token, None).expect("uncached calls work after the shutdown");
    assert_eq!(elsewhere.emulator.count(Operation::MoovToken), 2);
}

#[test]
fn blocking_clients_offer_every_async_call() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for vendor in ["moneykit", "moov"] {
        let read = |path: String| std::fs::read_to_string(src.join(path)).expect("readable");
        let asynchronous = read(format!("{vendor}/client.rs")) + &read("client/forward.rs".to_owned());
        let blocking = read(format!("blocking/{vendor}.rs")) + &read("blocking/inner.rs".to_owned());
        let names: Vec<&str> = asynchronous.split("pub async fn ").skip(1).collect();
        assert!(names.len() > 4);
        for name in names {
            let name = name.split('(').next().expect("a name");
            assert!(blocking.contains(&format!("pub fn {name}(")), "{vendor}: {name}");
        }
    }
}

#[test]
fn a_client_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<blocking::moneykit::Client>();
    shared::<blocking::moov::Client>();
}

fn get(url: &str, headers: &HeaderMap) -> u16 {
    use std::io::{Read as _, Write as _};

    let (address, path) = url.strip_prefix("http://").and_then(|url| url.split_once('/')).expect("a url");
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    let mut head = format!("GET /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("the request is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn credential_headers_are_returned_only_for_the_origin_of_the_client() {
    let elsewhere = SeparateEmulator::start();
    let emulator = &elsewhere.emulator;
    let client = moneykit(emulator);
    let url = format!("{}/auth/introspect", emulator.url());
    for authorizer in [client.key_pair().unwrap(), client.bearer(&[]).unwrap()] {
        let headers = authorizer.headers_for(&url).expect("headers");
        let plain: Vec<_> = headers.iter().filter(|(_, value)| !value.is_sensitive()).collect();
        assert!(plain.iter().all(|(name, _)| *name == "x-client-id"), "{plain:?}");
        assert_eq!(get(&url, &headers), 200);
        for other in ["https://elsewhere.example/", "http://127.0.0.1:1/", "elsewhere", ""] {
            let error = authorizer.headers_for(other).expect_err(other);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        }
    }
    assert_eq!(get(&url, &HeaderMap::new()), 401);

    let client = moov(emulator);
    let url = format!("{}/accounts", emulator.url());
    let pair = client.basic_auth().unwrap().headers_for(&url).unwrap();
    assert!(pair["authorization"].to_str().unwrap().starts_with("Basic "));
    let bearer = client.bearer(client.scopes()).unwrap();
    let token = client.default_token().unwrap();
    assert_eq!(bearer.headers_for(&url).unwrap()["authorization"], *token.authorization());
    let other = bearer.with_scopes(&scopes(&["/fed.read"])).unwrap().headers_for(&url).unwrap();
    assert_ne!(other["authorization"], *token.authorization());
    assert!(client.bearer(&[]).is_err() && client.basic_auth().unwrap().with_scopes(&[]).is_err());

    let page = emulator.moov().with_origin(emulator.origin()).with_tokens(plain);
    let page = blocking::moov::Client::new(page).unwrap();
    let headers = page.bearer(&scopes(&["/accounts.read"])).unwrap().headers_for(&url).unwrap();
    assert_eq!(headers["origin"], emulator.origin());
}

#[tokio::test]
async fn headers_for_method_works_in_async_code_if_the_token_is_cached() {
    let emulator = crate::support::emulator().await;
    let client = moneykit(&emulator);
    let authorizer = client.bearer(&[]).unwrap();
    refused(authorizer.headers_for(emulator.url()));
    let (thread, url) = (authorizer.clone(), emulator.url().to_owned());
    task::spawn_blocking(move || thread.headers_for(url).map(drop)).await.unwrap().unwrap();
    assert!(authorizer.headers_for(emulator.url()).is_ok());
    assert!(client.key_pair().unwrap().headers_for(emulator.url()).is_ok());
}

#[test]
fn every_async_client_method_has_a_blocking_version() {
    const OTHER_NAMES: [(&str, &str); 3] =
        [("builder", "new"), ("webhooks", "verify_webhook"), ("cached", "token")];
    /// The blocking client has no method `tokens`, because `tokens` returns the cache, whose
    /// methods are async. The blocking client has its own versions of the cache's methods.
    const NONE: [&str; 1] = ["tokens"];

    let api = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("api.txt")).unwrap();
    let methods = |client: &str| -> std::collections::BTreeSet<String> {
        let lines = api.lines().filter_map(|line| {
            let line = line.strip_prefix("pub ")?;
            line.strip_prefix("async ")
                .unwrap_or(line)
                .strip_prefix(&format!("fn fintech_auth::{client}::Client::"))
        });
        lines.map(|name| name.split(['(', '<']).next().unwrap_or(name).to_owned()).collect()
    };
    for vendor in ["moneykit", "moov"] {
        let (all, blocking) = (methods(vendor), methods(&format!("blocking::{vendor}")));
        assert!(all.len() > 12, "{all:?}");
        for name in all.iter().filter(|name| !NONE.contains(&name.as_str())) {
            let other = OTHER_NAMES.iter().find(|(other, _)| other == name).map_or(&**name, |(_, here)| here);
            assert!(blocking.contains(other), "blocking::{vendor}::Client has no {other}");
        }
    }
}
