//! What a cache does for its store behind everybody's back: it drops tokens that other processes
//! evicted, and repeats evictions that failed.
//!
//! It never asks a source for a token. Its task ends with the last handle of the cache.

use std::{
    collections::HashSet,
    num::NonZeroU64,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::broadcast::{self, error::RecvError};

use super::{Notice, entries::ScopeKey, keeper::Keeper, shared::Shared, sharing::Sharing, slot::Slot};
use crate::sync::{
    self, runtime,
    time::{self, Instant},
};

/// How many tokens are asked about in one call.
const BATCH: usize = 500;
/// Over how long a fleet spreads such calls.
const SPREAD: Duration = Duration::from_secs(1);

impl Keeper {
    /// Starts the task, if the cache has a store that needs it and it does not run.
    pub(super) fn keep_up(&self) {
        let Some(sharing) = &self.shared.sharing else { return };
        let Ok(runtime) = runtime::Handle::try_current() else { return };
        sharing.keep_up(|notices, again| {
            let (shared, mut alive) = (self.shared.clone(), self.alive());
            let task = runtime.spawn(async move {
                sync::select! {
                    () = run(&shared, notices, again) => {}
                    _ = alive.changed() => {}
                }
            });
            task.abort_handle()
        });
    }
}

async fn run(shared: &Shared, mut notices: Option<broadcast::Receiver<Notice>>, again: bool) {
    let Some(sharing) = &shared.sharing else { return };
    // What came between the last task's end and now was not heard.
    let mut recheck = again.then(Instant::now);
    let mut repay = sharing.owes().then(|| Instant::now() + sharing.rest);
    loop {
        sync::select! {
            notice = next(&mut notices) => {
                if drop_evicted(shared, notice, &mut notices) {
                    // A fleet that lost its store does not come back in step.
                    recheck = Some(Instant::now() + SPREAD.mul_f64(shared.random()));
                }
            }
            () = sharing.owing.notified(), if repay.is_none() => repay = Some(Instant::now() + sharing.rest),
            () = at(repay) => repay = (!repay_all(shared, sharing).await).then(|| Instant::now() + sharing.rest),
            () = at(recheck) => recheck = (!check_all(shared, sharing).await).then(|| Instant::now() + sharing.rest),
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
            // The store is gone, and says no more.
            Err(RecvError::Closed) => {
                *notices = None;
                std::future::pending().await
            }
        },
        None => std::future::pending().await,
    }
}

/// Drops what this notice and those behind it name, by one look at every scope set. Tells whether some
/// were missed.
fn drop_evicted(shared: &Shared, first: Notice, notices: &mut Option<broadcast::Receiver<Notice>>) -> bool {
    let (mut gone, mut missed) = (HashSet::new(), false);
    let mut take = |notice| match notice {
        Notice::Evicted(generation) => drop(gone.insert(generation)),
        Notice::Missed => missed = true,
    };
    take(first);
    if let Some(receiver) = notices {
        loop {
            match receiver.try_recv() {
                Ok(notice) => take(notice),
                Err(broadcast::error::TryRecvError::Lagged(_)) => take(Notice::Missed),
                Err(_) => break,
            }
        }
    }
    // First this, then the look: a token that is put in place meanwhile is checked against it.
    gone.iter().for_each(|generation| shared.mark_invalidated(*generation));
    shared.entries.each(|slot| {
        if let Some(generation) = slot.current.load().generation
            && gone.contains(&generation)
        {
            shared.drop_token(slot, generation);
        }
    });
    missed
}

/// Asks the store about every token in memory. `false` if it failed.
async fn check_all(shared: &Shared, sharing: &Sharing) -> bool {
    let source = shared.source.fingerprint();
    let mut held: Vec<(Weak<Slot>, NonZeroU64)> = Vec::new();
    shared.entries.each(|slot| {
        if let Some(generation) = slot.current.load().generation {
            held.push((Arc::downgrade(slot), generation));
        }
    });
    for batch in held.chunks(BATCH) {
        let generations: Vec<NonZeroU64> = batch.iter().map(|(_, generation)| *generation).collect();
        if !sharing.is_ready() {
            return false;
        }
        let Ok(gone) = sharing.ask(sharing.store.evicted(&source, &generations)).await else { return false };
        gone.iter().for_each(|generation| shared.mark_invalidated(*generation));
        for (slot, generation) in batch.iter().filter(|(_, generation)| gone.contains(generation)) {
            if let Some(slot) = slot.upgrade() {
                shared.drop_token(&slot, *generation);
            }
        }
    }
    true
}

/// Repeats the evictions that failed. `false` if the store fails still.
async fn repay_all(shared: &Shared, sharing: &Sharing) -> bool {
    if !sharing.is_ready() {
        return false;
    }
    let mut owed = sharing.take_owed().into_iter();
    while let Some((key, generation)) = owed.next() {
        if sharing.ask(sharing.store.evict(&key, generation)).await.is_err() {
            sharing.owe(key, generation);
            owed.for_each(|(key, generation)| sharing.owe(key, generation));
            return false;
        }
        shared.entries.find(&ScopeKey::parse(&key.scopes), |slot| slot.paid(generation));
    }
    true
}
