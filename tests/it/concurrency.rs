//! Tests ten thousand concurrent callers over real sockets. The server must count exactly the
//! expected number of requests.

use std::time::Duration;

use fintech_auth::{
    Error, ErrorKind, HttpOptions, ManualClock, Secret, Token,
    emulator::{Emulator, Fault, Operation},
    token::{Fingerprint, IssuedToken, Scope, TokenCache, TokenOptions, TokenSource},
};
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{TOKEN, scopes};

const CALLERS: usize = 10_000;
const LONG: Duration = Duration::from_secs(120);

#[derive(Clone)]
enum Client {
    Moneykit(fintech_auth::moneykit::Client),
    Moov(fintech_auth::moov::Client),
}

impl Client {
    fn new(operation: Operation, emulator: &Emulator) -> Self {
        let clock = emulator.clock().clone();
        let tokens = |tokens: TokenOptions| tokens.with_jitter(0.0).with_clock(clock).with_max_wait(LONG);
        // The timeout is long, because a request that times out is retried and counted twice.
        let http = HttpOptions::default().with_timeout(LONG).with_connect_timeout(LONG);
        let scopes = scopes(&["/accounts.read"]);
        match operation {
            Operation::MoneykitToken => {
                let client = emulator.moneykit().with_http(|_| http).with_scopes(scopes);
                Self::Moneykit(client.with_tokens(tokens).build().unwrap())
            }
            _ => {
                let client = emulator.moov().with_http(|_| http).with_scopes(scopes);
                Self::Moov(client.with_tokens(tokens).build().unwrap())
            }
        }
    }

    async fn token(&self) -> Result<Token, Error> {
        match self {
            Self::Moneykit(client) => client.default_token().await,
            Self::Moov(client) => client.default_token().await,
        }
    }

    async fn invalidate(&self, token: &Token) {
        match self {
            Self::Moneykit(client) => client.invalidate(token).await,
            Self::Moov(client) => client.invalidate(token).await,
        }
    }

    async fn stampede(&self) -> Vec<(Result<String, ErrorKind>, usize)> {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let client = self.clone();
            callers.spawn(async move {
                client
                    .token()
                    .await
                    .map(|token| token.expose_secret().to_owned())
                    .map_err(|error| error.kind())
            });
        }
        let mut outcomes: Vec<(Result<String, ErrorKind>, usize)> = Vec::new();
        for outcome in callers.join_all().await {
            match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, count)) => *count += 1,
                None => outcomes.push((outcome, 1)),
            }
        }
        outcomes
    }
}

