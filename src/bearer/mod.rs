//! Tokens on requests of your own: to the rest of a vendor's API, by the HTTP client that you have.
//!
//! A [`Bearer`] adds a token that works now, and sends the request once more with a new one if the service says
//! that it has expired. It never sends a token anywhere but to the origins that it was made for.
//!
//! | you send with | use |
//! | --- | --- |
//! | reqwest itself | [`Bearer::execute`] |
//! | a client that progenitor generated | [`Bearer::ready`] and [`Bearer::execute`] in its hooks |
//! | `reqwest-middleware` | `BearerMiddleware`, feature `reqwest-middleware` |
//! | any tower service, such as hyper's client | `BearerLayer`, feature `tower` |
//! | something else | [`TokenCache::run`](crate::token::TokenCache::run) |
//!
//! # What happens to a request
//!
//! 1. If it goes to another origin, or has an `Authorization` already, it is left alone: what comes back
//!    is not looked at either.
//! 2. Else it gets a token, from memory while there is a fresh one.
//! 3. If the answer is a 401 that means the token ([`is_expired`](crate::token::is_expired)), exactly that
//!    token is rejected, and the request sent once more under a new one, if it can be repeated: its body
//!    must not be a stream. All requests that fail so at once share one token call. The second answer
//!    stands, whatever it is.
//!
//! A 401 means that the request was not acted upon, so repeating a `POST` is safe.
//!
//! # Security
//!
//! - An origin is https, or http on this machine; scheme, host and port must all be the same. Within an
//!   origin every path gets the token.
//! - reqwest follows redirects on its own, below any middleware. It takes the token off where the host or
//!   the port changes, and not where only the scheme does. Vendors' APIs do not redirect: build your
//!   client with `redirect::Policy::none()` and `https_only(true)`, or by
//!   [`HttpOptions::to_reqwest`](crate::HttpOptions::to_reqwest), which does both.
//! - The token's header is marked sensitive, so that HTTP stacks do not log it.
//!
//! # A client that progenitor generates
//!
//! Have it generated with `HooksMode::Expected` and a `Bearer` as its inner type; then the hooks are two
//! lines. `examples/own_client` is such a crate, to copy.
//!
//! ```text
//! impl ClientHooks<Bearer<moov::Api>> for Client {
//!     async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
//!         self.inner().ready(request).await.map_err(|error| Error::Custom(error.to_string()))
//!     }
//!
//!     async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
//!         self.inner().execute(self.client(), request).await
//!     }
//! }
//! ```

mod execute;
mod origin;
mod peeked;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
#[cfg(feature = "tower")]
mod tower;

use std::{fmt, sync::Arc};

use http::HeaderValue;

use self::origin::Origin;
#[cfg(feature = "reqwest-middleware")]
pub use self::reqwest_middleware::BearerMiddleware;
#[cfg(feature = "tower")]
pub use self::tower::{BearerError, BearerLayer, BearerService, Cloned, Once, RepeatBody};
pub use peeked::Peeked;

use crate::{
    Error, ErrorKind, Token,
    token::{TokenHandle, TokenSource},
};

/// Tokens of one scope set, and where they may go. Cheap to clone; clones share the tokens.
pub struct Bearer<S> {
    tokens: TokenHandle<S>,
    origins: Arc<[Origin]>,
}

impl<S: TokenSource> Bearer<S> {
    /// Tokens for these origins: `https://api.example.com`, or `http` on this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for one that has a path, or credentials, or is plain http to another
    /// machine; and for none.
    pub fn new(
        tokens: TokenHandle<S>,
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, Error> {
        let origins = origins.into_iter().map(|origin| Origin::parse(origin.as_ref()));
        let origins: Arc<[Origin]> = origins.collect::<Result<_, _>>()?;
        if origins.is_empty() {
            let reason = "name an origin that gets the token, such as https://api.example.com";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        Ok(Self { tokens, origins })
    }

    /// Tokens for the origin of a base URL that was checked.
    pub(crate) fn at(tokens: TokenHandle<S>, base: &str) -> Self {
        Self { tokens, origins: Origin::of_text(base).into_iter().collect() }
    }

    /// The handle to the tokens.
    pub fn tokens(&self) -> &TokenHandle<S> {
        &self.tokens
    }

    /// After a 401 that means this token: exactly it is forgotten. If the new one is not to be had, the
    /// error is why.
    async fn renewed(&self, rejected: &Token) -> Result<Token, Error> {
        self.tokens.reject(rejected).await;
        self.tokens.token().await
    }
}

/// The header of a token, for as long as a request takes.
fn header(token: &Token) -> HeaderValue {
    token.authorization().clone()
}

impl<S> Clone for Bearer<S> {
    fn clone(&self) -> Self {
        Self { tokens: self.tokens.clone(), origins: self.origins.clone() }
    }
}

impl<S> fmt::Debug for Bearer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("tokens", &self.tokens).field("origins", &self.origins).finish()
    }
}
