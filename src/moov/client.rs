//! The Moov client and its builder.

use std::{sync::Arc, time::Duration};

use super::{
    api::{Api, issued},
    auth::{ClientAuth, ClientType, Encoding, TokenTypeHint},
    types,
    version::{self, is_version, knows_client_type},
};
use crate::{
    CredentialsProvider, Error, ErrorKind, Response, Scope, Secret,
    authorize::Authorizer,
    client::{Builder, Inner, Scheme, basic_header, builder_methods, client_methods, issue_method},
    retry::Idempotency,
    token::{AsRefreshToken, AsToken, TokenOptions},
    transport::origin,
};

/// A client for Moov's OAuth 2.0 endpoints. A client is cheap to clone, and all clones share
/// connections and tokens.
///
/// ```
/// # #[cfg(feature = "emulator")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fintech_auth::{HttpOptions, emulator::Emulator};
///
/// let emulator = Emulator::start().await?;
/// // In your service: moov::ClientBuilder::from_env()?.build()?
/// let client = emulator.moov().build()?;
///
/// // Add the key pair to a request of your own. `client.bearer` adds a token instead.
/// let authorizer = client.basic_auth()?;
/// let http = HttpOptions::default().to_reqwest(emulator.url())?;
/// let request = http.get(format!("{}/accounts", emulator.url())).build()?;
/// let response = authorizer.send(&http, request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "emulator"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner<Api>>);

client_methods!("Moov requires at least one scope.");
issue_method!(types::AuthToken);

impl Client {
    fn inner(&self) -> &Inner<Api> {
        &self.0
    }

    /// Returns an [`Authorizer`] that adds the API key pair (client id and secret) to your own
    /// requests. The requests must go to the origin of the base URL.
    ///
    /// The authorizer sends the key pair with HTTP Basic, and does not send a token. If a request
    /// gets a 401, the client asks its [`CredentialsProvider`] for different credentials. If the
    /// credentials have changed, the authorizer sends the request once more, with the new
    /// credentials. [The module `authorize`](crate::authorize#security) describes how redirects are
    /// handled.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if HTTP Basic cannot carry the key pair, for example
    /// because the client id contains a colon.
    pub fn basic_auth(&self) -> Result<Authorizer, Error> {
        let api = &self.inner().api;
        if let Some(known) = api.credentials.known() {
            known.key_pair()?;
        }
        let source = Arc::new(api.credentials.clone());
        Ok(Authorizer::key_pair_at(source, [http::header::AUTHORIZATION], api.http.base()))
    }

    /// Requests a new token for one or more scopes, and returns the whole response. The token is
    /// not cached.
    ///
    /// The client sends `POST /oauth2/token` with the client credentials grant. Most callers need
    /// [`Client::token`] instead.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if no scope is given, with
    /// [`ErrorKind::Unauthorized`] if the credentials are wrong or the origin is not allowed, and
    /// with [`ErrorKind::InvalidRequest`] if a scope is not granted. Every call can also fail with
    /// `RateLimited`, `Unavailable`, `Timeout` or `InvalidResponse`.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the service may still issue a token that no caller receives. Such
    /// a token counts towards the vendor's limits until the token expires.
    pub async fn create_access_token(&self, scopes: &[Scope]) -> Result<Response<types::AuthToken>, Error> {
        let inner = self.inner();
        let call = || inner.api.create_access_token(scopes);
        inner.send_token_call(Idempotency::Idempotent, Some(scopes), call).await
    }

