//! A token store that forwards its calls to a memory store. A test can change the calls, for
//! example to make them fail.

use std::{fmt::Debug, ops::Deref, time::Duration};

use fintech_auth::{
    Secret,
    token::{
        Fingerprint, Lease, MemoryStore, Notice, StoreFuture, StoreKey, StoredToken, TokenId, TokenStore,
    },
};
use tokio::sync::broadcast;

pub(crate) trait Wrapper: Debug + Send + Sync {
    fn store(&self) -> &MemoryStore;

    fn wrap<'a, T: Send + 'a>(&'a self, call: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        call
    }

    fn rejects(&self, id: TokenId) -> bool {
        let _ = id;
        false
    }

    fn on_evict(&self, notice: Notice) {
        let _ = notice;
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        None
    }
}

#[derive(Debug, Default)]
pub(crate) struct WrappedStore<W>(pub(crate) W);

impl<W> Deref for WrappedStore<W> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.0
    }
}

impl<W: Wrapper> TokenStore for WrappedStore<W> {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        self.wrap(self.store().get(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        if self.rejects(token.id) {
            return Box::pin(async { Ok(false) });
        }
        self.wrap(self.store().put(key, token, lease))
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        self.wrap(self.store().take_refresh_token(key, lease))
    }

    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()> {
        ids.iter().for_each(|id| self.on_evict(Notice::Revoked(*id)));
        self.wrap(self.store().revoke(source, ids, time))
    }

    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()> {
        self.on_evict(Notice::Invalidated(id));
        self.wrap(self.store().invalidate(key, id))
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        self.wrap(self.store().lease(key, time))
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        self.wrap(self.store().release(key, lease))
    }

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        self.wrap(self.store().changed(key, within))
    }

    fn marks<'a>(&'a self, source: &'a Fingerprint, ids: &'a [TokenId]) -> StoreFuture<'a, Vec<Notice>> {
        self.wrap(self.store().marks(source, ids))
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        self.0.notices()
    }
}
