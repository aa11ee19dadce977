//! The clients and caches that the benchmarks compare. All of them get tokens from the local
//! server.

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use aws_smithy_async::{rt::sleep::TokioSleep, time::SystemTimeSource};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::{
    identity::{
        Identity, IdentityFuture, ResolveCachedIdentity, ResolveIdentity, SharedIdentityCache,
        SharedIdentityResolver, http::Token as SmithyToken,
    },
    runtime_components::{RuntimeComponents, RuntimeComponentsBuilder},
};
use aws_smithy_types::config_bag::ConfigBag;
use azure_core::{
    credentials::TokenCredential,
    http::{
        AsyncRawResponse, Body, ClientOptions, HttpClient, Request, StatusCode, Transport,
        headers::Headers,
    },
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use fintech_auth::{
    Credentials, Scope, moneykit, moov,
    token::{Fingerprint, IssuedToken, TokenCache, TokenHandle, TokenOptions, TokenSource},
};
use gcp_auth::TokenProvider as _;
use http::HeaderValue;
use huskarl::{
    cache::{GrantTokenSource, InMemoryRefreshTokenStore, InMemoryTokenCache, TokenSource as _},
    core::{
        client_auth::ClientSecret,
        secrets::{ProvidedSecret, SecretString},
    },
    grant::client_credentials::{ClientCredentialsGrant, ClientCredentialsGrantParameters},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::{Duration, Instant, SystemTime},
};
use tame_oauth::gcp::{ServiceAccountInfo, ServiceAccountProvider, TokenOrRequest, TokenProvider};
use tokio::sync::{Mutex, OnceCell};

const SCOPES: &[&str] = &["/accounts.read"];

pub trait Peer: Sized + Send + Sync + 'static {
    const NAME: &str;

    fn new(addr: SocketAddr) -> impl Future<Output = Self> + Send;

    fn token(&self) -> impl Future<Output = usize> + Send;
}

pub struct Entry {
    pub header: HeaderValue,
    pub expires: Instant,
}

impl Entry {
    pub fn new(access_token: &str) -> Self {
        let header = format!("Bearer {access_token}");
        Self {
            header: header.try_into().expect("header"),
            expires: Instant::now() + Duration::from_secs(3600),
        }
    }

    pub fn is_valid(&self) -> bool {
        Instant::now() < self.expires
    }
}

#[derive(Deserialize)]
pub struct TokenResponse {
    pub access_token: String,
    pub expires_in: u64,
}

pub fn token_url(addr: SocketAddr) -> String {
    format!("http://{addr}/oauth2/token")
}

pub const FORM: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", "client"),
    ("client_secret", "secret"),
    ("scope", "/accounts.read"),
];

#[derive(Clone)]
struct Fetch {
    http: reqwest::Client,
    url: String,
}

impl Fetch {
    fn new(addr: SocketAddr) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: token_url(addr),
        }
    }

    async fn fetch(&self) -> reqwest::Result<Arc<Entry>> {
        let response = self.http.post(&self.url).form(&FORM).send().await?;
        let token: TokenResponse = response.json().await?;
        Ok(Arc::new(Entry::new(&token.access_token)))
    }
}

pub struct Nobody;

impl Peer for Nobody {
    const NAME: &str = "floor: no client at all";

    async fn new(_: SocketAddr) -> Self {
        Self
    }

    async fn token(&self) -> usize {
        900
    }
}

pub struct MokaFuture {
    pub cache: moka::future::Cache<String, Arc<Entry>>,
    fetch: Fetch,
}

impl Peer for MokaFuture {
    const NAME: &str = "moka::future try_get_with";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            cache: moka::future::Cache::new(1024),
            fetch: Fetch::new(addr),
        }
    }

    async fn token(&self) -> usize {
        let entry = self
            .cache
            .try_get_with_by_ref(SCOPES[0], self.fetch.fetch());
        entry.await.expect("token").header.len()
    }
}

pub struct TokioOnceCell {
    cell: OnceCell<Arc<Entry>>,
    fetch: Fetch,
}

