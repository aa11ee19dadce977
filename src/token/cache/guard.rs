//! Ties a task of a cache to the life of the cache: a shutdown waits for it, then cuts it off.

use crate::{
    Error, ErrorKind,
    sync::{self, watch},
    work::{Running, WorkTracker},
};

/// A task that a shutdown waits for. Made before the task, so that a shutdown in between knows of it.
pub(in crate::token) struct TaskGuard {
    alive: watch::Receiver<()>,
    _running: Running,
}

impl TaskGuard {
    /// # Errors
    ///
    /// [`shut_down`] once a shutdown has begun.
    pub(super) fn new(alive: watch::Receiver<()>, work: &WorkTracker) -> Result<Self, Error> {
        Ok(Self { alive, _running: work.begin().ok_or_else(shut_down)? })
    }

    /// Runs the task. `None` if it is cut off: the last clone of the cache is gone, or a shutdown is over.
    pub(in crate::token) async fn run<T>(mut self, task: impl Future<Output = T>) -> Option<T> {
        sync::select! {
            outcome = task => Some(outcome),
            _ = self.alive.changed() => None,
        }
    }
}

/// Why no refresh begins any more.
pub(in crate::token) fn shut_down() -> Error {
    Error::new(ErrorKind::Unavailable, "the client was shut down: no token is requested any more")
}
