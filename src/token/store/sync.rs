//! Marks revoked and invalidated tokens in the store, and drops the tokens that other processes
//! have marked.

use std::{collections::HashSet, time::Duration};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    Error, ErrorKind,
    retry::backoff,
    sync::{
        self, runtime,
        time::{self, Instant},
    },
    token::{
        cache::{entry::CacheEntry, inner::CacheInner, key::ScopeKey, state::CacheState},
        id::TokenId,
        refresh::expiring_map::after,
        store::{
            Notice, StoreKey,
            circuit_breaker::{PendingMark, StoreCircuitBreaker},
        },
    },
};

const BATCH: usize = 500;
/// The maximum random delay before a process that lost notices checks its tokens. The delay
/// prevents many processes from checking their tokens at the same time.
const SPREAD: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl CacheInner {
    pub(in crate::token) fn sync_with_store(&self) {
        let Some(breaker) = &self.shared.breaker else { return };
        let Ok(runtime) = runtime::Handle::try_current() else { return };
        // Subscribe before the check. Otherwise a shutdown that starts after the check would not
        // end the task.
        let mut alive = self.alive();
        if self.shared.work.is_closed() {
            return;
        }
        breaker.sync_with_store(|notices, again| {
            let shared = self.shared.clone();
            let task = runtime.spawn(async move {
                sync::select! {
                    () = run(&shared, notices, again) => {}
                    _ = alive.changed() => {}
                }
            });
            task.abort_handle()
        });
    }

    pub(in crate::token) async fn invalidate_in_store(&self, entry: Option<&CacheEntry>, id: TokenId) {
        let Some(breaker) = &self.shared.breaker else { return };
        let key = match entry {
            Some(entry) => self.shared.key(entry),
            // The scopes are unknown, but are not needed: the mark applies to the id of the token.
            None => StoreKey { source: self.shared.source.fingerprint(), scopes: "".into() },
        };
        if self.mark(breaker, PendingMark::Invalidated(key, id)).await.is_ok() {
            entry.inspect(|entry| entry.clear_pending_eviction(id));
        }
    }

    pub(in crate::token) async fn revoke_in_store(&self, ids: Vec<TokenId>) -> Result<(), Error> {
        let Some(breaker) = &self.shared.breaker else { return Ok(()) };
        self.mark(breaker, PendingMark::Revoked(ids)).await
    }

    async fn mark(&self, breaker: &StoreCircuitBreaker, mark: PendingMark) -> Result<(), Error> {
        let cancelled = KeepIfCancelled { cache: self, mark: Some(mark.clone()) };
        let written = breaker.write_mark(&self.shared.source.fingerprint(), &mark).await;
        cancelled.disarm();
        let Err(error) = written else {
            breaker.remove_pending(&mark);
            return Ok(());
        };
        let is_kept = breaker.keep_pending(mark);
        let reason = if is_kept && !self.shared.work.is_closed() {
            "token store failed: other processes may still use the revoked or rejected token until a retry succeeds"
        } else {
            "token store failed: other processes may still use the revoked or rejected token"
        };
        let cause = std::error::Error::source(&error);
        tracing::warn!(
            error = reason,
            fintech_auth.cause = cause,
            "revocation or invalidation not written to the token store"
        );
        self.sync_with_store();
        Err(Error::new(ErrorKind::Unavailable, reason).with_source(error))
    }
}

struct KeepIfCancelled<'a> {
    cache: &'a CacheInner,
    mark: Option<PendingMark>,
}

impl KeepIfCancelled<'_> {
    fn disarm(mut self) {
        self.mark = None;
    }
}

impl Drop for KeepIfCancelled<'_> {
    fn drop(&mut self) {
        if let (Some(mark), Some(breaker)) = (self.mark.take(), &self.cache.shared.breaker) {
            breaker.keep_pending(mark);
            self.cache.sync_with_store();
        }
    }
}