impl Peer for TokioOnceCell {
    const NAME: &str = "tokio OnceCell (never expires)";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            cell: OnceCell::new(),
            fetch: Fetch::new(addr),
        }
    }

    async fn token(&self) -> usize {
        let entry = self.cell.get_or_try_init(|| self.fetch.fetch());
        Arc::clone(entry.await.expect("token")).header.len()
    }
}

pub struct TokioMutex {
    slot: Mutex<Option<Arc<Entry>>>,
    fetch: Fetch,
}

impl Peer for TokioMutex {
    const NAME: &str = "tokio Mutex<Option<Arc>>";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            slot: Mutex::default(),
            fetch: Fetch::new(addr),
        }
    }

    async fn token(&self) -> usize {
        let mut slot = self.slot.lock().await;
        let entry = match &*slot {
            Some(entry) if entry.is_valid() => Arc::clone(entry),
            _ => {
                let entry = self.fetch.fetch().await.expect("token");
                *slot = Some(Arc::clone(&entry));
                entry
            }
        };
        entry.header.len()
    }
}

pub struct ArcSwapMutex {
    current: ArcSwapOption<Entry>,
    refresh: Mutex<()>,
    fetch: Fetch,
}

impl ArcSwapMutex {
    fn header(&self) -> Option<HeaderValue> {
        let entry = self.current.load();
        let entry = entry.as_ref().filter(|entry| entry.is_valid())?;
        Some(entry.header.clone())
    }
}

impl Peer for ArcSwapMutex {
    const NAME: &str = "ArcSwap + tokio Mutex";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            refresh: Mutex::new(()),
            fetch: Fetch::new(addr),
        }
    }

    async fn token(&self) -> usize {
        if let Some(header) = self.header() {
            return header.len();
        }
        let _elected = self.refresh.lock().await;
        if let Some(header) = self.header() {
            return header.len();
        }
        let entry = self.fetch.fetch().await.expect("token");
        let header = entry.header.clone();
        self.current.store(Some(entry));
        header.len()
    }
}

pub struct Naive {
    slot: std::sync::RwLock<Option<Arc<Entry>>>,
    fetch: Fetch,
}

impl Naive {
    fn valid(&self) -> Option<Arc<Entry>> {
        let slot = self.slot.read().expect("lock");
        slot.as_ref()
            .filter(|entry| entry.is_valid())
            .map(Arc::clone)
    }
}

impl Peer for Naive {
    const NAME: &str = "naive RwLock, fetch unlocked";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            slot: Default::default(),
            fetch: Fetch::new(addr),
        }
    }

    async fn token(&self) -> usize {
        if let Some(entry) = self.valid() {
            return entry.header.len();
        }
        let entry = self.fetch.fetch().await.expect("token");
        let length = entry.header.len();
        *self.slot.write().expect("lock") = Some(entry);
        length
    }
}

#[derive(Clone)]
pub struct FetchSource(Fetch);

impl FetchSource {
    pub fn new(addr: SocketAddr) -> Self {
        Self(Fetch::new(addr))
    }
}

impl TokenSource for FetchSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of([self.0.url.as_str()])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, fintech_auth::Error> {
        let failed = |_| fintech_auth::Error::new(fintech_auth::ErrorKind::Unavailable, "no token");
        let response = self.0.http.post(&self.0.url).form(&FORM).send().await.map_err(failed)?;
        let token: TokenResponse = response.json().await.map_err(failed)?;
        let mut issued = IssuedToken::new(token.access_token);
        issued.expires_in = Some((token.expires_in as i64).into());
        Ok(issued)
    }
}

pub fn scopes() -> [Scope; 1] {
    [Scope::new(SCOPES[0]).expect("scope")]
}

pub struct Ours(TokenHandle);

impl Peer for Ours {
    const NAME: &str = "fintech-auth handle.token()";

    async fn new(addr: SocketAddr) -> Self {
        let cache = TokenCache::new(FetchSource::new(addr), TokenOptions::default());
        Self(cache.handle(&scopes()).unwrap())
    }

