//! The webhook key cache, compiled from the files of the crate, with an interface for tests.

use std::sync::Arc;

#[path = "../../../../src/moneykit/webhook/cache.rs"]
mod cache;
#[path = "../../../../src/moneykit/webhook/keys.rs"]
mod keys;
#[path = "../../../../src/moneykit/webhook/options.rs"]
mod options;

use crate::{Clock, Error, webhook::VerifyError};
pub use keys::VerifyingKeys;
pub use options::VerifierOptions;

#[derive(Clone)]
pub struct KeyCache(Arc<cache::KeyCache>);

impl KeyCache {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(cache::KeyCache::new(VerifierOptions::default(), clock)))
    }

    pub async fn keys_for<F>(
        &self,
        key_id: &str,
        fetch: impl Fn() -> F,
    ) -> Result<Arc<VerifyingKeys>, VerifyError>
    where
        F: Future<Output = Result<VerifyingKeys, Error>> + Send + 'static,
    {
        self.0.keys_for(key_id, fetch).await
    }
}
