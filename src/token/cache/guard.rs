//! Tracks the tasks of a cache. A shutdown waits for these tasks. When the shutdown reaches its
//! time limit, the shutdown aborts the tasks that are still running.

use crate::{
    Error, ErrorKind,
    sync::{self, watch},
    work::{Running, WorkTracker},
};

/// Makes a shutdown wait for a task. Create the guard before the task starts, because otherwise a
/// shutdown could miss the task.
pub(in crate::token) struct TaskGuard {
    alive: watch::Receiver<()>,
    _running: Running,
}

impl TaskGuard {
    pub(super) fn new(alive: watch::Receiver<()>, work: &WorkTracker) -> Result<Self, Error> {
        Ok(Self { alive, _running: work.begin().ok_or_else(shut_down)? })
    }

    /// Returns `None` if the task was aborted. A task is aborted if the last clone of the cache is
    /// dropped, or if a shutdown reaches its time limit before the task has finished.
    pub(in crate::token) async fn run<T>(mut self, task: impl Future<Output = T>) -> Option<T> {
        sync::select! {
            outcome = task => Some(outcome),
            _ = self.alive.changed() => None,
        }
    }
}

pub(in crate::token) fn shut_down() -> Error {
    Error::new(ErrorKind::Unavailable, "the client was shut down")
}
