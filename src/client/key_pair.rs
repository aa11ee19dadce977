//! Provides authorizers with the current client id and secret (the key pair).

use std::sync::Arc;

use super::credentials::CurrentCredentials;
use crate::{
    Error,
    authorize::{KeyPairFuture, KeyPairHeaders, KeyPairSource},
};

impl KeyPairSource for CurrentCredentials {
    fn known(&self) -> Option<Result<Arc<KeyPairHeaders>, Error>> {
        self.known().map(|auth| auth.key_pair())
    }

    fn get(&self) -> KeyPairFuture<'_, Result<Arc<KeyPairHeaders>, Error>> {
        Box::pin(async { self.known_or_get().await?.key_pair() })
    }

    fn after_401<'a>(&'a self, sent: &'a KeyPairHeaders) -> KeyPairFuture<'a, Option<Arc<KeyPairHeaders>>> {
        Box::pin(async {
            match self.renew(sent.fingerprint()).await {
                true => self.known()?.key_pair().ok(),
                false => None,
            }
        })
    }
}
