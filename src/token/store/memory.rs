//! A token store in memory.

use std::{fmt, sync::PoisonError, time::Duration};

use tokio::sync::broadcast;

use crate::{
    Secret,
    sync::{
        Mutex, MutexGuard, Notify,
        time::{Instant, timeout},
    },
    token::{
        fingerprint::Fingerprint,
        id::TokenId,
        refresh::expiring_map::{ExpiringMap, after},
        store::{INVALIDATED, Lease, Notice, StoreFuture, StoreKey, StoredToken, TokenStore},
    },
};

const BACKLOG: usize = 4096;

/// A token store in memory, for several clients in one process and for tests.
///
/// This store has no rate limit, does not share cool-downs and does not persist tokens. Each call
/// removes the expired tokens and the expired marks of revoked and invalidated tokens.
pub struct MemoryStore {
    state: Mutex<State>,
    change: Notify,
    notices: broadcast::Sender<Notice>,
}

#[derive(Default)]
struct State {
    entries: ExpiringMap<StoreKey, Entry>,
    marks: ExpiringMap<(Fingerprint, TokenId), Mark>,
    /// Each lease and each invalidation increments this counter, so that the store knows which of
    /// them came first.
    fence: u64,
}

#[derive(Clone, Default)]
struct Entry {
    token: Option<(StoredToken, Instant)>,
    lease: Option<(u64, Instant)>,
}

#[derive(Clone, Copy)]
enum Mark {
    Revoked(Instant),
    Invalidated(u64),
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { state: Mutex::default(), change: Notify::new(), notices: broadcast::Sender::new(BACKLOG) }
    }
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state.entries.sweep(now);
        state.marks.sweep(now);
        state
    }

    fn insert(&self, key: &StoreKey, token: &StoredToken, lease: &Lease, release: bool) -> bool {
        let mut state = self.lock();
        let Some(mut entry) = state.leased(key, lease).cloned() else { return false };
        let ids = [Some(token.id), token.refresh_token_id];
        if ids.into_iter().flatten().chain(lease.parents.iter().copied()).any(|id| state.is_revoked(key, id))
        {
            return false;
        }
        match state.mark(key, token.id) {
            Some(Mark::Invalidated(fence)) if fence > lease.fence => return false,
            Some(_) => drop(state.marks.remove(&(key.source, token.id))),
            None => {}
        }
        entry.token = Some((token.clone(), after(Instant::now(), token.remaining())));
        if release {
            entry.lease = None;
        }
        state.set(key, entry);
        self.change.notify_waiters();
        true
    }

    fn send(&self, notice: Notice) {
        let _ = self.notices.send(notice);
    }
}

impl State {
    fn mark(&self, key: &StoreKey, id: TokenId) -> Option<Mark> {
        self.marks.get(&(key.source, id)).copied()
    }

    fn is_revoked(&self, key: &StoreKey, id: TokenId) -> bool {
        matches!(self.mark(key, id), Some(Mark::Revoked(_)))
    }

    fn is_marked(&self, key: &StoreKey, token: &StoredToken) -> bool {
        self.mark(key, token.id).is_some()
            || token.refresh_token_id.is_some_and(|id| self.is_revoked(key, id))
    }

    fn token(&self, key: &StoreKey) -> Option<StoredToken> {
        let (token, ends) = self.entries.get(key)?.token.as_ref()?;
        let left = *ends - Instant::now();
        if left.is_zero() || self.is_marked(key, token) {
            return None;
        }
        let mut token = token.clone();
        token.age = token.lifetime.saturating_sub(left);
        Some(token)
    }

    fn leased(&self, key: &StoreKey, lease: &Lease) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| {
            entry.lease.is_some_and(|(fence, ends)| fence == lease.fence && Instant::now() < ends)
        })
    }

    fn set(&mut self, key: &StoreKey, entry: Entry) {
        let token = entry.token.as_ref().map(|(_, ends)| *ends);
        let lease = entry.lease.map(|(_, ends)| ends);
        match token.max(lease) {
            Some(ends) => self.entries.insert(key.clone(), entry, ends),
            None => drop(self.entries.remove(key)),
        }
    }

    fn next_fence(&mut self) -> u64 {
        self.fence += 1;
        self.fence
    }
}

