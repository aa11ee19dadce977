//! Tracks the tasks of a cache, so that a shutdown can wait for them or abort them.

use crate::{
    Error, ErrorKind,
    sync::{self, watch},
    work::{Running, WorkTracker},
};

/// Create the guard before the task starts. Otherwise a shutdown could miss the task.
pub(in crate::token) struct TaskGuard {
    alive: watch::Receiver<()>,
    _running: Running,
}

impl TaskGuard {
    pub(super) fn new(alive: watch::Receiver<()>, work: &WorkTracker) -> Result<Self, Error> {
        Ok(Self { alive, _running: work.begin().ok_or_else(shut_down)? })
    }

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
