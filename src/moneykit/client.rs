//! The MoneyKit client and its builder.

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

/// A client for MoneyKit's auth endpoints. A client is cheap to clone, and all clones share
/// connections and tokens.
///
/// ```
/// # #[cfg(feature = "emulator")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fintech_auth::{HttpOptions, emulator::Emulator};
///
/// let emulator = Emulator::start().await?;
/// // In your service: moneykit::ClientBuilder::from_env()?.build()?
/// let client = emulator.moneykit().build()?;
///
/// // Add the key pair to a request of your own. `client.bearer` adds a token instead.
/// let authorizer = client.key_pair()?;
/// let http = HttpOptions::default().to_reqwest(emulator.url())?;
/// let request = http.get(format!("{}/auth/introspect", emulator.url())).build()?;
/// let response = authorizer.send(&http, request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "emulator"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

client_methods!("Without scopes, the token has all permissions of the application.");
issue_method!(types::CreateAccessTokenResponse);

impl Client {
    fn inner(&self) -> &client::Inner<Api> {
        &self.0.shared
    }

    /// Returns an [`Authorizer`] that adds the client id and secret to your own requests. The
    /// requests must go to the origin of the base URL.
    ///
    /// The authorizer sends `X-Client-Id` and `X-Client-Secret`, and no token. If a request gets a
    /// 401, the client asks its [`CredentialsProvider`] for different credentials. If the
    /// credentials have changed, the authorizer sends the request once more, with the new
    /// credentials. [The module `authorize`](crate::authorize#security) describes how redirects are
    /// handled.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if the client has no credentials, or if the
    /// credentials contain characters that are invalid in a header.
    pub fn key_pair(&self) -> Result<Authorizer, Error> {
        let api = &self.inner().api;
        let credentials = api.auth.credentials()?;
        if let Some(known) = credentials.known() {
            known.key_pair()?;
        }
        Ok(Authorizer::key_pair_at(Arc::new(credentials.clone()), KEY_PAIR, api.http.base()))
    }

    /// Requests a new token (`POST /auth/token`), and returns the whole response. The token is not
    /// cached.
    ///
    /// Most callers need [`Client::token`] instead. A token that is requested without scopes has
    /// all permissions of the application.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Unauthorized`] for wrong credentials, and with
    /// [`ErrorKind::InvalidRequest`] for a scope that is not granted. Every call can also fail
    /// with `RateLimited`, `Unavailable`, `Timeout` or `InvalidResponse`.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the service may still issue a token that no caller receives. Such
    /// a token counts towards the vendor's limits until the token expires.
    pub async fn create_access_token(
        &self,
        scopes: &[Scope],
    ) -> Result<Response<types::CreateAccessTokenResponse>, Error> {
        let inner = self.inner();
        let call = || inner.api.create_access_token(scopes);
        inner.send_token_call(Idempotency::Idempotent, Some(scopes), call).await
    }

    /// Fetches the client application that an access token belongs to (`GET /auth/introspect`).
    ///
    /// The token is a [`Token`](crate::Token), or a [`Secret`](crate::Secret) that contains a
    /// token.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Unauthorized`] if the service does not accept the token. If the
    /// token has expired, [`Error::code`] is `api_error.auth.expired_access_token`. Every call
    /// can also fail with `RateLimited`, `Unavailable`, `Timeout` or `InvalidResponse`.
    pub async fn introspect(
        &self,
        token: &impl AsToken,
    ) -> Result<Response<types::AppClientResponse>, Error> {
        let (token, inner) = (token.as_token(), self.inner());
        inner.send(Idempotency::Idempotent, || inner.api.introspect(&token)).await
    }

    /// Fetches the client application that this client's credentials belong to (`GET
    /// /auth/introspect`).
    ///
    /// Sends the credentials in the two headers of [`ClientAuth::Headers`], and sends no token.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Unauthorized`] for wrong credentials. Every call can also fail
    /// with `RateLimited`, `Unavailable`, `Timeout` or `InvalidResponse`.
    pub async fn introspect_client(&self) -> Result<Response<types::AppClientResponse>, Error> {
        let inner = self.inner();
        inner.send(Idempotency::Idempotent, || inner.api.introspect_client()).await
    }

    /// Fetches the public keys that verify the signatures of MoneyKit's webhooks
    /// (`GET /.well-known/jwks.json`).
    ///
    /// # Errors
    ///
    /// Fails with `RateLimited`, `Unavailable`, `Timeout` or `InvalidResponse`.
    pub async fn jwks(&self) -> Result<Response<types::JwkSet>, Error> {
        self.0.jwks().await
    }

    /// Returns a verifier for MoneyKit's webhooks.
    ///
    /// The verifier fetches the keys with [`Client::jwks`] and caches the keys. All clones of a
    /// client share the cached keys.
    pub fn webhooks(&self) -> WebhookVerifier {
        WebhookVerifier::new(self.0.clone())
    }
}

/// The `MoneyKit-Version` that the vendor's SDKs send. [`ClientBuilder::with_version`] uses this
/// version by default.
pub const VERSION: &str = "2023-02-18";

/// Creates a [`Client`] from its options.
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
    "Default: all permissions of the application.",
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

    /// Creates a builder for a client that only verifies webhooks. This client needs no secret.
    ///
    /// The client can fetch the keys, because MoneyKit serves the keys without authentication. The
    /// client can also introspect a given token. Every call that needs credentials fails with
    /// [`ErrorKind::InvalidConfig`] and sends nothing.
    ///
    /// If a client id is given, the client also sends the client id when it fetches the keys. The
    /// vendor's own client does the same, but the vendor does not document the purpose. The client
    /// id is not secret.
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

    /// Sets the value of the header `MoneyKit-Version`. The value is a date, such as `2023-02-18`.
    /// Default: [`VERSION`].
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets how webhooks are verified and how the keys are cached. The verifier uses the clock that
    /// you set with [`with_tokens`](Self::with_tokens).
    #[must_use]
    pub fn with_webhooks(mut self, customise: impl FnOnce(VerifierOptions) -> VerifierOptions) -> Self {
        self.webhooks = customise(self.webhooks);
        self
    }

    /// Sets how webhook deliveries are deduplicated. Default: in memory, up to 100,000 deliveries.
    #[must_use]
    pub fn with_deliveries(mut self, deliveries: Deliveries) -> Self {
        self.deliveries = deliveries;
        self
    }

    /// Validates the options and creates the client. Sends nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if an option is invalid. The error names the option
    /// to correct.
    pub fn build(self) -> Result<Client, Error> {
        if !is_version(&self.version) {
            let reason = "the MoneyKit version must be a date, such as 2023-02-18";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        let webhook_keys = Arc::new(KeyCache::new(self.webhooks, self.inner.tokens.clock()));
        let auth = Auth::new(self.identity, self.client_auth, &self.inner)?;
        let shared = self.inner.build(|http| Ok(Api { http, auth, version: self.version }))?;
        Ok(Client(Arc::new(Inner { shared, webhook_keys, deliveries: self.deliveries })))
    }
}

pub(crate) fn is_version(text: &str) -> bool {
    is_like(text, "0000-00-00") && text.parse::<chrono::NaiveDate>().is_ok()
}
