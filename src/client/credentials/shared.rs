//! The last valid credentials of a client. Reading the credentials needs no lock.

use std::sync::Arc;

use super::{
    auth::{Auth, Scheme},
    pair::Credentials,
};
use crate::{Error, sync::ArcSwapOption, transport::EchoedSecrets};

pub(super) type Outcome = Result<Arc<Auth>, Error>;

pub(super) struct Shared {
    scheme: Scheme,
    current: ArcSwapOption<Auth>,
    /// Includes the secret of the previous credentials, because a call with these credentials may
    /// still be in flight.
    secrets: Arc<EchoedSecrets>,
}

impl Shared {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self { scheme, current: ArcSwapOption::empty(), secrets: Arc::default() }
    }

    pub(super) fn current(&self) -> Option<Arc<Auth>> {
        self.current.load_full()
    }

    pub(super) fn install(&self, credentials: Credentials) -> Outcome {
        let before = self.current();
        if let Some(before) = before.as_ref().filter(|before| before.credentials().is_same(&credentials)) {
            return Ok(before.clone());
        }
        let auth = Arc::new(Auth::new(credentials, &self.scheme, self.secrets.clone())?);
        // Register the new secret for redaction before a request can contain the secret, because an
        // error response may quote the secret.
        let secrets = auth.secrets().into_iter().chain(before.iter().flat_map(|before| before.secrets()));
        self.secrets.replace(secrets.collect());
        self.current.store(Some(auth.clone()));
        if before.is_some() {
            tracing::info!("client credentials replaced");
        }
        Ok(auth)
    }
}
