//! Creates token caches of this crate for benchmarks without a network.

use crate::RT;
use fintech_auth::{
    Error, Scope,
    token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub struct Local(AtomicU64);

pub const TOKEN_LEN: usize = 900;

impl TokenSource for Local {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let number = self.0.fetch_add(1, Relaxed);
        let mut issued = IssuedToken::new(format!("{number:0TOKEN_LEN$}"));
        issued.expires_in = Some(86_400.into());
        Ok(issued)
    }
}

pub fn scope(text: &str) -> Scope {
    Scope::new(text).expect("scope")
}

pub fn filled<'a>(sets: impl IntoIterator<Item = &'a [Scope]>) -> TokenCache {
    let cache = TokenCache::new(Local::default(), TokenOptions::default());
    RT.block_on(async {
        for scopes in sets {
            cache.token(scopes).await.expect("token");
        }
    });
    cache
}