    async fn token(&self) -> usize {
        self.0.token().await.expect("token").authorization().len()
    }
}

pub struct OursKeyed {
    cache: TokenCache,
    scopes: [Scope; 1],
}

impl Peer for OursKeyed {
    const NAME: &str = "fintech-auth cache.token(&scopes)";

    async fn new(addr: SocketAddr) -> Self {
        let cache = TokenCache::new(FetchSource::new(addr), TokenOptions::default());
        Self { cache, scopes: scopes() }
    }

    async fn token(&self) -> usize {
        self.cache.token(&self.scopes).await.expect("token").authorization().len()
    }
}

pub struct OursMoneykit(moneykit::Client);

/// Creates a client without a rate limit, because a benchmark sends more requests than MoneyKit
/// allows.
pub fn moneykit(addr: SocketAddr) -> moneykit::Client {
    moneykit::Client::builder(Credentials::new("client", "secret"))
        .with_base_url(format!("http://{addr}"))
        .with_scopes(scopes())
        .with_tokens(|_| TokenOptions::default())
        .build()
        .expect("client")
}

pub fn moov(addr: SocketAddr) -> moov::Client {
    moov::Client::builder(Credentials::new("client", "secret"))
        .with_base_url(format!("http://{addr}"))
        .with_tokens(|_| TokenOptions::default())
        .build()
        .expect("client")
}

impl Peer for OursMoneykit {
    const NAME: &str = "fintech-auth moneykit default_token()";

    async fn new(addr: SocketAddr) -> Self {
        Self(moneykit(addr))
    }

    async fn token(&self) -> usize {
        self.0.default_token().await.expect("token").authorization().len()
    }
}

pub fn huskarl_grant(addr: SocketAddr) -> ClientCredentialsGrant {
    let secret = ProvidedSecret::new(SecretString::new("secret"));
    ClientCredentialsGrant::builder()
        .token_endpoint(token_url(addr).parse().expect("url"))
        .client_id("client")
        .client_auth(ClientSecret::new(secret))
        .http_client(huskarl_reqwest::ReqwestClient::from(reqwest::Client::new()))
        .build()
}

pub fn huskarl_parameters() -> ClientCredentialsGrantParameters {
    ClientCredentialsGrantParameters::builder()
        .scope(SCOPES.iter().copied().map(str::to_owned).collect())
        .build()
}

pub struct Huskarl(
    InMemoryTokenCache<GrantTokenSource<ClientCredentialsGrant, InMemoryRefreshTokenStore>>,
);

impl Peer for Huskarl {
    const NAME: &str = "huskarl InMemoryTokenCache";

    async fn new(addr: SocketAddr) -> Self {
        let source = GrantTokenSource::builder()
            .grant(huskarl_grant(addr))
            .grant_parameters(huskarl_parameters())
            .refresh_store(InMemoryRefreshTokenStore::default())
            .build();
        Self(InMemoryTokenCache::builder().source(source).build())
    }

    async fn token(&self) -> usize {
        let response = self.0.token().await.expect("token");
        response.access_token().token().expose_secret().len()
    }
}

pub struct Aliri {
    addr: SocketAddr,
    watcher: OnceCell<aliri_tokens::TokenWatcher>,
}

pub fn aliri_source(
    addr: SocketAddr,
) -> aliri_tokens::sources::oauth2::ClientCredentialsTokenSource<
    aliri_clock::System,
    aliri_tokens::sources::oauth2::FormBody,
> {
    use aliri_tokens::{ClientId, ClientSecret, TokenLifetimeConfig, sources::oauth2};
    let credentials = oauth2::dto::ClientCredentialsWithAudience {
        credentials: Arc::new(oauth2::dto::ClientCredentials {
            client_id: ClientId::from_static("client"),
            client_secret: ClientSecret::from_static("secret"),
        }),
        audience: aliri::jwt::Audience::from_static("api"),
    };
    let url = token_url(addr).parse().expect("url");
    let config = TokenLifetimeConfig::default();
    oauth2::ClientCredentialsTokenSource::new(reqwest012::Client::new(), url, credentials, config)
        .using_form_data()
}

