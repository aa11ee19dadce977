//! The hot paths whose instructions are counted.

use std::{
    hint::black_box,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use fintech_auth::{
    Credentials, Error, Scope, ScopeSet, moneykit, moov,
    token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
};
use http::HeaderMap;
use serde_json::json;
use tokio::{runtime::Runtime, sync::OnceCell, task::JoinSet};

pub(crate) struct HotPath {
    pub(crate) name: &'static str,
    /// Each path runs in two processes, and the second process makes this many more calls than the
    /// first process. Only the difference between the two counts is used, so the instructions that
    /// start a process are not counted.
    pub(crate) calls: u32,
    pub(crate) run: fn(u32, SocketAddr),
    /// The largest allowed increase of the count, in percent of the recorded count.
    pub(crate) tolerance: f64,
}

pub(crate) const PATHS: [HotPath; 10] = [
    HotPath { name: "cached token, handle", calls: 20_000, run: cached_handle, tolerance: 5.0 },
    HotPath {
        name: "cached token, 1 of 1,000 scope sets",
        calls: 20_000,
        run: cached_keyed,
        tolerance: 10.0,
    },
    HotPath { name: "MoneyKit webhook, 1 KiB", calls: 100, run: moneykit_webhook, tolerance: 5.0 },
    HotPath { name: "Moov webhook", calls: 2_000, run: moov_webhook, tolerance: 5.0 },
    HotPath { name: "exchange, MoneyKit", calls: 400, run: exchange_moneykit, tolerance: 5.0 },
    HotPath {
        name: "exchange, MoneyKit's request by reqwest",
        calls: 400,
        run: exchange_moneykit_reqwest,
        tolerance: 5.0,
    },
    HotPath { name: "exchange, Moov", calls: 400, run: exchange_moov, tolerance: 5.0 },
    HotPath {
        name: "exchange, Moov's request by reqwest",
        calls: 400,
        run: exchange_moov_reqwest,
        tolerance: 5.0,
    },
    HotPath { name: "a caller at a cold start", calls: 20_000, run: cold_callers, tolerance: 5.0 },
    HotPath {
        name: "a caller at a cold start, OnceCell",
        calls: 20_000,
        run: cold_callers_once_cell,
        tolerance: 5.0,
    },
];

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it was not ready at once"),
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

struct Local;

impl TokenSource for Local {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let mut issued = IssuedToken::new("0".repeat(900));
        issued.expires_in = Some(86_400.into());
        Ok(issued)
    }
}

fn scopes() -> [Scope; 1] {
    [Scope::new("/accounts.read").unwrap()]
}

fn cached_handle(calls: u32, _: SocketAddr) {
    let handle = TokenCache::new(Local, TokenOptions::default()).handle(&scopes()).unwrap();
    runtime().block_on(async { handle.token().await.unwrap() });
    for _ in 0..calls {
        black_box(ready(black_box(&handle).token()).unwrap());
    }
}

fn cached_keyed(calls: u32, _: SocketAddr) {
    let sets: Vec<ScopeSet> = (0..1_000)
        .map(|number| {
            let scopes = ["accounts", "transfers", "bank-accounts"];
            let scopes =
                scopes.map(|kind| Scope::new(&format!("/accounts/{number:058}/{kind}.read")).unwrap());
            ScopeSet::new(scopes).unwrap()
        })
        .collect();
    let cache = TokenCache::new(Local, TokenOptions::default());
    runtime().block_on(async {
        for set in &sets {
            cache.token(set).await.unwrap();
        }
    });
    for set in sets.iter().cycle().take(calls as usize) {
        black_box(ready(black_box(&cache).token(set)).unwrap());
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn moneykit_webhook(calls: u32, _: SocketAddr) {
    use moneykit::{
        types::JwkSet,
        webhook::{VerifierOptions, VerifyingKeys, verify},
    };
    use ring::{
        digest::{SHA256, digest},
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };

    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let jwks = json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "webhook-key-1",
        "x": B64.encode(x), "y": B64.encode(y),
    }] });
    let keys = VerifyingKeys::new(&serde_json::from_value::<JwkSet>(jwks).unwrap());
    let mut body = json!({ "webhook_event": "link.state_changed", "padding": "" }).to_string();
    body.insert_str(body.len() - 2, &"a".repeat(1024 - body.len()));
    let claims = json!({
        "iat": unix_seconds(), "exp": unix_seconds() + 3600,
        "request_body_sha256": hex(digest(&SHA256, body.as_bytes()).as_ref()),
    });
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "webhook-key-1" });
    let text = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
    let signature = pair.sign(&random, text.as_bytes()).unwrap();
    let jws = format!("{text}.{}", B64.encode(signature));
    let options = VerifierOptions::default();
    for _ in 0..calls {
        let event = verify(black_box(&jws), body.as_bytes(), &keys, SystemTime::now(), &options);
        black_box(event.unwrap());
    }
}

