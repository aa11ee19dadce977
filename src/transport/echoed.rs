//! Secrets that a response may quote although the call did not send them, because they were replaced meanwhile.

use std::sync::Arc;

use crate::{Secret, sync::ArcSwap};

/// The secrets of a client: those that it sends now, and those before them.
pub(crate) struct EchoedSecrets(ArcSwap<Vec<Secret>>);

impl EchoedSecrets {
    pub(crate) fn replace(&self, secrets: Vec<Secret>) {
        self.0.store(Arc::new(secrets));
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
