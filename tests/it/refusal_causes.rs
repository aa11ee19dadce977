//! Tests that a refusal blocks only its cause: a scope set, a refresh token or the credentials.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, Scope, Secret,
    emulator::{Emulator, Fault, Operation},
    token::{Fingerprint, IssuedToken, TokenCache, TokenSource},
};
use http::{HeaderName, StatusCode};
use tokio::time::{Instant, sleep};

use crate::{
    scripted::{Reply, TestClock, TokenCall, fail, options, refreshing},
    support::{emulator, scopes},
};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Default)]
struct RefusingSource(Arc<Inner>);

#[derive(Default)]
struct Inner {
    status: Option<StatusCode>,
    refuses_all: AtomicBool,
    asked: Mutex<Vec<String>>,
}

impl RefusingSource {
    fn new(status: Option<StatusCode>, refuses_all: bool) -> Self {
        Self(Arc::new(Inner { status, refuses_all: refuses_all.into(), ..Inner::default() }))
    }

    fn count(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    fn count_of(&self, scope: &str) -> usize {
        self.0.asked.lock().unwrap().iter().filter(|asked| *asked == scope).count()
    }

    fn cache(&self) -> TokenCache {
        TokenCache::new(self.clone(), options(&TestClock::new()))
    }
}

impl TokenSource for RefusingSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["picky"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        let scope = scopes[0].as_str();
        self.0.asked.lock().unwrap().push(scope.to_owned());
        sleep(Duration::from_millis(10)).await;
        if scope.starts_with("bad") || self.0.refuses_all.load(Ordering::Relaxed) {
            let error = Error::new(ErrorKind::Unauthorized, "refused").with_sent(true);
            return Err(match self.0.status {
                Some(status) => error.with_status(status),
                None => error,
            });
        }
        let mut token = IssuedToken::new(format!("token-{}", self.count()));
        token.expires_in = Some(5.into());
        Ok(token)
    }
}

const AMBIGUOUS: [Option<StatusCode>; 2] = [None, Some(StatusCode::FORBIDDEN)];