async fn emulator() -> Emulator {
    let clock = ManualClock::new(std::time::SystemTime::now());
    Emulator::builder().with_clock(clock).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_without_a_cached_token_send_one_request() {
    for operation in TOKEN {
        let emulator = emulator().await;
        emulator.fault(operation, Fault::delay(Duration::from_millis(50)));
        let outcomes = Client::new(operation, &emulator).stampede().await;
        assert!(matches!(&outcomes[..], [(Ok(_), CALLERS)]), "{operation:?}: {} outcomes", outcomes.len());
        assert_eq!(emulator.count(operation), 1, "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_with_an_expired_token_send_one_request() {
    for operation in TOKEN {
        let emulator = emulator().await;
        let client = Client::new(operation, &emulator);
        let first = client.token().await.unwrap();
        emulator.clock().advance(Duration::from_secs(4000));
        emulator.fault(operation, Fault::delay(Duration::from_millis(50)));
        let outcomes = client.stampede().await;
        assert!(
            matches!(&outcomes[..], [(Ok(token), CALLERS)] if token != first.expose_secret()),
            "{operation:?}"
        );
        assert_eq!(emulator.count(operation), 2, "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_get_the_stale_token_and_send_one_request() {
    for operation in TOKEN {
        let emulator = emulator().await;
        let client = Client::new(operation, &emulator);
        let first = client.token().await.unwrap().expose_secret().to_owned();
        emulator.clock().advance(Duration::from_secs(3300));
        emulator.fault(operation, Fault::hang());
        assert_eq!(client.stampede().await, [(Ok(first), CALLERS)], "{operation:?}");
        tokio::time::timeout(LONG, async {
            while emulator.count(operation) < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .unwrap();
        assert_eq!(emulator.count(operation), 2, "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_share_the_attempts_of_a_failing_refresh() {
    for operation in TOKEN {
        let emulator = emulator().await;
        let client = Client::new(operation, &emulator);
        emulator.fault_times(operation, Fault::response(StatusCode::SERVICE_UNAVAILABLE), usize::MAX);
        for _ in 0..3 {
            assert_eq!(client.stampede().await, [(Err(ErrorKind::Unavailable), CALLERS)], "{operation:?}");
            assert_eq!(emulator.count(operation), 3, "{operation:?}");
        }
        emulator.clear_faults();
        emulator.clock().advance(Duration::from_secs(1));
        let outcomes = client.stampede().await;
        assert!(matches!(&outcomes[..], [(Ok(_), CALLERS)]), "{operation:?}");
        assert_eq!(emulator.count(operation), 4, "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_rejections_of_one_token_cause_one_request() {
    for operation in TOKEN {
        let emulator = emulator().await;
        let client = Client::new(operation, &emulator);
        let rejected = client.token().await.unwrap();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (client, rejected) = (client.clone(), rejected.clone());
            callers.spawn(async move {
                client.invalidate(&rejected).await;
                client.token().await.unwrap().expose_secret().to_owned()
            });
        }
        let given = callers.join_all().await;
        assert!(
            given.iter().all(|token| token == &given[0] && token != rejected.expose_secret()),
            "{operation:?}"
        );
        assert_eq!(emulator.count(operation), 2, "{operation:?}");
    }
}

#[tokio::test]
async fn each_moov_refresh_token_is_replaced_after_it_is_sent_once() {
    let emulator = emulator().await;
    let client = Client::new(Operation::MoovToken, &emulator);
    for round in 1..=5 {
        if round % 2 == 0 {
            emulator.fault(Operation::MoovToken, Fault::close().after_serving());
        }
        let token = client.token().await.unwrap();
        assert!(emulator.is_live(token.expose_secret()), "round {round}");
        emulator.clock().advance(Duration::from_secs(1000));
    }
    assert_eq!(emulator.double_spends(), 0);
}

#[tokio::test]
async fn revoke_removes_the_token_from_the_cache_and_at_the_vendor() {
    let emulator = emulator().await;
    let moov = emulator.moov().build().unwrap();
    let scopes = scopes(&["/ping.read"]);
    let token = moov.token(&scopes).await.unwrap();
    moov.revoke(&token, None).await.unwrap();
    assert!(!emulator.is_live(token.expose_secret()));
    let next = moov.token(&scopes).await.unwrap();
    assert!(next.expose_secret() != token.expose_secret() && emulator.is_live(next.expose_secret()));
    assert_eq!(emulator.double_spends(), 0);

    let failing = Fault::response(StatusCode::INTERNAL_SERVER_ERROR);
    emulator.fault_times(Operation::MoovRevoke, failing, usize::MAX);
    assert!(moov.revoke(&next, None).await.is_err());
    assert!(emulator.is_live(next.expose_secret()) && moov.tokens().cached(&scopes).is_none());
}

#[tokio::test]
async fn cool_down_also_applies_to_uncached_calls() {
    let emulator = emulator().await;
    let client = emulator.moneykit().build().unwrap();
    let busy = Fault::response(StatusCode::TOO_MANY_REQUESTS).with_header(http::header::RETRY_AFTER, 60);
    emulator.fault(Operation::MoneykitToken, busy);
    assert_eq!(client.create_access_token(&[]).await.unwrap_err().kind(), ErrorKind::RateLimited);
    let error = client.create_access_token(&[]).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_sent()), (ErrorKind::RateLimited, false));
    assert_eq!(client.token(&[]).await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(emulator.count(Operation::MoneykitToken), 1);
}

#[tokio::test]
async fn only_idempotent_calls_are_retried() {
    let emulator = emulator().await;
    let (linking, moving) = (emulator.moneykit().build().unwrap(), emulator.moov().build().unwrap());
    let operations = Operation::ALL.iter().copied().filter(|operation| *operation != Operation::MoovAccounts);
    for operation in operations.clone() {
        emulator.fault(operation, Fault::reset());
    }
    let token = linking.create_access_token(&[]).await.unwrap();
    linking.introspect(&token.access_token).await.unwrap();
    linking.jwks().await.unwrap();
    let token = moving.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    moving.revoke(&token.access_token, None).await.unwrap();
    assert!(operations.clone().all(|operation| emulator.count(operation) == 2));

    emulator.fault(Operation::MoovToken, Fault::close().after_serving());
    let refresh_token =
        moving.create_access_token(&scopes(&["/ping.read"])).await.unwrap().into_body().refresh_token;
    emulator.clear_requests();
    emulator.fault(Operation::MoovToken, Fault::close().after_serving());
    let error = moving.refresh(&refresh_token.unwrap(), &[]).await.unwrap_err();
    assert!(error.may_have_been_sent());
    assert_eq!((emulator.count(Operation::MoovToken), emulator.double_spends()), (1, 0));
}

struct CustomSource {
    address: String,
    credentials: (String, String),
}

impl TokenSource for CustomSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of([self.address.as_str(), &self.credentials.0, &self.credentials.1])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        let unavailable =
            |error: std::io::Error| Error::new(ErrorKind::Unavailable, "no response").with_source(error);
        let (id, secret) = &self.credentials;
        let scope = scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join("+");
        let body =
            format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}");
        let mut stream = TcpStream::connect(&self.address).await.map_err(unavailable)?;
        let request = format!(
            "POST /auth/token HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        stream.write_all(request.as_bytes()).await.map_err(unavailable)?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await.map_err(unavailable)?;
        let unreadable = || Error::new(ErrorKind::InvalidResponse, "not a token response").with_sent(true);
        let (_, json) = response.split_once("\r\n\r\n").ok_or_else(unreadable)?;
        let fields: serde_json::Value = serde_json::from_str(json).map_err(|_| unreadable())?;
        let mut token = IssuedToken::new(fields["access_token"].as_str().ok_or_else(unreadable)?);
        token.expires_in = fields["expires_in"].as_i64().map(Into::into);
        Ok(token)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_a_custom_source_are_shared_renewed_and_revoked() {
    let emulator = emulator().await;
    let credentials = emulator.moneykit_credentials();
    let source = CustomSource {
        address: emulator.url().trim_start_matches("http://").to_owned(),
        credentials: (
            credentials.client_id().to_owned(),
            credentials.client_secret().expose_secret().to_owned(),
        ),
    };
    let cache = TokenCache::new(source, TokenOptions::default().with_clock(emulator.clock().clone()));
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let cache = cache.clone();
        callers.spawn(async move {
            cache.token(&scopes(&["institutions:read"])).await.unwrap().expose_secret().to_owned()
        });
    }
    let first = callers.join_all().await.remove(0);
    assert!(emulator.is_live(&first));
    assert_eq!(emulator.count(Operation::MoneykitToken), 1);
    emulator.clock().advance(Duration::from_secs(3600));
    let token = cache.token(&scopes(&["institutions:read"])).await.unwrap();
    assert!(token.expose_secret() != first && emulator.is_live(token.expose_secret()));
    cache.forget(&Secret::from(token.expose_secret())).await.unwrap();
    assert_ne!(
        cache.token(&scopes(&["institutions:read"])).await.unwrap().expose_secret(),
        token.expose_secret()
    );
}