    /// Exchanges a refresh token for a new pair of tokens (`POST /oauth2/token`, refresh grant).
    ///
    /// Pass the refresh token as a [`Secret`], or pass the [`UncachedToken`](crate::UncachedToken)
    /// or the response that contains the refresh token.
    ///
    /// The new access token has the type and the scopes of the previous access token. To request
    /// fewer scopes, pass a subset of the previous scopes in `scopes` (RFC 6749 section 6).
    /// Otherwise, pass an empty slice.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if the given response contains no refresh token.
    /// Fails with [`ErrorKind::InvalidRequest`] and the code `invalid_grant` if the refresh token
    /// was already used, has expired or was revoked. In this case, request a new token. Every call
    /// can also fail with `RateLimited`, `Unavailable`, `Timeout` or `InvalidResponse`.
    ///
    /// # Cancellation
    ///
    /// As soon as the client sends a refresh token, the refresh token counts as used, even if the
    /// response is lost or the future is dropped. Never send a refresh token twice.
    pub async fn refresh(
        &self,
        refresh_token: &impl AsRefreshToken,
        scopes: &[Scope],
    ) -> Result<Response<types::AuthToken>, Error> {
        let refresh_token = present_refresh_token(refresh_token)?;
        let inner = self.inner();
        let call = || inner.api.refresh_with(refresh_token, scopes);
        inner.send_token_call(Idempotency::OnlyUnsent, None, call).await
    }

    /// Revokes an access token or a refresh token (`POST /oauth2/revoke`, RFC 7009).
    ///
    /// The token is a [`Token`](crate::Token), or a [`Secret`] that contains an access token or a
    /// refresh token. The service treats an unknown token as revoked. The optional `hint` is the
    /// type of the token, and helps the service to find the token.
    ///
    /// The client removes the token from the cache and from the store before the request is sent. A
    /// running refresh that uses the token does not put the token back. See
    /// [`TokenCache::forget`](crate::token::TokenCache::forget).
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Unauthorized`] if the credentials are wrong. Fails with
    /// [`ErrorKind::Unavailable`] if the service fails. Also fails with [`ErrorKind::Unavailable`]
    /// if the service revoked the token, but the token could not be removed from the store. In this
    /// case, other processes may use the token until the store is available again. Every call can
    /// also fail with `RateLimited`, `Timeout` or `InvalidResponse`.
    ///
    /// After an error it is safe to revoke the token again, even if the request [may have been
    /// sent](Error::may_have_been_sent).
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the token is no longer in the cache, but the service may not have
    /// revoked the token. Call this method again.
    pub async fn revoke(
        &self,
        token: &impl AsToken,
        hint: Option<TokenTypeHint>,
    ) -> Result<Response<()>, Error> {
        let token = &*token.as_token();
        let Inner { tokens, api, .. } = self.inner();
        let forgotten = tokens.forget(token).await;
        let response = self.inner().send(Idempotency::Idempotent, || api.revoke(token, hint)).await?;
        if forgotten.is_err() {
            tokens.forget(token).await.map_err(|error| error.with_sent(true))?;
        }
        Ok(response)
    }
}

/// Creates a [`Client`] from its options.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    credentials: Arc<dyn CredentialsProvider>,
    inner: Builder,
    client_auth: ClientAuth,
    version: String,
    origin: Option<String>,
    referer: Option<String>,
    /// `Some(None)` means that the client never sends `client_type`.
    client_type: Option<Option<ClientType>>,
    encoding: Encoding,
}

builder_methods!(
    "MOOV",
    "https://api.moov.io",
    "Default: none, but Moov requires at least one.",
    "40 token calls a second"
);

impl ClientBuilder {
    fn new(credentials: Arc<dyn CredentialsProvider>) -> Self {
        Self {
            credentials,
            inner: Builder::new(
                "https://api.moov.io",
                TokenOptions::default().with_rate_limit(40, Duration::from_secs(1)),
            ),
            client_auth: ClientAuth::default(),
            version: version::DEFAULT.to_owned(),
            origin: None,
            referer: None,
            client_type: None,
            encoding: Encoding::default(),
        }
    }

    /// Sets the API version (`x-moov-version`) of the client's requests. Default:
    /// [`version::DEFAULT`].
    ///
    /// The version has the format `vYYYY.QQ.BB`, such as [`V2026_10_00`](version::V2026_10_00).
    /// Other allowed values are `latest`, `dev` and `none`. With `none`, the client sends no
    /// version.
    ///
    /// The service accepts only the fields that the version documents. If no version is sent, the
    /// service uses `v2024.01.00`. `v2024.01.00` does not document `client_type`, so the service
    /// issues tokens for a web page. If no origin is set, requests with such a token get a 401.
    ///
    /// With `none` or a version before `v2026.07.00`, the client sends no `client_type`, and tokens
    /// need an [origin](Self::with_origin).
    ///
    /// This setting does not affect your own requests to the rest of the API. Your own requests may
    /// use a different version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the origin of the web page that will use the tokens, such as `https://your-domain.com`.
    ///
    /// The vendor's dashboard must allow this origin for the API key.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Sets the origin that the client sends in a `Referer` header. If the client also sends an
    /// `Origin` header, the service uses `Origin`.
    #[must_use]
    pub fn with_referer(mut self, referer: impl Into<String>) -> Self {
        self.referer = Some(referer.into());
        self
    }