impl TokenStore for MemoryStore {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        Box::pin(async { Ok(self.lock().token(key)) })
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async { Ok(self.insert(key, token, lease, false)) })
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        Box::pin(async {
            let mut state = self.lock();
            if state.token(key).is_none() || state.leased(key, lease).is_none() {
                return Ok(None);
            }
            let entry = state.entries.get_mut(key);
            Ok(entry.and_then(|entry| entry.token.as_mut()?.0.refresh_token.take()))
        })
    }

    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut state = self.lock();
            let ends = after(Instant::now(), time);
            for id in ids {
                let known = match state.marks.get(&(*source, *id)) {
                    Some(Mark::Revoked(ends)) => Some(*ends),
                    _ => None,
                };
                let ends = known.map_or(ends, |known| known.max(ends));
                state.marks.insert((*source, *id), Mark::Revoked(ends), ends);
            }
            drop(state);
            ids.iter().for_each(|id| self.send(Notice::Revoked(*id)));
            Ok(())
        })
    }

    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.mark(key, id).is_some() {
                return Ok(());
            }
            let holds = |entry: &&Entry| entry.token.as_ref().is_some_and(|(token, _)| token.id == id);
            if let Some(entry) = state.entries.get(key).filter(holds).cloned() {
                state.set(key, Entry { token: None, ..entry });
            }
            let fence = state.next_fence();
            let ends = after(Instant::now(), INVALIDATED);
            state.marks.insert((key.source, id), Mark::Invalidated(fence), ends);
            drop(state);
            self.send(Notice::Invalidated(id));
            Ok(())
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        Box::pin(async move {
            let mut state = self.lock();
            let parents = state.token(key).map(|token| [Some(token.id), token.refresh_token_id]);
            let mut entry = state.entries.get(key).cloned().unwrap_or_default();
            let now = Instant::now();
            if entry.lease.is_some_and(|(_, ends)| now < ends) {
                return Ok(None);
            }
            let fence = state.next_fence();
            entry.lease = Some((fence, after(now, time)));
            state.set(key, entry);
            Ok(Some(Lease::new(fence).with_parents(parents.into_iter().flatten().flatten())))
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        Box::pin(async {
            let mut state = self.lock();
            if let Some(entry) = state.leased(key, lease).cloned() {
                state.set(key, Entry { lease: None, ..entry });
                self.change.notify_waiters();
            }
            Ok(())
        })
    }

    fn put_and_release<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async { Ok(self.insert(key, token, lease, true)) })
    }

    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut state = self.lock();
            let Some(entry) = state.leased(key, lease).cloned() else { return Ok(false) };
            let lease = Some((lease.fence, after(Instant::now(), time)));
            state.set(key, Entry { lease, ..entry });
            Ok(true)
        })
    }

    fn changed<'a>(&'a self, _: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let _ = timeout(within, self.change.notified()).await;
            Ok(())
        })
    }

    fn marks<'a>(&'a self, source: &'a Fingerprint, ids: &'a [TokenId]) -> StoreFuture<'a, Vec<Notice>> {
        Box::pin(async move {
            let state = self.lock();
            let notice = |id: &TokenId| match state.marks.get(&(*source, *id))? {
                Mark::Revoked(_) => Some(Notice::Revoked(*id)),
                Mark::Invalidated(_) => Some(Notice::Invalidated(*id)),
            };
            Ok(ids.iter().filter_map(notice).collect())
        })
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        Some(self.notices.subscribe())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("MemoryStore")
            .field("entries", &state.entries.len())
            .field("marks", &state.marks.len())
            .finish()
    }
}