async fn kind(cache: &TokenCache, scope: &str) -> Option<ErrorKind> {
    cache.token(&scopes(&[scope])).await.err().map(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn refused_scope_set_does_not_block_other_scope_sets() {
    for status in AMBIGUOUS {
        let source = RefusingSource::new(status, false);
        let cache = source.cache();
        for second in 0..60 {
            assert_eq!(kind(&cache, "bad").await, Some(ErrorKind::Unauthorized));
            for number in 0..10 {
                assert_eq!(kind(&cache, &format!("good-{second}-{number}")).await, None, "{status:?}");
            }
            sleep(SECOND).await;
        }
        let refused = source.count_of("bad");
        assert!((5..=6).contains(&refused), "{refused} requests in one minute");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_success_refused_scope_sets_do_not_block_other_scope_sets() {
    let source = RefusingSource::new(Some(StatusCode::FORBIDDEN), false);
    let cache = source.cache();
    let mut held_up = Vec::new();
    for second in 0..600 {
        for number in 0..5 {
            kind(&cache, &format!("bad-{number}")).await;
        }
        if kind(&cache, &format!("good-{second}")).await.is_some() {
            held_up.push(second);
        }
        sleep(SECOND).await;
    }
    assert_eq!(
        held_up,
        (0..held_up.len()).collect::<Vec<_>>(),
        "callers may be blocked only before the first success"
    );
    assert!(held_up.len() <= 61, "{held_up:?}");
}

#[tokio::test(start_paused = true)]
async fn wrong_secret_causes_three_requests_then_one_probe_per_period() {
    for status in AMBIGUOUS {
        let source = RefusingSource::new(status, true);
        let cache = source.cache();
        for number in 0..10_000 {
            assert_eq!(kind(&cache, &format!("scope-{number}")).await, Some(ErrorKind::Unauthorized));
        }
        assert_eq!(source.count(), 3, "{status:?}");
        let start = Instant::now();
        for number in 0.. {
            if start.elapsed() > 3600 * SECOND {
                break;
            }
            kind(&cache, &format!("scope-{}", number % 10_000)).await;
            sleep(Duration::from_millis(500)).await;
        }
        let probes = source.count() - 3;
        assert!((300..=360).contains(&probes), "{status:?}: {probes} requests in one hour");
        let asked = source.count();
        sleep(3600 * SECOND).await;
        assert_eq!(source.count(), asked, "without callers, no request may be sent");
        source.0.refuses_all.store(false, Ordering::Relaxed);
        for number in 0..100 {
            assert_eq!(kind(&cache, &format!("scope-{number}")).await, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn client_credentials_are_blocked_after_one_401() {
    let source = RefusingSource::new(Some(StatusCode::UNAUTHORIZED), true);
    let cache = source.cache();
    for number in 0..10_000 {
        assert_eq!(kind(&cache, &format!("scope-{number}")).await, Some(ErrorKind::Unauthorized));
    }
    assert_eq!(source.count(), 1);
    sleep(10 * SECOND).await;
    for number in 0..100 {
        kind(&cache, &format!("scope-{number}")).await;
    }
    assert_eq!(source.count(), 2, "only one probe may be sent");
}

#[tokio::test(start_paused = true)]
async fn callers_fail_immediately_while_one_request_probes_the_credentials() {
    let source = RefusingSource::new(Some(StatusCode::UNAUTHORIZED), true);
    let cache = source.cache();
    kind(&cache, "a").await;
    sleep(10 * SECOND).await;
    source.0.refuses_all.store(false, Ordering::Relaxed);
    let probe = tokio::spawn({
        let cache = cache.clone();
        async move { kind(&cache, "b").await }
    });
    sleep(Duration::from_millis(5)).await;
    let before = Instant::now();
    assert_eq!(kind(&cache, "c").await, Some(ErrorKind::Unauthorized));
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(probe.await.unwrap(), None);
    assert_eq!(kind(&cache, "c").await, None);
}

#[tokio::test(start_paused = true)]
async fn refused_refresh_token_does_not_block_other_callers() {
    for refusal in [Reply::Refused(401), Reply::Refused(403), fail(ErrorKind::Unauthorized)] {
        let (cache, source) = refreshing([Reply::Token(3600), refusal.clone()]);
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(3591 * SECOND).await;
        cache.token(&scopes(&["a"])).await.unwrap();
        cache.token(&scopes(&["b"])).await.unwrap();
        let issue = |scope: &str| TokenCall::Issue(scope.to_owned());
        let refresh = TokenCall::Refresh("refresh-1".to_owned());
        assert_eq!(source.token_calls(), [issue("a"), refresh, issue("a"), issue("b")], "{refusal:?}");
    }
}

async fn issue(clients: &Clients, operation: Operation, scope: &str) -> Result<(), Error> {
    match operation {
        Operation::MoneykitToken => clients.moneykit.token(&scopes(&[scope])).await.map(drop),
        _ => clients.moov.token(&scopes(&[scope])).await.map(drop),
    }
}

struct Clients {
    moneykit: fintech_auth::moneykit::Client,
    moov: fintech_auth::moov::Client,
}

fn clients(emulator: &Emulator) -> Clients {
    let clock = emulator.clock();
    Clients {
        moneykit: emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone())).build().unwrap(),
        moov: emulator.moov().with_tokens(|tokens| tokens.with_clock(clock.clone())).build().unwrap(),
    }
}

const MOOV_SCOPES: [&str; 4] = ["/accounts.read", "/ping.read", "/fed.read", "/institutions.read"];

fn scopes_of(operation: Operation) -> [&'static str; 4] {
    match operation {
        Operation::MoneykitToken => ["accounts", "identity", "transactions", "institutions"],
        _ => MOOV_SCOPES,
    }
}

fn refusal(status: StatusCode) -> Fault {
    Fault::response(status)
        .with_header(HeaderName::from_static("x-request-id"), http::HeaderValue::from_static("of-the-first"))
        .with_body(
            "application/json",
            r#"{"error":"denied","error_code":"denied","error_message":"merchant 7"}"#,
        )
}

#[tokio::test]
async fn vendor_401_blocks_the_credentials_and_a_403_blocks_one_scope_set() {
    for operation in [Operation::MoneykitToken, Operation::MoovToken] {
        for (status, sent) in [(StatusCode::UNAUTHORIZED, 1), (StatusCode::FORBIDDEN, 3)] {
            let emulator = emulator().await;
            let clients = clients(&emulator);
            emulator.fault_times(operation, refusal(status), 1_000);
            let [first, second, third, fourth] = scopes_of(operation);
            for scope in [first, first, second, second, third, third] {
                let error = issue(&clients, operation, scope).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unauthorized, "{operation:?} {status}");
            }
            let error = issue(&clients, operation, fourth).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{operation:?} {status}");
            assert!(!error.may_have_been_sent() && error.retry_after().is_some());
            assert_eq!((error.message(), error.request_id(), error.fields()), (None, None, &[][..]));
            assert_eq!(error.body::<serde_json::Value>(), None);
            assert!(!format!("{error} {error:?}").contains("of-the-first"), "{error:?}");
            assert_eq!(emulator.count(operation), sent, "{operation:?} {status}");
        }
    }
}

#[tokio::test]
async fn vendor_403_does_not_block_other_scope_sets() {
    for operation in [Operation::MoneykitToken, Operation::MoovToken] {
        let emulator = emulator().await;
        let clients = clients(&emulator);
        emulator.fault(operation, refusal(StatusCode::FORBIDDEN));
        let [first, second, ..] = MOOV_SCOPES;
        let (first, second) = match operation {
            Operation::MoneykitToken => ("institutions:read", ""),
            _ => (first, second),
        };
        issue(&clients, operation, first).await.unwrap_err();
        if second.is_empty() {
            clients.moneykit.token(&[]).await.unwrap();
        } else {
            issue(&clients, operation, second).await.unwrap();
        }
        assert_eq!(emulator.count(operation), 2, "{operation:?}");
    }
}

#[tokio::test]
async fn refused_refresh_token_from_a_caller_does_not_block_other_calls() {
    let emulator = emulator().await;
    let moov = clients(&emulator).moov;
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        emulator.fault(Operation::MoovToken, refusal(status));
        let error = moov.refresh(&Secret::from("made-up"), &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        moov.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    }
    moov.token(&scopes(&["/ping.read"])).await.unwrap();
    emulator.fault(Operation::MoovToken, refusal(StatusCode::UNAUTHORIZED));
    let before = emulator.count(Operation::MoovToken);
    for _ in 0..3 {
        moov.create_access_token(&scopes(&["/ping.read"])).await.unwrap_err();
        moov.refresh(&Secret::from("made-up"), &[]).await.unwrap_err();
    }
    assert_eq!(emulator.count(Operation::MoovToken), before + 1);
}