    /// Sets the type of client that will use the tokens (`client_type`).
    ///
    /// The default depends on the origin and the referer. If neither is set, the default is
    /// [`ClientType::Service`]. If at least one of them is set, the default is not to send the
    /// field. The service then issues tokens for a web page.
    ///
    /// With `None`, the client never sends the field. Versions before `v2026.07.00` do not document
    /// the field. With such a [version](Self::with_version), or with the version `none`, the client
    /// does not send the field, and [`build`](Self::build) fails for [`ClientType::Service`] and
    /// [`ClientType::Device`].
    #[must_use]
    pub fn with_client_type(mut self, client_type: impl Into<Option<ClientType>>) -> Self {
        self.client_type = Some(client_type.into());
        self
    }

    /// Sets the encoding of request bodies. Default: [`Encoding::Form`].
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Validates the options and creates the client. Sends nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if an option is invalid. The error names the option
    /// to correct.
    pub fn build(self) -> Result<Client, Error> {
        let invalid = |reason: &'static str| Error::new(ErrorKind::InvalidConfig, reason);
        let version = Some(self.version).filter(|version| version != version::NONE);
        if !version.as_deref().is_none_or(is_version) {
            return Err(invalid("the Moov version must be like v2026.07.00, or latest, dev or none"));
        }
        let has_page = self.origin.is_some() || self.referer.is_some();
        if self.client_type == Some(Some(ClientType::Web)) && !has_page {
            return Err(invalid(
                "a token for a browser needs the page's origin: set `origin` or call with_origin, \
                 or use the client type `service`",
            ));
        }
        let client_type = match self.client_type {
            _ if version.as_deref().is_some_and(knows_client_type) => {
                self.client_type.unwrap_or((!has_page).then_some(ClientType::Service))
            }
            // For versions before `v2026.07.00`, the service issues all tokens for web pages, so
            // the client sends no `client_type`.
            None | Some(None | Some(ClientType::Web)) => None,
            Some(Some(ClientType::Device | ClientType::Service)) => {
                return Err(invalid(
                    "the client types `device` and `service` require Moov version v2026.07.00 or newer: set \
                     `version` or call with_version",
                ));
            }
        };
        let checked = |what, value: Option<String>| value.map(|value| origin(what, &value)).transpose();
        let origin = checked("the origin", self.origin)?;
        let referer = checked("the referer", self.referer)?;
        let scheme = Scheme {
            own: match self.client_auth {
                ClientAuth::Basic => basic_header,
                ClientAuth::Body => |_| Ok(Vec::new()),
            },
            key_pair: basic_header,
        };
        let credentials = self.inner.credentials(self.credentials, scheme)?;
        let inner = self.inner.build(|http| {
            Ok(Api { http, credentials, version, origin, referer, client_type, encoding: self.encoding })
        })?;
        Ok(Client(Arc::new(inner)))
    }
}

pub(crate) fn present_refresh_token(issued: &impl AsRefreshToken) -> Result<&Secret, Error> {
    let none = || Error::new(ErrorKind::InvalidConfig, "no refresh token was issued");
    issued.as_refresh_token().ok_or_else(none)
}
