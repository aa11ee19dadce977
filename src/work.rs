//! Counts running work, and rejects new work after `WorkTracker::close`.

use std::{fmt, mem, sync::Arc};

use crate::sync::watch;

#[derive(Clone)]
pub(crate) struct WorkTracker(Arc<watch::Sender<State>>);

#[derive(Clone, Copy, Default)]
struct State {
    closed: bool,
    running: usize,
}

pub(crate) struct Running(WorkTracker);

impl WorkTracker {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::channel(State::default()).0))
    }

    pub(crate) fn begin(&self) -> Option<Running> {
        let mut begun = false;
        self.0.send_if_modified(|state| {
            begun = !state.closed;
            state.running += usize::from(begun);
            // No task waits for the count to increase, so no task is woken.
            false
        });
        begun.then(|| Running(self.clone()))
    }

    pub(crate) fn close(&self) {
        self.0.send_if_modified(|state| !mem::replace(&mut state.closed, true));
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.borrow().closed
    }

    pub(crate) fn running(&self) -> usize {
        self.0.borrow().running
    }

    pub(crate) async fn closed(&self) {
        // `wait_for` fails only if the sender was dropped, but `self` holds the sender.
        let _ = self.0.subscribe().wait_for(|state| state.closed).await;
    }

    pub(crate) async fn closed_and_idle(&self) {
        let _ = self.0.subscribe().wait_for(|state| state.closed && state.running == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_if_modified(|state| {
            state.running -= 1;
            state.closed && state.running == 0
        });
    }
}

impl fmt::Debug for WorkTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { closed, running } = *self.0.borrow();
        f.debug_struct("WorkTracker").field("closed", &closed).field("running", &running).finish()
    }
}
