//! Adds tokens to the requests that you send to a vendor's API with your own HTTP client.
//!
//! An [`Authorizer`] adds a valid token to each request. If the response is a 401 that a new token
//! may fix, the authorizer repeats the request once with a new token. The authorizer sends tokens
//! only to the origins that you pass when you create it.
//!
//! | you send with | use |
//! | --- | --- |
//! | reqwest itself | [`Authorizer::send`] |
//! | a client that progenitor generated | the hooks in [`progenitor`] |
//! | `reqwest-middleware` | `AuthorizeMiddleware`, feature `reqwest-middleware` |
//! | any tower service, such as hyper's client | `AuthorizeLayer`, feature `tower` |
//! | another HTTP client | [`Authorizer::headers_for`], or [`TokenCache::run`](crate::token::TokenCache::run) |
//!
//! # What happens to a request
//!
//! 1. If the request already has an `Authorization` header (or both headers of the key pair), it is
//!    sent unchanged, and its response is not inspected.
//! 2. If the origin of the request is not one of the authorizer's origins, [`Authorizer::send`] and
//!    the progenitor hooks return an error. The middleware and the tower layer send the request
//!    unchanged, because their HTTP client may also call other services.
//! 3. Otherwise the request gets a token, from memory if a fresh token is cached. If no token is
//!    available, the request fails and is not sent. For Moov tokens that were issued for a web
//!    page, the client's `Origin` is added as well, unless the request already has an `Origin`.
//! 4. If the response is a 401 that a new token may fix, the request is sent once more with a new
//!    token (see [below](#what-happens-on-a-401)). The second response is returned, even if it
//!    is a 401 again.
//!
//! A 401 means that the server did not process the request, so repeating a `POST` is safe.
//!
//! You can use one authorizer for many scope sets, for example one scope set per merchant. With
//! plain reqwest, pass the scopes to [`Authorizer::with_scopes`]. With the middleware and the tower
//! layer, add a [`ScopeSet`](crate::ScopeSet) to the request's extensions. This scope set applies
//! only to this request. After the request, the cache may evict the token of this scope set.
//!
//! An authorizer can also add a vendor's key pair instead of a token. With a key pair, a request
//! that names scopes fails, because scopes do not restrict a key pair. After a 401, the MoneyKit or
//! Moov client that created the authorizer asks its
//! [`CredentialsProvider`](crate::CredentialsProvider) for different credentials, at most once
//! every 5 s. If the provider returns different credentials, the request is sent once more with the
//! new key pair, and the second response is returned. A request whose body is a stream is not sent
//! again, but the next request uses the new key pair.
//!
//! # What happens on a 401
//!
//! Each vendor has a rule that decides whether a 401 means that the token is invalid. To set a rule
//! for your own token source, use [`Authorizer::with_classifier`].
//!
//! | the response with status 401 | MoneyKit | Moov | your own source, by default |
//! | --- | --- | --- | --- |
//! | challenge `Bearer error="invalid_token"` (RFC 6750 section 3.1) | token is invalid | token is invalid | token is invalid |
//! | code `api_error.auth.expired_access_token` in the body | token is invalid | other cause | other cause |
//! | no challenge and an empty body | other cause | unexplained | other cause |
//! | anything else | other cause | other cause | other cause |
//!
//! - **Token is invalid**: the authorizer invalidates this token, but not a newer token, in the
//!   cache and in the store. The authorizer repeats the request with the next token.
//! - **Unexplained**: the token may have expired, but a wrong origin or application causes the same
//!   401. If the origin or application is wrong, other requests still need the token. So the
//!   authorizer fetches a new token, keeps the old token in the cache, and repeats the request with
//!   the new token. If the second response is not a 401, the new token replaces the old token in
//!   the cache and in the store. Otherwise the old token stays.
//! - **Other cause**: the authorizer returns the 401.
//!
//! If several requests fail with the same token, the authorizer renews the token only once. After
//! this renewal, the authorizer waits at least 30 s before it renews a token for the same scopes
//! again. This pause doubles with each renewal, up to 10 min, until the server accepts a repeated
//! request. During the pause, the authorizer returns the 401. The authorizer also returns the 401
//! if it cannot get a new token. Other statuses, such as 403, never cause a renewal.
//!
//! A request whose body is a stream cannot be repeated, so the authorizer returns the 401. If the
//! server says that the token is invalid, the authorizer invalidates the token, so that the next
//! request gets a new token. During the pause after a renewal, the authorizer does not invalidate
//! the token. After an unexplained 401, the token stays in the cache, because the 401 may have
//! another cause. The next request that can be repeated shows whether the token is the cause.
//!
//! To classify a 401, the authorizer reads up to 64 KiB and 256 frames of the body, for at most 2
//! s. You still receive the whole body. If the body exceeds one of these limits, the authorizer
//! uses only the status and the headers.
//!
//! # Security
//!
//! - An origin must be https, or http on the loopback interface. A request gets the token only if
//!   its URL has the scheme, the host and the port of one of the authorizer's origins. The path of
//!   the URL does not matter.
//! - reqwest follows redirects internally, so a middleware does not see the redirects. When reqwest
//!   follows a redirect, it removes the token if the host or the port changes, but not if only the
//!   scheme changes. The vendors' APIs do not redirect. So build your client with
//!   `redirect::Policy::none()` and `https_only(true)`, or with
//!   [`HttpOptions::to_reqwest`](crate::HttpOptions::to_reqwest), which sets both options.
//! - reqwest removes only `Authorization` from a redirected request. MoneyKit's key pair is sent in
//!   custom headers, so with a client that follows redirects, **another host would receive the
//!   client secret**. Use a key pair only with a client that does not follow redirects.
//! - The header with the token is marked sensitive, so that HTTP libraries do not log the token.

