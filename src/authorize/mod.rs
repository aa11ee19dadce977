//! Tokens on requests of your own: to the rest of a vendor's API, by the HTTP client that you have.
//!
//! An [`Authorizer`] adds a token that works now, and repeats the request once with a new one after a 401 that a
//! new token may help against. It never sends a token anywhere but to the origins that it was made for.
//!
//! | you send with | use |
//! | --- | --- |
//! | reqwest itself | [`Authorizer::send`] |
//! | a client that progenitor generated | the hooks in [`progenitor`] |
//! | `reqwest-middleware` | `AuthorizeMiddleware`, feature `reqwest-middleware` |
//! | any tower service, such as hyper's client | `AuthorizeLayer`, feature `tower` |
//! | something else | [`TokenCache::run`](crate::token::TokenCache::run) |
//!
//! # What happens to a request
//!
//! 1. If it has an `Authorization` header already (or both headers of the key pair), it is sent as it
//!    is, and its response is not looked at.
//! 2. If it goes to another origin, [`Authorizer::send`] and the hooks for progenitor refuse it. The
//!    middleware and the tower layer send it as it is, because their client may serve other services too.
//! 3. Otherwise it gets a token, from memory while there is a fresh one. If no token can be had, the
//!    request fails and is not sent. A Moov token for a page also brings the client's `Origin`, unless the
//!    request has one.
//! 4. If the response is a 401 that a new token may help against, the request is sent once more with one
//!    (see below). The second response stands, whatever it is.
//!
//! A 401 means that the request was not acted upon, so repeating a `POST` is safe.
//!
//! One authorizer serves many scope sets, such as one for each merchant: plain reqwest takes them by
//! [`Authorizer::with_scopes`], the middleware and the tower layer by a [`ScopeSet`](crate::ScopeSet) among the extensions of the
//! request. They hold for that request alone, and after it the cache may evict them.
//!
//! The key pair of a vendor is added in the same way, from memory, and refused where a request names scopes, which do
//! not restrict it. After a 401 the client's [`CredentialsProvider`](crate::CredentialsProvider) is asked for other
//! credentials, at most once in 5 s. If it has others, the request is sent once more with them, and the second response
//! stands. A request whose body is a stream is not sent again; the next request has the new key pair.
//!
//! # What happens on a 401
//!
//! Each vendor has its rule for what a 401 says about the token. For a source of your own, set one with
//! [`Authorizer::with_classifier`].
//!
//! | the 401 | MoneyKit | Moov | your own source, by default |
//! | --- | --- | --- | --- |
//! | challenge `Bearer error="invalid_token"` (RFC 6750 section 3.1) | token is invalid | token is invalid | token is invalid |
//! | code `api_error.auth.expired_access_token` in the body | token is invalid | other cause | other cause |
//! | no challenge and an empty body | other cause | unexplained | other cause |
//! | anything else | other cause | other cause | other cause |
//!
//! - **Token is invalid**: exactly that token is invalidated, here and in the store. The request is repeated
//!   with the next one.
//! - **Unexplained**: the token may have expired, but the same 401 also means a wrong origin or
//!   application, and then other requests still need the token. So a new token is fetched while the old one
//!   stays in place, and the request is repeated with it. If the repetition comes back with anything but a
//!   401, the new token replaces the old one, here and in the store. Otherwise the old one stays.
//! - **Other cause**: the 401 is passed on.
//!
//! All requests that fail with one token share one token call. After a renewal, none begins for the same
//! scopes for 30 s; if it did not help, for 30 s, then 60 s, and so on up to 10 min, until one helps. A 401
//! is passed on meanwhile, and so it is if no new token can be had. Any other status, 403 included, never
//! causes a renewal.
//!
//! A request whose body is a stream cannot be repeated. Its 401 is passed on. A token that the server calls
//! invalid is invalidated for the sake of the next request, within the same bounds; after an unexplained
//! 401 the token stays, because nothing shows whether it is at fault. The next request that can be repeated
//! finds out.
//!
//! To judge a 401, its body is read for up to 2 s, 64 KiB and 256 frames. You still get all of the body. If it
//! does not end within these bounds, the status and the headers alone count.
//!
//! # Security
//!
//! - An origin is https, or http on this machine; scheme, host and port must all be the same. Within an
//!   origin every path gets the token.
//! - reqwest follows redirects on its own, below any middleware. It takes the token off where the host or
//!   the port changes, and not where only the scheme does. Vendors' APIs do not redirect: build your
//!   client with `redirect::Policy::none()` and `https_only(true)`, or by
//!   [`HttpOptions::to_reqwest`](crate::HttpOptions::to_reqwest), which does both.
//! - reqwest takes only `Authorization` off a redirected request. MoneyKit's key pair is sent in headers of
//!   the vendor's own, so with a client that follows redirects, **another host would get the client
//!   secret**. Use a key pair only with a client that follows none.
//! - The token's header is marked sensitive, so that HTTP stacks do not log it.

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

