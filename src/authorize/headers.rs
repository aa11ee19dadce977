//! The headers that carry the credentials, for HTTP clients that this crate does not know.

use http::HeaderMap;
use reqwest::Url;

use super::{Authorizer, KeyPairHeaders, Kind, Tokens};
use crate::{Error, ErrorKind, Token};

impl Authorizer {
    /// The headers to add to a request to this URL, for any HTTP client: `Authorization` or those of the key pair, and for
    /// Moov's tokens for a page the `Origin`. Secret values are marked sensitive. Prefer [`Authorizer::send`] where it fits:
    /// with these headers, a 401 is yours to handle, such as by [`TokenCache::run`](crate::token::TokenCache::run).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for what is no URL, and for one of an origin that is not this authorizer's; otherwise as
    /// [`TokenHandle::token`](crate::token::TokenHandle::token).
    ///
    /// # Cancellation
    ///
    /// Cancels no refresh.
    ///
    /// # Security
    ///
    /// Switch off redirects in your HTTP client: it would send the headers on to another origin.
    pub async fn headers_for(&self, url: impl AsRef<str>) -> Result<HeaderMap, Error> {
        self.check_url(url.as_ref())?;
        match &self.kind {
            Kind::Tokens(tokens) => Ok(of_token(tokens, &tokens.handle.token().await?)),
            Kind::KeyPair(pair) => Ok(of_pair(&*pair.current().await?)),
        }
    }

    /// The same from memory. `None` where it would have to wait.
    #[cfg(feature = "blocking")]
    pub(crate) fn cached_headers_for(&self, url: &str) -> Result<Option<HeaderMap>, Error> {
        self.check_url(url)?;
        match &self.kind {
            Kind::Tokens(tokens) => Ok(tokens.handle.cached().map(|token| of_token(tokens, &token))),
            Kind::KeyPair(pair) => Ok(pair.known().transpose()?.map(|pair| of_pair(&pair))),
        }
    }

    fn check_url(&self, url: &str) -> Result<(), Error> {
        let invalid = || Error::new(ErrorKind::InvalidConfig, "the url of the request is not a url");
        self.check_covers(&Url::parse(url).map_err(|_| invalid())?)
    }
}

fn of_pair(pair: &KeyPairHeaders) -> HeaderMap {
    let mut headers = HeaderMap::new();
    pair.sign(&mut headers);
    headers
}

fn of_token(tokens: &Tokens, token: &Token) -> HeaderMap {
    let mut headers = HeaderMap::new();
    tokens.sign(&mut headers, token);
    headers
}
