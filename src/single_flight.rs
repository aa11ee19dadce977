//! Runs one task for any number of callers that wait for its outcome.
//!
//! Does not lock: a [`SingleFlight`] lives inside the mutex of its owner, so an owner decides in one critical
//! section whether to join the running flight, to start one, or neither.

use crate::sync::{
    runtime,
    time::{self, Instant},
    watch,
};

/// The flight that runs, if one does.
pub(crate) struct SingleFlight<T>(Option<Waiter<T>>);

/// Waits for the outcome of a flight. Dropping it cancels nothing.
pub(crate) struct Waiter<T>(watch::Receiver<Option<T>>);

/// A flight that was started and whose outcome is not known yet. If it is dropped, the flight is over
/// without an outcome.
pub(crate) struct Flight<T>(watch::Sender<Option<T>>);

/// A flight needs a tokio runtime to run on.
#[derive(Debug)]
pub(crate) struct NoRuntime;

/// The flight did not end before the deadline.
#[derive(Debug)]
pub(crate) struct Elapsed;

impl<T: Clone> SingleFlight<T> {
    /// The flight that runs. A flight is over when its task is gone: finished, panicked, or stopped with its
    /// runtime.
    pub(crate) fn running(&self) -> Option<Waiter<T>> {
        self.0.as_ref().filter(|waiter| waiter.0.has_changed().is_ok()).cloned()
    }

    /// Starts a flight. Call this only if none is running, in the same critical section.
    pub(crate) fn start(&mut self) -> Flight<T> {
        let (sender, receiver) = watch::channel(None);
        self.0 = Some(Waiter(receiver));
        Flight(sender)
    }

    /// Ends the flight for callers that come from now on. Call this in the critical section that stores the
    /// outcome, so that they see the outcome and do not join the flight.
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
    /// Runs the flight in a task of its own, which goes on if all callers leave. `None` ends it without an
    /// outcome.
    ///
    /// # Errors
    ///
    /// `NoRuntime` outside of a tokio runtime. Then the flight is over.
    pub(crate) fn spawn(
        self,
        work: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Result<(), NoRuntime> {
        let runtime = runtime::Handle::try_current().map_err(|_| NoRuntime)?;
        runtime.spawn(async move {
            if let Some(outcome) = work.await {
                // Nobody may wait any more.
                let _ = self.0.send(Some(outcome));
            }
        });
        Ok(())
    }
}

impl<T: Clone> Waiter<T> {
    /// The outcome. `None` if the flight ended without one.
    pub(crate) async fn outcome(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// The same, if it comes before the deadline.
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
