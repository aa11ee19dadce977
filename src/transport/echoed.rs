//! Secrets that a response may quote although its request did not contain them, because credentials
//! changed in the meantime.

use std::sync::Arc;

use super::redact::forms;
use crate::{Secret, sync::ArcSwap};

/// The current and the previous secrets of a client, each in all forms that a server may quote.
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