impl Peer for Aliri {
    const NAME: &str = "aliri_tokens TokenWatcher";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            watcher: OnceCell::new(),
        }
    }

    async fn token(&self) -> usize {
        let spawn = || async {
            aliri_tokens::TokenWatcher::spawn_from_token_source(
                aliri_source(self.addr),
                aliri_tokens::jitter::NullJitter,
                aliri_tokens::backoff::ErrorBackoffConfig::default(),
            )
            .await
        };
        let watcher = self.watcher.get_or_try_init(spawn).await.expect("token");
        watcher.token().access_token().as_str().len()
    }
}

fn service_account(addr: SocketAddr) -> Value {
    static PEM: LazyLock<String> = LazyLock::new(|| {
        use aws_lc_rs::{
            encoding::{AsDer, Pkcs8V1Der},
            rsa::{KeyPair, KeySize},
        };
        use base64::prelude::{BASE64_STANDARD, Engine};
        let key = KeyPair::generate(KeySize::Rsa2048).expect("key");
        let der: Pkcs8V1Der = key.as_der().expect("der");
        let text = BASE64_STANDARD.encode(der.as_ref());
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ascii"))
            .collect();
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        )
    });
    json!({
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "key",
        "private_key": *PEM,
        "client_email": "robot@example.com",
        "client_id": "1",
        "token_uri": token_url(addr),
    })
}

pub struct YupOauth2(yup_oauth2::authenticator::DefaultAuthenticator);

impl Peer for YupOauth2 {
    const NAME: &str = "yup-oauth2 service account";

    async fn new(addr: SocketAddr) -> Self {
        let key = serde_json::from_value(service_account(addr)).expect("key");
        let auth = yup_oauth2::ServiceAccountAuthenticator::builder(key).build();
        Self(auth.await.expect("authenticator"))
    }

    async fn token(&self) -> usize {
        let token = self.0.token(SCOPES).await.expect("token");
        token.token().expect("access token").len()
    }
}

pub struct GcpAuth(gcp_auth::CustomServiceAccount);

impl Peer for GcpAuth {
    const NAME: &str = "gcp_auth CustomServiceAccount";

    async fn new(addr: SocketAddr) -> Self {
        let key = service_account(addr).to_string();
        Self(gcp_auth::CustomServiceAccount::from_json(&key).expect("account"))
    }

    async fn token(&self) -> usize {
        self.0.token(SCOPES).await.expect("token").as_str().len()
    }
}

pub struct TameOauth {
    provider: ServiceAccountProvider,
    http: reqwest::Client,
}

impl Peer for TameOauth {
    const NAME: &str = "tame-oauth CachedTokenProvider";

    async fn new(addr: SocketAddr) -> Self {
        let key = service_account(addr).to_string();
        let info = ServiceAccountInfo::deserialize(key).expect("key");
        Self {
            provider: ServiceAccountProvider::new(info).expect("provider"),
            http: reqwest::Client::new(),
        }
    }

    async fn token(&self) -> usize {
        match self.provider.get_token(SCOPES).expect("token") {
            TokenOrRequest::Token(token) => token.access_token.len(),
            TokenOrRequest::Request {
                request,
                scope_hash,
                ..
            } => {
                let request = request
                    .map(reqwest::Body::from)
                    .try_into()
                    .expect("request");
                let response = self.http.execute(request).await.expect("response");
                let mut parts = http::Response::new(());
                *parts.status_mut() = response.status();
                *parts.headers_mut() = response.headers().clone();
                let body = response.bytes().await.expect("body");
                let response = parts.map(|()| body);
                let token = self.provider.parse_token_response(scope_hash, response);
                token.expect("token").access_token.len()
            }
        }
    }
}

pub struct GoogleCloudAuth {
    credentials: google_cloud_auth::credentials::AccessTokenCredentials,
}

pub fn google_user(addr: SocketAddr) -> google_cloud_auth::credentials::user_account::Builder {
    google_cloud_auth::credentials::user_account::Builder::new(json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "secret",
        "refresh_token": "refresh",
    }))
    .with_token_uri(token_url(addr))
}