mod challenge;
mod headers;
mod key_pair;
mod origin;
mod peeked;
pub mod progenitor;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
mod send;
#[cfg(feature = "tower")]
mod tower;

#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
use std::borrow::Cow;
use std::{fmt, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{AUTHORIZATION, ORIGIN},
};

pub(crate) use self::key_pair::{KeyPairFuture, KeyPairHeaders, KeyPairSource};
#[cfg(feature = "reqwest-middleware")]
pub use self::reqwest_middleware::AuthorizeMiddleware;
#[cfg(feature = "tower")]
pub use self::tower::{AuthorizeError, AuthorizeLayer, AuthorizeService, CloneBody, NoRetry, RepeatBody};
pub use self::{challenge::classify_challenges, peeked::PeekedBody, send::SendError};
use self::{
    key_pair::{KeyPair, cannot_restrict_key_pair},
    origin::Origin,
};

use crate::{
    Error, ErrorKind, Scope, Token,
    token::{Rejection, TokenHandle},
};

/// The credentials to add to requests, and the origins that may receive them.
///
/// The credentials are the tokens of one scope set, or the key pair of a vendor
/// ([`moov::Client::basic_auth`](crate::moov::Client::basic_auth),
/// [`moneykit::Client::key_pair`](crate::moneykit::Client::key_pair)). An authorizer is cheap to
/// clone, and clones share the tokens.
#[derive(Clone)]
pub struct Authorizer {
    kind: Kind,
    origins: Arc<[Origin]>,
}

#[derive(Clone)]
enum Kind {
    Tokens(Tokens),
    KeyPair(KeyPair),
}

#[derive(Clone)]
struct Tokens {
    handle: TokenHandle,
    classifier: Arc<Classifier>,
    check_scopes: CheckScopes,
    origin: Option<HeaderValue>,
}

type Classifier = dyn Fn(&HeaderMap, Option<&[u8]>) -> Rejection + Send + Sync;

type CheckScopes = fn(&[Scope]) -> Result<(), Error>;

impl Tokens {
    fn new(handle: TokenHandle) -> Self {
        Self {
            handle,
            classifier: Arc::new(|headers, _| classify_challenges(headers)),
            check_scopes: |_| Ok(()),
            origin: None,
        }
    }

    fn with_scopes(&self, scopes: &[Scope]) -> Result<Self, Error> {
        (self.check_scopes)(scopes)?;
        Ok(Self { handle: self.handle.handle_once(scopes)?, ..self.clone() })
    }

    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    fn for_request(&self, extensions: &http::Extensions) -> Result<Cow<'_, Self>, Error> {
        match extensions.get::<crate::ScopeSet>() {
            Some(scopes) => self.with_scopes(scopes).map(Cow::Owned),
            None => Ok(Cow::Borrowed(self)),
        }
    }

    fn sign(&self, headers: &mut HeaderMap, token: &Token) {
        headers.insert(AUTHORIZATION, token.authorization().clone());
        if let Some(origin) = &self.origin
            && !headers.contains_key(ORIGIN)
        {
            headers.insert(ORIGIN, origin.clone());
        }
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        match status {
            StatusCode::UNAUTHORIZED => (self.classifier)(headers, body),
            _ => Rejection::None,
        }
    }
}

