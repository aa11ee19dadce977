//! Authenticates the user's own requests with the client's key pair: as HTTP Basic credentials for
//! Moov, and in custom headers for MoneyKit. The key pair may be replaced at run time.

use std::{pin::Pin, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{Error, ErrorKind, token::Fingerprint};

pub(crate) type KeyPairFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(crate) trait KeyPairSource: Send + Sync {
    fn known(&self) -> Option<Result<Arc<KeyPairHeaders>, Error>>;

    fn get(&self) -> KeyPairFuture<'_, Result<Arc<KeyPairHeaders>, Error>>;

    fn after_401<'a>(&'a self, sent: &'a KeyPairHeaders) -> KeyPairFuture<'a, Option<Arc<KeyPairHeaders>>>;
}

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

#[derive(Clone)]
pub(super) struct KeyPair {
    source: Arc<dyn KeyPairSource>,
    names: Arc<[HeaderName]>,
}

impl KeyPair {
    pub(super) fn new(source: Arc<dyn KeyPairSource>, names: impl IntoIterator<Item = HeaderName>) -> Self {
        Self { source, names: names.into_iter().collect() }
    }

    /// Rejects a request that names scopes, because scopes do not restrict a key pair.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn check(extensions: &http::Extensions) -> Result<(), Error> {
        match extensions.get::<crate::ScopeSet>() {
            Some(_) => Err(cannot_restrict_key_pair()),
            None => Ok(()),
        }
    }

    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        self.names.iter().all(|name| headers.contains_key(name))
    }

    #[cfg(feature = "blocking")]
    pub(super) fn known(&self) -> Option<Result<Arc<KeyPairHeaders>, Error>> {
        self.source.known()
    }

    pub(super) async fn current(&self) -> Result<Arc<KeyPairHeaders>, Error> {
        match self.source.known() {
            Some(known) => known,
            None => self.source.get().await,
        }
    }

    /// After a 401, asks the source for a different key pair even if the request cannot be
    /// repeated, so that the next request uses the new key pair.
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
    Error::new(ErrorKind::InvalidConfig, "scopes do not restrict a key pair; use tokens with Client::bearer")
}
