//! Binds a task to its cache: a shutdown waits for the task, and aborts the task when the time
//! limit of the shutdown is reached.

use crate::{
    Error, ErrorKind,
    sync::{self, watch},
    work::{Running, WorkTracker},
};

/// Makes a shutdown wait for a task. Create it before the task starts, so that no shutdown misses
/// the task.
pub(in crate::token) struct TaskGuard {
    alive: watch::Receiver<()>,
    _running: Running,
}

impl TaskGuard {
    /// Registers a task. Fails after a shutdown was started.
    pub(super) fn new(alive: watch::Receiver<()>, work: &WorkTracker) -> Result<Self, Error> {
        Ok(Self { alive, _running: work.begin().ok_or_else(shut_down)? })
    }

    /// Runs the task. Returns `None` if the task was aborted, because the last clone of the cache
    /// was dropped or the time of a shutdown was over.
    pub(in crate::token) async fn run<T>(mut self, task: impl Future<Output = T>) -> Option<T> {
        sync::select! {
            outcome = task => Some(outcome),
            _ = self.alive.changed() => None,
        }
    }
}

/// Returns the error for refreshes after a shutdown was started.
pub(in crate::token) fn shut_down() -> Error {
    Error::new(ErrorKind::Unavailable, "the client was shut down")
}