impl Peer for GoogleCloudAuth {
    const NAME: &str = "google-cloud-auth access_token()";

    async fn new(addr: SocketAddr) -> Self {
        let credentials = google_user(addr).build_access_token_credentials();
        Self {
            credentials: credentials.expect("credentials"),
        }
    }

    async fn token(&self) -> usize {
        self.credentials
            .access_token()
            .await
            .expect("token")
            .token
            .len()
    }
}

pub struct GoogleCloudHeaders(google_cloud_auth::credentials::Credentials);

impl Peer for GoogleCloudHeaders {
    const NAME: &str = "google-cloud-auth headers()";

    async fn new(addr: SocketAddr) -> Self {
        Self(google_user(addr).build().expect("credentials"))
    }

    async fn token(&self) -> usize {
        use google_cloud_auth::credentials::CacheableResource::New;
        match self
            .0
            .headers(http::Extensions::new())
            .await
            .expect("headers")
        {
            New { data, .. } => data["authorization"].len(),
            _ => unreachable!("no entity tag was given"),
        }
    }
}

#[derive(Debug)]
struct ToLocalServer {
    http: reqwest::Client,
    url: String,
}

#[async_trait]
impl HttpClient for ToLocalServer {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body().clone() else {
            unreachable!("a form")
        };
        let response = self
            .http
            .post(&self.url)
            .body(body)
            .send()
            .await
            .expect("response");
        let body = response.bytes().await.expect("body");
        Ok(AsyncRawResponse::from_bytes(
            StatusCode::Ok,
            Headers::new(),
            body,
        ))
    }
}

pub struct AzureIdentity(pub Arc<ClientSecretCredential>);

impl Peer for AzureIdentity {
    const NAME: &str = "azure_identity ClientSecretCredential";

    async fn new(addr: SocketAddr) -> Self {
        let transport = ToLocalServer {
            http: reqwest::Client::new(),
            url: token_url(addr),
        };
        let options = ClientSecretCredentialOptions {
            client_options: ClientOptions {
                transport: Some(Transport::new(Arc::new(transport))),
                ..Default::default()
            },
        };
        let credential =
            ClientSecretCredential::new("tenant", "client".into(), "secret".into(), Some(options));
        Self(credential.expect("credential"))
    }

    async fn token(&self) -> usize {
        self.0
            .get_token(SCOPES, None)
            .await
            .expect("token")
            .token
            .secret()
            .len()
    }
}

struct SmithyResolver(Fetch);

impl std::fmt::Debug for SmithyResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmithyResolver")
    }
}

impl ResolveIdentity for SmithyResolver {
    fn resolve_identity<'a>(
        &'a self,
        _: &'a RuntimeComponents,
        _: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async {
            let entry = self.0.fetch().await?;
            let expires = SystemTime::now() + Duration::from_secs(3600);
            let token = entry.header.to_str()?;
            Ok(Identity::new(
                SmithyToken::new(token, Some(expires)),
                Some(expires),
            ))
        })
    }
}

pub struct AwsSmithy {
    cache: SharedIdentityCache,
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
}

impl Peer for AwsSmithy {
    const NAME: &str = "aws-smithy-runtime IdentityCache";

    async fn new(addr: SocketAddr) -> Self {
        Self {
            cache: IdentityCache::lazy().build(),
            resolver: SharedIdentityResolver::new(SmithyResolver(Fetch::new(addr))),
            components: RuntimeComponentsBuilder::for_tests()
                .with_time_source(Some(SystemTimeSource::new()))
                .with_sleep_impl(Some(TokioSleep::new()))
                .build()
                .expect("components"),
            config: ConfigBag::base(),
        }
    }

    async fn token(&self) -> usize {
        let identity = self
            .cache
            .resolve_cached_identity(self.resolver.clone(), &self.components, &self.config)
            .await
            .expect("identity");
        identity.data::<SmithyToken>().expect("token").token().len()
    }
}
