//! Runs one task at a time (a flight) for any number of callers that wait for its outcome.
//!
//! Does not lock. The owner keeps the [`SingleFlight`] inside its own mutex, and decides in one
//! critical section whether to join the running flight or to start one.

use std::task::{Context, Poll, Waker};

use crate::sync::{
    runtime,
    time::{self, Instant},
    watch,
};

/// The running flight, if any.
pub(crate) struct SingleFlight<T>(Option<Waiter<T>>);

/// Waits for the outcome of a flight. Dropping a waiter does not cancel the flight.
pub(crate) struct Waiter<T>(watch::Receiver<Option<T>>);

/// A flight that was started and has no outcome yet. Dropping it ends the flight without an
/// outcome.
pub(crate) struct Flight<T>(watch::Sender<Option<T>>);

/// The result of [`Flight::poll_or_spawn`].
pub(crate) enum Started<T> {
    /// The work is done, with this outcome.
    Ready(Option<T>),
    /// The work runs in a task.
    Pending(Waiter<T>),
}

/// The flight could not start, because there is no tokio runtime.
#[derive(Debug)]
pub(crate) struct NoRuntime;

/// The flight did not end before the deadline.
#[derive(Debug)]
pub(crate) struct Elapsed;

impl<T: Clone> SingleFlight<T> {
    /// Returns a waiter for the running flight. A flight has ended when its task has finished or
    /// panicked, or was aborted because its runtime shut down.
    pub(crate) fn running(&self) -> Option<Waiter<T>> {
        self.0.as_ref().filter(|waiter| waiter.0.has_changed().is_ok()).cloned()
    }

    /// Starts a flight. Call this only if no flight is running, in the critical section in which
    /// you checked this.
    pub(crate) fn start(&mut self) -> Flight<T> {
        let (sender, receiver) = watch::channel(None);
        self.0 = Some(Waiter(receiver));
        Flight(sender)
    }

    /// Removes the flight, so that later callers do not join it. Call this in the critical section
    /// that stores the outcome.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl<T: Clone> Flight<T> {
    pub(crate) fn waiter(&self) -> Waiter<T> {
        Waiter(self.0.subscribe())
    }
}

impl<T: Send + Sync + 'static> Flight<T> {
    /// Runs `work` in its own task, which continues even if all callers stop waiting. If `work`
    /// returns `None`, the flight ends without an outcome. Outside of a tokio runtime this fails,
    /// and the flight ends without an outcome.
    pub(crate) fn spawn(
        self,
        work: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Result<(), NoRuntime> {
        let runtime = runtime::Handle::try_current().map_err(|_| NoRuntime)?;
        runtime.spawn(async move {
            if let Some(outcome) = work.await {
                self.finish(outcome);
            }
        });
        Ok(())
    }

    fn finish(self, outcome: T) {
        // Sending fails if all waiters were dropped.
        let _ = self.0.send(Some(outcome));
    }
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Polls `work` once, and returns its outcome if it is ready. Otherwise continues `work` in its
    /// own task, as [`Self::spawn`] does. Use this for work that is usually ready at once, because
    /// starting a task costs more than such work. Do not call this while you hold a lock that
    /// `work` takes.
    pub(crate) fn poll_or_spawn(
        self,
        work: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Result<Started<T>, NoRuntime> {
        if runtime::Handle::try_current().is_err() {
            return Err(NoRuntime);
        }
        let mut work = Box::pin(work);
        // The waker needs no effect, because the task polls `work` again with its own waker.
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => {
                if let Some(outcome) = outcome.clone() {
                    self.finish(outcome);
                }
                Ok(Started::Ready(outcome))
            }
            Poll::Pending => {
                let waiter = self.waiter();
                self.spawn(work)?;
                Ok(Started::Pending(waiter))
            }
        }
    }
}

impl<T: Clone> Waiter<T> {
    /// Waits for the outcome. Returns `None` if the flight ended without an outcome.
    pub(crate) async fn outcome(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// Waits for the outcome until `deadline`.
    pub(crate) async fn outcome_by(self, deadline: Instant) -> Result<Option<T>, Elapsed> {
        time::timeout_at(deadline, self.outcome()).await.map_err(|_| Elapsed)
    }
}

impl<T> Clone for Waiter<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(None)
    }
}
