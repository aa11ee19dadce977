//! Provides credentials for requests that a blocking HTTP client sends.

use http::HeaderMap;

use super::runtime::Runtime;
use crate::{Error, Scope, authorize};

/// The credentials to add to your own requests, and the origins that may receive them.
///
/// This type is the blocking form of [`authorize::Authorizer`](crate::authorize::Authorizer). An
/// authorizer is cheap to clone.
///
/// ```
/// # #[cfg(feature = "emulator")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fintech_auth::blocking;
/// # use fintech_auth::emulator::Emulator;
/// # let runtime = tokio::runtime::Runtime::new()?;
/// # let emulator = runtime.block_on(Emulator::start())?;
/// # let url = format!("{}/accounts", emulator.url());
///
/// // In your service: moov::ClientBuilder::from_env()?
/// let client = blocking::moov::Client::new(emulator.moov())?;
/// let headers = client.basic_auth()?.headers_for(&url)?;
/// assert!(headers.contains_key("authorization"));
/// // With reqwest: http.get(&url).headers(headers).send()?
///
/// assert!(client.basic_auth()?.headers_for("https://elsewhere.example").is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "emulator"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Authorizer {
    authorizer: authorize::Authorizer,
    runtime: Runtime,
}

impl Authorizer {
    pub(super) fn new(authorizer: authorize::Authorizer, runtime: Runtime) -> Self {
        Self { authorizer, runtime }
    }

    /// Returns the headers to add to a request to this URL.
    ///
    /// See [`authorize::Authorizer::headers_for`](crate::authorize::Authorizer::headers_for). Call
    /// this method for each request, because a token is fresh only for a limited time.
    ///
    /// You have to handle a 401 yourself. To repeat a request with a new token, use
    /// [`run`](super::moov::Client::run).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`authorize::Authorizer::headers_for`](crate::authorize::Authorizer::headers_for). [In async
    /// code](super#in-async-code), also fails if this method would have to wait.
    ///
    /// # Security
    ///
    /// Disable redirects in your HTTP client. Otherwise the client may send the headers to another
    /// origin.
    pub fn headers_for(&self, url: impl AsRef<str>) -> Result<HeaderMap, Error> {
        let url = url.as_ref();
        if let Some(headers) = self.authorizer.cached_headers_for(url)? {
            return Ok(headers);
        }
        let (authorizer, url) = (self.authorizer.clone(), url.to_owned());
        self.runtime.wait(async move { authorizer.headers_for(&url).await })
    }

    /// Returns an authorizer for tokens with these scopes.
    ///
    /// See [`authorize::Authorizer::with_scopes`](crate::authorize::Authorizer::with_scopes).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`authorize::Authorizer::with_scopes`](crate::authorize::Authorizer::with_scopes).
    pub fn with_scopes(&self, scopes: &[Scope]) -> Result<Self, Error> {
        Ok(Self::new(self.authorizer.with_scopes(scopes)?, self.runtime.clone()))
    }
}
