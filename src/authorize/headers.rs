//! Returns the headers with the credentials, for HTTP clients that this crate does not support
//! directly.

use http::HeaderMap;
use reqwest::Url;

use super::{Authorizer, KeyPairHeaders, Kind, Tokens};
use crate::{Error, ErrorKind, Token};

impl Authorizer {
    /// Returns the headers to add to a request to this URL, for any HTTP client.
    ///
    /// The headers are `Authorization` or the headers of the key pair. For Moov tokens that were
    /// issued for a web page, the headers also contain `Origin`. Secret values are marked
    /// sensitive. If you use reqwest, prefer [`Authorizer::send`]. With `headers_for`, you must
    /// handle a 401 yourself, for example with [`TokenCache::run`](crate::token::TokenCache::run).
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if the URL is invalid or its origin is not one of
    /// this authorizer's origins. Otherwise fails with the same errors as
    /// [`TokenHandle::token`](crate::token::TokenHandle::token).
    ///
    /// # Cancellation
    ///
    /// Dropping the future does not cancel a running token refresh.
    ///
    /// # Security
    ///
    /// Disable redirects in your HTTP client. Otherwise the client may send the headers to another
    /// origin.
    pub async fn headers_for(&self, url: impl AsRef<str>) -> Result<HeaderMap, Error> {
        self.check_url(url.as_ref())?;
        match &self.kind {
            Kind::Tokens(tokens) => Ok(of_token(tokens, &tokens.handle.token().await?)),
            Kind::KeyPair(pair) => Ok(of_pair(&*pair.current().await?)),
        }
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn cached_headers_for(&self, url: &str) -> Result<Option<HeaderMap>, Error> {
        self.check_url(url)?;
        match &self.kind {
            Kind::Tokens(tokens) => Ok(tokens.handle.cached().map(|token| of_token(tokens, &token))),
            Kind::KeyPair(pair) => Ok(pair.known().transpose()?.map(|pair| of_pair(&pair))),
        }
    }

    fn check_url(&self, url: &str) -> Result<(), Error> {
        let invalid = || Error::new(ErrorKind::InvalidConfig, "the request url is invalid");
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