impl Authorizer {
    /// Creates an authorizer that gets tokens from `tokens` and adds them to requests to `origins`.
    ///
    /// An example of an origin is `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if there is no origin, or if an origin has a path or
    /// contains credentials. Also fails if an origin uses http and is not on the loopback
    /// interface.
    pub fn new(
        tokens: TokenHandle,
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, Error> {
        Self { kind: Kind::Tokens(Tokens::new(tokens)), origins: Arc::default() }.with_origins(origins)
    }

    /// Replaces the origins, for example to reach a vendor's API through your own gateway.
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`Authorizer::new`].
    pub fn with_origins(mut self, origins: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        let origins = origins.into_iter().map(|origin| Origin::parse(origin.as_ref()));
        self.origins = origins.collect::<Result<_, _>>()?;
        if self.origins.is_empty() {
            let reason = "no origin given: pass the origins that may receive the credentials, such as https://api.example.com";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        Ok(self)
    }

    /// `base` must be a validated base URL.
    pub(crate) fn at(
        tokens: TokenHandle,
        base: &str,
        check_scopes: CheckScopes,
        origin: Option<HeaderValue>,
    ) -> Self {
        let origins = Origin::of_text(base).into_iter().collect();
        Self { kind: Kind::Tokens(Tokens { check_scopes, origin, ..Tokens::new(tokens) }), origins }
    }

    /// Returns an authorizer for tokens with these scopes, for example the scopes of one merchant.
    ///
    /// Calling this method is cheap. Create an authorizer for each request, and drop the authorizer
    /// after the request. The cache cannot evict the scope set while the authorizer exists. The
    /// authorizer does not count towards
    /// [`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles).
    ///
    /// For the middleware and the tower layer, add a [`ScopeSet`](crate::ScopeSet) to the request's
    /// extensions instead.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if the scopes are too long, or if the list is empty
    /// although the vendor requires a scope. Also fails if this authorizer uses a key pair, because
    /// scopes do not restrict a key pair.
    pub fn with_scopes(&self, scopes: &[Scope]) -> Result<Self, Error> {
        let kind = match &self.kind {
            Kind::Tokens(tokens) => Kind::Tokens(tokens.with_scopes(scopes)?),
            Kind::KeyPair(_) => return Err(cannot_restrict_key_pair()),
        };
        Ok(Self { kind, origins: self.origins.clone() })
    }

    /// Sets the function that decides whether a 401 means that the token is invalid.
    ///
    /// The function receives the headers and the body of the 401. The body is `None` if the body is
    /// not available, is too long or did not arrive in time. Return [`Rejection::Unexplained`] for
    /// a 401 that the server sends both for expired tokens and for other reasons. This method has
    /// no effect on a key pair.
    ///
    /// Default: the vendor's rule if a vendor's client created this authorizer, otherwise
    /// [`classify_challenges`].
    #[must_use]
    pub fn with_classifier(
        mut self,
        classifier: impl Fn(&HeaderMap, Option<&[u8]>) -> Rejection + Send + Sync + 'static,
    ) -> Self {
        if let Kind::Tokens(tokens) = &mut self.kind {
            tokens.classifier = Arc::new(classifier);
        }
        self
    }

    /// Decides from a response whether the server rejected the token of the request.
    ///
    /// Pass `None` as `body` if you do not have the body. Always returns [`Rejection::None`] if
    /// this authorizer adds a key pair instead of a token.
    pub fn classify(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        match &self.kind {
            Kind::Tokens(tokens) => tokens.classify(status, headers, body),
            Kind::KeyPair(_) => Rejection::None,
        }
    }

    /// `base` must be a validated base URL.
    pub(crate) fn key_pair_at(
        source: Arc<dyn KeyPairSource>,
        names: impl IntoIterator<Item = HeaderName>,
        base: &str,
    ) -> Self {
        let origins = Origin::of_text(base).into_iter().collect();
        Self { kind: Kind::KeyPair(KeyPair::new(source, names)), origins }
    }

    /// Returns the handle to the tokens, or `None` for a key pair.
    pub fn tokens(&self) -> Option<&TokenHandle> {
        match &self.kind {
            Kind::Tokens(tokens) => Some(&tokens.handle),
            Kind::KeyPair(_) => None,
        }
    }

    fn has_credentials(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
            || match &self.kind {
                Kind::Tokens(_) => false,
                Kind::KeyPair(pair) => pair.is_in(headers),
            }
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Authorizer");
        match &self.kind {
            Kind::Tokens(tokens) => debug.field("tokens", &tokens.handle),
            Kind::KeyPair(_) => debug.field("key_pair", &format_args!("..")),
        };
        debug.field("origins", &self.origins).finish()
    }
}