/// The credentials to add to requests, and the origins that get them. Cheap to clone; clones share the
/// tokens.
///
/// The credentials are the tokens of one scope set, or the key pair of a vendor
/// ([`moov::Client::basic_auth`](crate::moov::Client::basic_auth),
/// [`moneykit::Client::key_pair`](crate::moneykit::Client::key_pair)).
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

/// Where tokens come from, and what a 401 says about them.
#[derive(Clone)]
struct Tokens {
    handle: TokenHandle,
    classifier: Arc<Classifier>,
    check_scopes: CheckScopes,
    /// The `Origin` that the tokens are valid for, if they are for a page in a browser.
    origin: Option<HeaderValue>,
}

type Classifier = dyn Fn(&HeaderMap, Option<&[u8]>) -> Rejection + Send + Sync;

/// Fails for scopes that the server issues no token for.
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

    /// The tokens of the scope set among a request's extensions, or else these.
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
    /// Tokens for these origins: `https://api.example.com`, or `http` on this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for one that has a path, or credentials, or is plain http to another
    /// machine; and for none.
    pub fn new(
        tokens: TokenHandle,
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, Error> {
        Self { kind: Kind::Tokens(Tokens::new(tokens)), origins: Arc::default() }.with_origins(origins)
    }

    /// Replaces the origins, such as to reach a vendor's API through a gateway of yours.
    ///
    /// # Errors
    ///
    /// As [`Authorizer::new`].
    pub fn with_origins(mut self, origins: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        let origins = origins.into_iter().map(|origin| Origin::parse(origin.as_ref()));
        self.origins = origins.collect::<Result<_, _>>()?;
        if self.origins.is_empty() {
            let reason = "name an origin that gets the credentials, such as https://api.example.com";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        Ok(self)
    }

    /// Tokens of a vendor, for the origin of a base URL that was checked. `origin` is added to requests that have
    /// none.
    pub(crate) fn at(
        tokens: TokenHandle,
        base: &str,
        check_scopes: CheckScopes,
        origin: Option<HeaderValue>,
    ) -> Self {
        let origins = Origin::of_text(base).into_iter().collect();
        Self { kind: Kind::Tokens(Tokens { check_scopes, origin, ..Tokens::new(tokens) }), origins }
    }

    /// The same authorizer with the tokens of another scope set, such as those of one merchant. Cheap: make
    /// one for each request and drop it, because while it exists the cache neither evicts its scope set nor
    /// counts it towards [`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles).
    ///
    /// Requests through the middleware and the tower layer name theirs by an extension, a [`ScopeSet`](crate::ScopeSet).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the scopes are too long, if there are none and the vendor asks for one, and for a
    /// key pair, which no scopes restrict.
    pub fn with_scopes(&self, scopes: &[Scope]) -> Result<Self, Error> {
        let kind = match &self.kind {
            Kind::Tokens(tokens) => Kind::Tokens(tokens.with_scopes(scopes)?),
            Kind::KeyPair(_) => return Err(cannot_restrict_key_pair()),
        };
        Ok(Self { kind, origins: self.origins.clone() })
    }

    /// Sets what a 401 says about its token. The function gets the headers, and the body unless it is unknown,
    /// too long or late.
    ///
    /// Default: the vendor's rule for an authorizer of a client, [`classify_challenges`] otherwise. Return [`Rejection::Unexplained`] for a 401 that the server sends for
    /// expired tokens and for other causes alike. Has no effect on a key pair.
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

    /// What a response says about the token that its request carried. `body` is `None` if you do not have it.
    /// Always [`Rejection::None`] for a key pair.
    pub fn classify(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        match &self.kind {
            Kind::Tokens(tokens) => tokens.classify(status, headers, body),
            Kind::KeyPair(_) => Rejection::None,
        }
    }

    /// A key pair for the origin of a base URL that was checked. `names` are those of its headers.
    pub(crate) fn key_pair_at(
        source: Arc<dyn KeyPairSource>,
        names: impl IntoIterator<Item = HeaderName>,
        base: &str,
    ) -> Self {
        let origins = Origin::of_text(base).into_iter().collect();
        Self { kind: Kind::KeyPair(KeyPair::new(source, names)), origins }
    }

    /// The handle to the tokens, or `None` for a key pair.
    pub fn tokens(&self) -> Option<&TokenHandle> {
        match &self.kind {
            Kind::Tokens(tokens) => Some(&tokens.handle),
            Kind::KeyPair(_) => None,
        }
    }

    /// Whether a request brings credentials of its own. A part of a key pair does not count.
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
