//! The client: Moov's two operations, and the refresh grant of the first as a method of its own.

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

/// A client of Moov's OAuth 2.0 endpoints. Cheap to clone; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner<Api>>);

client_methods!("Moov asks for one scope at least.");
issue_method!(types::AuthToken);

impl Client {
    fn inner(&self) -> &Inner<Api> {
        &self.0
    }

    /// An [`Authorizer`] that adds the API key pair as HTTP Basic
    /// to requests of your own to the same origin. It needs no token. A request that comes back with a 401 is
    /// repeated once if the credentials have been replaced. See [`authorize`](crate::authorize#security) for
    /// redirects.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if HTTP Basic cannot carry the key pair, such as a client id with a colon.
    pub fn basic_auth(&self) -> Result<Authorizer, Error> {
        let api = &self.inner().api;
        if let Some(known) = api.credentials.known() {
            known.key_pair()?;
        }
        let source = Arc::new(api.credentials.clone());
        Ok(Authorizer::key_pair_at(source, [http::header::AUTHORIZATION], api.http.base()))
    }

    /// Issues a token for one or more scopes (`POST /oauth2/token`, client credentials grant) that is
    /// not kept: most callers want [`Client::token`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] without a scope, [`ErrorKind::Unauthorized`] for wrong
    /// credentials or an origin that is not allowed, [`ErrorKind::InvalidRequest`] for a scope that is
    /// not granted, and the kinds of any call: `RateLimited`, `Unavailable`, `Timeout`,
    /// `InvalidResponse`.
    ///
    /// # Cancellation
    ///
    /// A token may have been issued that nobody has. It counts against the vendor's limits, and ends by itself.
    pub async fn create_access_token(&self, scopes: &[Scope]) -> Result<Response<types::AuthToken>, Error> {
        let inner = self.inner();
        let call = || inner.api.create_access_token(scopes);
        inner.send_token_call(Idempotency::Idempotent, Some(scopes), call).await
    }

    /// Exchanges a refresh token of your own for a new pair (`POST /oauth2/token`, refresh grant): a [`Secret`], or
    /// the [`UncachedToken`](crate::UncachedToken) or response that it was issued with.
    /// The new token is of the type of the first one, and of its scopes or the fewer given here (RFC
    /// 6749 section 6).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if no refresh token was issued;
    /// [`ErrorKind::InvalidRequest`] with the code `invalid_grant` if it is spent, expired or revoked;
    /// then issue a new token. Else the kinds of any call.
    ///
    /// # Cancellation
    ///
    /// The refresh token is spent by being sent, even if the response is lost or this is cancelled:
    /// never send it twice.
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

    /// Ends an access token or refresh token (`POST /oauth2/revoke`, RFC 7009): a [`Token`](crate::Token), or the
    /// [`Secret`] of either. A token that the service
    /// does not know counts as revoked. The hint spares the service a search.
    ///
    /// Before it is sent, the token is forgotten here and in the store; a refresh that was begun with
    /// it puts nothing back. See [`TokenCache::forget`](crate::token::TokenCache::forget).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`] for wrong credentials. [`ErrorKind::Unavailable`] also if the service
    /// revoked the token, but a token store could not be told: then other processes may use it until
    /// the store responds. Else the kinds of any call; after one that
    /// [may have been sent](Error::may_have_been_sent) it does no harm to revoke again.
    ///
    /// # Cancellation
    ///
    /// The token is forgotten here all the same; whether it was revoked is not known. Revoke it again.
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

/// The options of a [`Client`], in one place.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    credentials: Arc<dyn CredentialsProvider>,
    inner: Builder,
    client_auth: ClientAuth,
    version: String,
    origin: Option<String>,
    referer: Option<String>,
    /// `None` where nothing was said, `Some(None)` where nothing is to be sent.
    client_type: Option<Option<ClientType>>,
    encoding: Encoding,
}

builder_methods!(
    "MOOV",
    "https://api.moov.io",
    "Default: none, and Moov asks for one at least.",
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

    /// The `x-moov-version` of this client's own calls: `vYYYY.QQ.BB`, `latest` or `dev`, such as
    /// [`V2026_10_00`](version::V2026_10_00), or `none` to send no version. Default: [`version::DEFAULT`].
    ///
    /// A version is sent so that it fits the fields that are sent. Without one the service uses `v2024.01.00`, which
    /// does not document `client_type`: a token for a backend would become one for a page that has no origin, and
    /// the requests with it get a 401. With a version before `v2026.07.00`, or with `none`, no `client_type` is sent,
    /// and a token needs an [origin](Self::with_origin).
    ///
    /// Requests of your own to the rest of the API have the version that you give them. The two need not be equal.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// The domain that tokens for a browser are for: `https://your-domain.com`, one of those allowed
    /// for the API key in the vendor's dashboard.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// The same in a `Referer` header. Where both are sent, the origin wins.
    #[must_use]
    pub fn with_referer(mut self, referer: impl Into<String>) -> Self {
        self.referer = Some(referer.into());
        self
    }

    /// Who will use the tokens (`client_type`). Default: [`ClientType::Service`] without an origin and referer. With
    /// one, nothing is sent, and the service issues tokens for a page.
    ///
    /// `None` never sends the field. It is documented since `v2026.07.00`; with an older
    /// [version](Self::with_version) it is not sent either, and [`build`](Self::build) refuses
    /// [`ClientType::Service`] and [`ClientType::Device`].
    #[must_use]
    pub fn with_client_type(mut self, client_type: impl Into<Option<ClientType>>) -> Self {
        self.client_type = Some(client_type.into());
        self
    }

    /// How request bodies are written. As a form.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Checks everything and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] saying which option to correct.
    pub fn build(self) -> Result<Client, Error> {
        let invalid = |reason: &'static str| Error::new(ErrorKind::InvalidConfig, reason);
        let version = Some(self.version).filter(|version| version != version::NONE);
        if !version.as_deref().is_none_or(is_version) {
            return Err(invalid("the Moov version is like v2026.07.00, or latest, dev or none"));
        }
        let has_page = self.origin.is_some() || self.referer.is_some();
        if self.client_type == Some(Some(ClientType::Web)) && !has_page {
            return Err(invalid(
                "a token for a browser needs the page's origin: set `origin` or call with_origin, \
                 or request client type service",
            ));
        }
        let client_type = match self.client_type {
            _ if version.as_deref().is_some_and(knows_client_type) => {
                self.client_type.unwrap_or((!has_page).then_some(ClientType::Service))
            }
            // An older version has no other kind than a token for a page.
            None | Some(None | Some(ClientType::Web)) => None,
            Some(Some(ClientType::Device | ClientType::Service)) => {
                return Err(invalid(
                    "client types device and service need the Moov version v2026.07.00 or a newer one: set \
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

/// # Errors
///
/// `InvalidConfig` if there is none.
pub(crate) fn present_refresh_token(issued: &impl AsRefreshToken) -> Result<&Secret, Error> {
    let none = || Error::new(ErrorKind::InvalidConfig, "no refresh token was issued");
    issued.as_refresh_token().ok_or_else(none)
}
