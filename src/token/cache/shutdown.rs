//! Ends the tasks of a cache, and completes its pending writes to the store.

use std::{sync::Arc, time::Duration};

use crate::{
    Error, ErrorKind,
    retry::backoff,
    sync::time::{self, Instant},
    token::{
        cache::{entry::CacheEntry, inner::CacheInner},
        id::TokenId,
        refresh::expiring_map::after,
        store::{
            circuit_breaker::{PendingMark, StoreCircuitBreaker},
            sync::write_pending,
        },
    },
};

const BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

impl CacheInner {
    pub(in crate::token) async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        let work = &self.shared.work;
        let deadline = after(Instant::now(), within);
        work.close();
        let ended = async {
            self.write_all_marks().await;
            work.closed_and_idle().await;
            // Write again, because a task may have added a mark since the first write.
            self.write_all_marks().await;
        };
        let is_in_time = time::timeout_at(deadline, ended).await.is_ok();
        let cut_off = work.running();
        self.alive.send_replace(());
        if is_in_time {
            return Ok(());
        }
        let marks = self.unwritten_marks();
        let kind = if cut_off > 0 { ErrorKind::Timeout } else { ErrorKind::Unavailable };
        let reason = format!(
            "shutdown was incomplete: {cut_off} refreshes cancelled, {marks} revoked or rejected tokens not marked in the \
             token store"
        );
        Err(Error::new(kind, reason).with_sent(cut_off > 0))
    }

    /// Calls the store even while its circuit breaker is open, because the cache does not retry
    /// failed writes of marks after a shutdown.
    async fn write_all_marks(&self) {
        let Some(breaker) = &self.shared.breaker else { return };
        let mut failures = 0;
        while !(write_pending(&self.shared, breaker, true).await && self.write_evictions(breaker).await) {
            failures += 1;
            time::sleep(backoff(BACKOFF, MAX_BACKOFF, failures, self.shared.random())).await;
        }
    }

    /// Usually, the next refresh of a scope set writes its pending eviction. After a shutdown there
    /// is no next refresh, so this function writes all pending evictions.
    async fn write_evictions(&self, breaker: &StoreCircuitBreaker) -> bool {
        for (entry, rejected) in self.pending_evictions() {
            let mark = PendingMark::Invalidated(self.shared.key(&entry), rejected);
            let source = self.shared.source.fingerprint();
            if breaker.write_mark_even_if_open(&source, &mark).await.is_err() {
                return false;
            }
            entry.clear_pending_eviction(rejected);
        }
        true
    }

    fn pending_evictions(&self) -> Vec<(Arc<CacheEntry>, TokenId)> {
        let mut pending = Vec::new();
        self.shared.entries.each(|entry| {
            pending.extend(entry.pending_eviction().map(|rejected| (entry.clone(), rejected)));
        });
        pending
    }

    fn unwritten_marks(&self) -> usize {
        let Some(breaker) = &self.shared.breaker else { return 0 };
        // Most pending evictions also have a pending mark, so return the larger number, not the
        // sum.
        breaker.pending_marks().max(self.pending_evictions().len())
    }
}
