//! The client: MoneyKit's three operations, one method each.

use std::{sync::Arc, time::Duration};

use super::{
    api::{Api, Inner, issued},
    auth::{Auth, ClientAuth, Identity, KEY_PAIR},
    types,
    webhook::{KeyCache, VerifierOptions, WebhookVerifier},
};
use crate::{
    CredentialsProvider, Error, ErrorKind, Response, Scope,
    authorize::Authorizer,
    client::{self, Builder, builder_methods, client_methods, issue_method},
    retry::Idempotency,
    token::{AsToken, TokenOptions},
    transport::is_like,
    webhook::Deliveries,
};

/// A client of MoneyKit's auth endpoints. Cheap to clone; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

client_methods!("Without scopes it may do all that the application may.");
issue_method!(types::CreateAccessTokenResponse);

impl Client {
    fn inner(&self) -> &client::Inner<Api> {
        &self.0.shared
    }

    /// An [`Authorizer`] that adds the key pair, in `X-Client-Id` and `X-Client-Secret`,
    /// to requests of your own to the same origin. It needs no token. A request that comes back with a 401 is
    /// repeated once if the credentials have been replaced. See [`authorize`](crate::authorize#security) for
    /// redirects.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the client has no credentials, or headers cannot carry them.
    pub fn key_pair(&self) -> Result<Authorizer, Error> {
        let api = &self.inner().api;
        let credentials = api.auth.credentials()?;
        if let Some(known) = credentials.known() {
            known.key_pair()?;
        }
        Ok(Authorizer::key_pair_at(Arc::new(credentials.clone()), KEY_PAIR, api.http.base()))
    }

    /// Issues a token (`POST /auth/token`) that is not kept: most callers want [`Client::token`].
    /// Without scopes it may do all that the application may.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`] for wrong credentials, [`ErrorKind::InvalidRequest`] for a scope that
    /// is not granted, and the kinds of any call: `RateLimited`, `Unavailable`, `Timeout`,
    /// `InvalidResponse`.
    ///
    /// # Cancellation
    ///
    /// A token may have been issued that nobody has. It counts against the vendor's limits, and ends by itself.
    pub async fn create_access_token(
        &self,
        scopes: &[Scope],
    ) -> Result<Response<types::CreateAccessTokenResponse>, Error> {
        let inner = self.inner();
        let call = || inner.api.create_access_token(scopes);
        inner.send_token_call(Idempotency::Idempotent, Some(scopes), call).await
    }

    /// Describes the client behind an access token (`GET /auth/introspect`): a [`Token`](crate::Token), or the
    /// [`Secret`](crate::Secret) of one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`] for a token that is not accepted; [`Error::code`] tells an
    /// expired one: `api_error.auth.expired_access_token`. Else the kinds of any call.
    pub async fn introspect(
        &self,
        token: &impl AsToken,
    ) -> Result<Response<types::AppClientResponse>, Error> {
        let (token, inner) = (token.as_token(), self.inner());
        inner.send(Idempotency::Idempotent, || inner.api.introspect(&token)).await
    }

    /// Describes this client itself (`GET /auth/introspect`), showing the credentials in place of a
    /// token, in the two headers of [`ClientAuth::Headers`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`] for wrong credentials. Else the kinds of any call.
    pub async fn introspect_client(&self) -> Result<Response<types::AppClientResponse>, Error> {
        let inner = self.inner();
        inner.send(Idempotency::Idempotent, || inner.api.introspect_client()).await
    }

    /// Fetches the keys that sign MoneyKit's webhooks (`GET /.well-known/jwks.json`).
    ///
    /// # Errors
    ///
    /// The kinds of any call: `RateLimited`, `Unavailable`, `Timeout`, `InvalidResponse`.
    pub async fn jwks(&self) -> Result<Response<types::JwkSet>, Error> {
        self.0.jwks().await
    }

    /// Verifies MoneyKit's webhooks, by keys that it fetches with [`Client::jwks`] and keeps. All
    /// clones of a client share them.
    pub fn webhooks(&self) -> WebhookVerifier {
        WebhookVerifier::new(self.0.clone())
    }
}

/// The `MoneyKit-Version` that the vendor's SDKs send. Default of [`ClientBuilder::with_version`].
pub const VERSION: &str = "2023-02-18";

/// The options of a [`Client`], in one place.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    identity: Identity,
    inner: Builder,
    client_auth: ClientAuth,
    version: String,
    webhooks: VerifierOptions,
    deliveries: Deliveries,
}

builder_methods!(
    "MONEYKIT",
    "https://api.moneykit.com",
    "Default: all that the application may do.",
    "300 token calls a minute"
);

impl ClientBuilder {
    fn new(credentials: Arc<dyn CredentialsProvider>) -> Self {
        Self::with_identity(Identity::Credentials(credentials))
    }

    fn with_identity(identity: Identity) -> Self {
        Self {
            identity,
            inner: Builder::new(
                "https://api.moneykit.com",
                TokenOptions::default().with_rate_limit(300, Duration::from_secs(60)),
            ),
            client_auth: ClientAuth::default(),
            version: VERSION.to_owned(),
            webhooks: VerifierOptions::default(),
            deliveries: Deliveries::default(),
        }
    }

    /// Starts a client without a secret, for a process that only verifies webhooks. It fetches the keys, which
    /// MoneyKit gives to anybody, and describes a token that it is given; every call that would show credentials is
    /// refused with [`ErrorKind::InvalidConfig`], and nothing is sent.
    ///
    /// The client id is no secret. If it is known it goes with the request for keys, as the vendor's own client
    /// sends it; what the service makes of it is not documented.
    ///
    /// ```
    /// use fintech_auth::moneykit::ClientBuilder;
    ///
    /// let webhooks = ClientBuilder::for_webhooks(Some("live_0123")).build()?.webhooks();
    /// # Ok::<(), fintech_auth::Error>(())
    /// ```
    pub fn for_webhooks(client_id: Option<&str>) -> Self {
        Self::with_identity(Identity::Id(client_id.map(str::to_owned)))
    }

    /// The `MoneyKit-Version`, a date. Default: [`VERSION`].
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// How webhooks are verified, and their keys kept. The clock is that of the tokens.
    #[must_use]
    pub fn with_webhooks(mut self, customise: impl FnOnce(VerifierOptions) -> VerifierOptions) -> Self {
        self.webhooks = customise(self.webhooks);
        self
    }

    /// How webhook deliveries are deduplicated. Default: in this process, 100,000 deliveries.
    #[must_use]
    pub fn with_deliveries(mut self, deliveries: Deliveries) -> Self {
        self.deliveries = deliveries;
        self
    }

    /// Checks everything and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] saying which option to correct.
    pub fn build(self) -> Result<Client, Error> {
        if !is_version(&self.version) {
            let reason = "the MoneyKit version is a date, such as 2023-02-18";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        let webhook_keys = Arc::new(KeyCache::new(self.webhooks, self.inner.tokens.clock()));
        let auth = Auth::new(self.identity, self.client_auth, &self.inner)?;
        let shared = self.inner.build(|http| Ok(Api { http, auth, version: self.version }))?;
        Ok(Client(Arc::new(Inner { shared, webhook_keys, deliveries: self.deliveries })))
    }
}

/// A date as RFC 3339 writes it.
pub(crate) fn is_version(text: &str) -> bool {
    is_like(text, "0000-00-00") && text.parse::<chrono::NaiveDate>().is_ok()
}
