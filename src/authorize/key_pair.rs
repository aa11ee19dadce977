//! The key pair of a client, on requests of its user's own. It may be replaced while the client runs.

use std::{pin::Pin, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{Error, ErrorKind, token::Fingerprint};

/// What the methods of a [`KeyPairSource`] return.
pub(crate) type KeyPairFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the current key pair comes from.
pub(crate) trait KeyPairSource: Send + Sync {
    /// From memory. `None` if none is known yet.
    fn known(&self) -> Option<Result<Arc<KeyPairHeaders>, Error>>;

    /// The key pair, as soon as one can be had.
    fn get(&self) -> KeyPairFuture<'_, Result<Arc<KeyPairHeaders>, Error>>;

    /// Another key pair than the one that came back with a 401, if there is one.
    fn after_401<'a>(&'a self, sent: &'a KeyPairHeaders) -> KeyPairFuture<'a, Option<Arc<KeyPairHeaders>>>;
}

/// The headers that carry a key pair.
pub(crate) struct KeyPairHeaders {
    headers: Vec<(HeaderName, HeaderValue)>,
    fingerprint: Fingerprint,
}

impl KeyPairHeaders {
    pub(crate) fn new(headers: Vec<(HeaderName, HeaderValue)>, fingerprint: Fingerprint) -> Self {
        Self { headers, fingerprint }
    }

    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

/// The key pair of an authorizer.
#[derive(Clone)]
pub(super) struct KeyPair {
    source: Arc<dyn KeyPairSource>,
    names: Arc<[HeaderName]>,
}

impl KeyPair {
    pub(super) fn new(source: Arc<dyn KeyPairSource>, names: impl IntoIterator<Item = HeaderName>) -> Self {
        Self { source, names: names.into_iter().collect() }
    }

    /// Fails if a request names scopes, because it would get more than it asks for.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn check(extensions: &http::Extensions) -> Result<(), Error> {
        match extensions.get::<crate::ScopeSet>() {
            Some(_) => Err(cannot_restrict_key_pair()),
            None => Ok(()),
        }
    }

    /// Whether a request has all of its headers already.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        self.names.iter().all(|name| headers.contains_key(name))
    }

    /// From memory. `None` if none is known yet.
    #[cfg(feature = "blocking")]
    pub(super) fn known(&self) -> Option<Result<Arc<KeyPairHeaders>, Error>> {
        self.source.known()
    }

    /// The key pair, from memory but for the first time.
    pub(super) async fn current(&self) -> Result<Arc<KeyPairHeaders>, Error> {
        match self.source.known() {
            Some(known) => known,
            None => self.source.get().await,
        }
    }

    /// The request to send again, and the key pair to send it with. `None` if the response stands. After a 401 to a
    /// request that cannot be repeated, the next request has the new key pair.
    pub(super) async fn repetition<R>(
        &self,
        sent: &KeyPairHeaders,
        status: StatusCode,
        again: Option<R>,
    ) -> Option<(R, Arc<KeyPairHeaders>)> {
        if status != StatusCode::UNAUTHORIZED {
            return None;
        }
        let other = self.source.after_401(sent).await?;
        again.map(|again| (again, other))
    }
}

pub(super) fn cannot_restrict_key_pair() -> Error {
    Error::new(ErrorKind::InvalidConfig, "scopes do not restrict a key pair; use tokens, by Client::bearer")
}