async fn run(shared: &CacheState, mut notices: Option<broadcast::Receiver<Notice>>, again: bool) {
    let Some(breaker) = &shared.breaker else { return };
    // If an earlier task has ended, this process missed the notices that were sent since then. So
    // check all tokens.
    let mut recheck = again.then(Instant::now);
    // At this time, all tokens that were in memory when notices were lost have expired. So no
    // further check is needed.
    let mut recheck_end = after(Instant::now(), breaker.max_lifetime);
    let (mut attempts, mut checks) = (0, 0);
    // `backoff` shortens each pause by a random part of up to half. The first pause is therefore
    // twice `open_for`: even the shortest pause lasts at least as long as the circuit stays open.
    let first = breaker.open_for.saturating_mul(2);
    let pause = |attempts| backoff(first, MAX_PAUSE.max(first), attempts, shared.random());
    let mut write = breaker.first_pending().is_some().then(|| Instant::now() + breaker.open_for);
    loop {
        sync::select! {
            notice = next(&mut notices) => {
                if apply_notices(shared, notice, &mut notices) {
                    recheck = Some(Instant::now() + SPREAD.mul_f64(shared.random()));
                    recheck_end = after(Instant::now(), breaker.max_lifetime);
                    checks = 0;
                }
            }
            () = breaker.pending.notified(), if write.is_none() => write = Some(Instant::now() + breaker.open_for),
            () = at(write) => {
                attempts = if write_pending(shared, breaker, false).await { 0 } else { attempts + 1 };
                write = breaker.first_pending().is_some().then(|| Instant::now() + pause(attempts));
            }
            () = at(recheck) => {
                checks += 1;
                let is_over = check_all(shared, breaker).await || Instant::now() >= recheck_end;
                recheck = (!is_over).then(|| Instant::now() + pause(checks));
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn next(notices: &mut Option<broadcast::Receiver<Notice>>) -> Notice {
    match notices {
        Some(receiver) => match receiver.recv().await {
            Ok(notice) => notice,
            Err(RecvError::Lagged(_)) => Notice::Missed,
            Err(RecvError::Closed) => {
                *notices = None;
                std::future::pending().await
            }
        },
        None => std::future::pending().await,
    }
}

fn apply_notices(
    shared: &CacheState,
    first: Notice,
    notices: &mut Option<broadcast::Receiver<Notice>>,
) -> bool {
    let mut received = vec![first];
    if let Some(receiver) = notices {
        loop {
            match receiver.try_recv() {
                Ok(notice) => received.push(notice),
                Err(broadcast::error::TryRecvError::Lagged(_)) => received.push(Notice::Missed),
                Err(_) => break,
            }
        }
    }
    apply(shared, &received);
    received.contains(&Notice::Missed)
}

/// Records the marks before the tokens are dropped. So a token that is installed in between is
/// checked against the marks.
fn apply(shared: &CacheState, notices: &[Notice]) {
    let (mut revoked, mut invalidated) = (HashSet::new(), HashSet::new());
    for notice in notices {
        match *notice {
            Notice::Revoked(id) => {
                shared.mark_revoked(id);
                revoked.insert(id);
            }
            Notice::Invalidated(id) => {
                // Do not replace an existing mark. This process may have sent the notice itself. If
                // the server has issued the same token again since then, a new mark would wrongly
                // apply to the token that was issued again.
                if !shared.tombstones.is_marked(id, shared.now().tick) {
                    shared.mark_invalidated(id);
                }
                invalidated.insert(id);
            }
            Notice::Missed => {}
        }
    }
    if revoked.is_empty() && invalidated.is_empty() {
        return;
    }
    shared.entries.each(|entry| {
        revoked.iter().for_each(|id| revoke_here(shared, entry, *id));
        if let Some(id) = entry.current.load().id.filter(|id| invalidated.contains(id)) {
            shared.drop_token(entry, id);
        }
    });
}

fn revoke_here(shared: &CacheState, entry: &CacheEntry, id: TokenId) {
    if let Some(Some(current)) = entry.revoke(id, shared.marks()) {
        shared.counters.evicted_remotely.add(1);
        tracing::debug!("dropping a token that another process revoked");
        entry.clear_pending_eviction(current);
    }
}

async fn check_all(shared: &CacheState, breaker: &StoreCircuitBreaker) -> bool {
    let source = shared.source.fingerprint();
    let mut held: Vec<TokenId> = Vec::new();
    shared.entries.each(|entry| held.extend(entry.ids()));
    for ids in held.chunks(BATCH) {
        if !breaker.try_acquire() {
            return false;
        }
        let Ok(marks) = breaker.call(breaker.store.marks(&source, ids)).await else { return false };
        apply(shared, &marks);
    }
    true
}

pub(in crate::token) async fn write_pending(
    shared: &CacheState,
    breaker: &StoreCircuitBreaker,
    even_if_open: bool,
) -> bool {
    let source = shared.source.fingerprint();
    while let Some(mark) = breaker.first_pending() {
        let written = match even_if_open {
            true => breaker.write_mark_even_if_open(&source, &mark).await,
            false => breaker.write_mark(&source, &mark).await,
        };
        if written.is_err() {
            return false;
        }
        breaker.remove_pending(&mark);
        if let PendingMark::Invalidated(key, id) = &mark {
            ScopeKey::with_joined(&key.scopes, |key| {
                shared.entries.find(key, |entry| entry.clear_pending_eviction(*id))
            });
        }
    }
    true
}
