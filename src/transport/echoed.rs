//! The current and previous secrets of a client, which are redacted from its error responses.

use std::sync::Arc;

use super::redact::forms;
use crate::{Secret, sync::ArcSwap};

/// Contains each secret in all forms in which a server may quote the secret.
pub(crate) struct EchoedSecrets(ArcSwap<Vec<Secret>>);

impl EchoedSecrets {
    pub(crate) fn replace(&self, secrets: Vec<Secret>) {
        self.0.store(Arc::new(secrets.iter().flat_map(|secret| forms(secret.expose_secret())).collect()));
    }

    pub(super) fn load(&self) -> Arc<Vec<Secret>> {
        self.0.load_full()
    }
}

impl Default for EchoedSecrets {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Vec::new()))
    }
}