fn moov_webhook(calls: u32, _: SocketAddr) {
    use fintech_auth::webhook::Tolerance;
    use moov::webhook::{SignedHeaders, SigningSecrets};
    use ring::hmac;

    const SECRET: &str = "a webhook signing secret of 36 bytes";
    let (timestamp, nonce) = (unix_seconds().to_string(), "5f1c7f9e-6a1e-4a94-9f0e-6a6a3a1f2b11");
    let id = "c0ffee00-1111-4222-8333-444455556666";
    let key = hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes());
    let tag = hex(hmac::sign(&key, format!("{timestamp}|{nonce}|{id}").as_bytes()).as_ref());
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("x-timestamp", &*timestamp), ("x-nonce", nonce), ("x-webhook-id", id), ("x-signature", &*tag)]
    {
        headers.insert(name, value.parse().unwrap());
    }
    let secrets = SigningSecrets::new([SECRET.into()]).unwrap();
    for _ in 0..calls {
        let headers = SignedHeaders::read(black_box(&headers)).unwrap();
        black_box(secrets.verify(&headers, SystemTime::now(), Tolerance::default()).unwrap());
    }
}

fn exchange_moneykit(calls: u32, server: SocketAddr) {
    runtime().block_on(async {
        let client = moneykit::Client::builder(Credentials::new("client", "secret"))
            .with_base_url(format!("http://{server}"))
            .with_scopes(scopes())
            // These options set no rate limit, so the client does not delay the calls to respect
            // the vendor's limit.
            .with_tokens(|_| TokenOptions::default())
            .build()
            .unwrap();
        for _ in 0..calls {
            black_box(client.create_access_token(&scopes()).await.unwrap());
        }
    });
}

fn exchange_moov(calls: u32, server: SocketAddr) {
    runtime().block_on(async {
        let client = moov::Client::builder(Credentials::new("client", "secret"))
            .with_base_url(format!("http://{server}"))
            .with_tokens(|_| TokenOptions::default())
            .build()
            .unwrap();
        for _ in 0..calls {
            black_box(client.create_access_token(&scopes()).await.unwrap());
        }
    });
}

#[derive(serde::Deserialize)]
struct Parsed {
    access_token: String,
    expires_in: i64,
}

/// Sends the same method, headers and body as our client, with the same timeout. Parses only the
/// two fields of the response that a client needs.
fn exchange_reqwest(calls: u32, build: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder) {
    runtime().block_on(async {
        let http = reqwest::Client::new();
        for _ in 0..calls {
            let response = build(&http).send().await.unwrap().error_for_status().unwrap();
            let parsed: Parsed = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
            assert_eq!((parsed.access_token.len(), parsed.expires_in), (900, 3600));
        }
    });
}

fn with_headers(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request
        .basic_auth("client", Some("secret"))
        .header("accept", "application/json")
        .header("user-agent", "fintech-auth/0.1.0")
        .timeout(Duration::from_secs(15))
}

fn exchange_moneykit_reqwest(calls: u32, server: SocketAddr) {
    let url = format!("http://{server}/auth/token");
    exchange_reqwest(calls, |http| {
        with_headers(http.post(&url))
            .header("moneykit-version", moneykit::VERSION)
            .form(&[("grant_type", "client_credentials"), ("scope", "/accounts.read")])
    });
}

fn exchange_moov_reqwest(calls: u32, server: SocketAddr) {
    let url = format!("http://{server}/oauth2/token");
    exchange_reqwest(calls, |http| {
        with_headers(http.post(&url))
            .header("x-moov-version", "v2026.07.00")
            .form(&[("grant_type", "client_credentials"), ("scope", "/accounts.read")])
    });
}

/// The runtime has one thread and runs tasks in the order in which they were spawned. So all
/// callers are waiting when the token source responds.
fn cold_callers(calls: u32, _: SocketAddr) {
    let handle = TokenCache::new(Local, TokenOptions::default()).handle(&scopes()).unwrap();
    runtime().block_on(async {
        let mut callers = JoinSet::new();
        for _ in 0..calls {
            let handle = handle.clone();
            callers.spawn(async move { handle.token().await.unwrap().authorization().len() });
        }
        while let Some(length) = callers.join_next().await {
            assert!(length.unwrap() >= 900);
        }
    });
}

fn cold_callers_once_cell(calls: u32, _: SocketAddr) {
    let cell = Arc::new(OnceCell::new());
    runtime().block_on(async {
        let mut callers = JoinSet::new();
        for _ in 0..calls {
            let cell = cell.clone();
            callers.spawn(async move {
                let request = || tokio::spawn(async { "0".repeat(900) });
                let token = cell.get_or_init(|| async { request().await.unwrap() });
                token.await.len()
            });
        }
        while let Some(length) = callers.join_next().await {
            assert!(length.unwrap() >= 900);
        }
    });
}
