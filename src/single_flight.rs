//! Runs one task at a time, called a flight, for all callers that wait for its outcome.
//!
//! A [`SingleFlight`] has no lock of its own, so its owner keeps it inside a mutex.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::sync::{
    MANY_WAITERS, Notify, OnceLock,
    atomic::{AtomicBool, Ordering},
    runtime,
    time::{self, Instant},
};

/// The duration of a shared timer. Most flights end before the timer fires.
const SHARED_TIMER: Duration = Duration::from_secs(1);

pub(crate) struct SingleFlight<T>(Option<RunningFlight<T>>);

struct RunningFlight<T> {
    progress: Arc<Progress<T>>,
    joined: u32,
}

struct Progress<T> {
    /// Contains `None` if the flight ended without an outcome.
    outcome: OnceLock<Option<T>>,
    timer: OnceLock<SharedTimer>,
    timer_has_fired: AtomicBool,
    /// Wakes the waiters when the flight ends, and when the shared timer fires.
    changed: Notify,
}

pub(crate) struct Waiter<T>(Arc<Progress<T>>);

/// A running flight, which can still set its outcome. If a `Flight` is dropped without an outcome,
/// its waiters get `None`.
pub(crate) struct Flight<T>(Arc<Progress<T>>);

/// Many waiters of a flight share one timer, because cancelling a timer takes longer than waking
/// a waiter.
struct SharedTimer {
    at: Instant,
    /// Only waiters on this runtime use the timer. A waiter on a different runtime must not depend
    /// on this runtime, which may be blocked.
    runtime: runtime::Id,
}

pub(crate) enum Started<T> {
    Ready(Option<T>),
    Pending(Waiter<T>),
}

#[derive(Debug)]
pub(crate) struct NoRuntime;

#[derive(Debug)]
pub(crate) struct Elapsed;

impl<T> SingleFlight<T> {
    pub(crate) fn running(&self) -> Option<Waiter<T>> {
        let progress = &self.0.as_ref()?.progress;
        // A flight also ends if its task panics or is aborted.
        progress.outcome.get().is_none().then(|| Waiter(progress.clone()))
    }

    /// Call `start` only in the critical section in which [`Self::running`] returned `None`.
    /// Otherwise two flights could run at the same time.
    pub(crate) fn start(&mut self) -> Flight<T> {
        let progress = Arc::new(Progress {
            outcome: OnceLock::new(),
            timer: OnceLock::new(),
            timer_has_fired: AtomicBool::new(false),
            changed: Notify::new(),
        });
        self.0 = Some(RunningFlight { progress: progress.clone(), joined: 0 });
        Flight(progress)
    }

    /// The owner must store the outcome before this call, or in the same critical section.
    /// Otherwise a caller could start a second flight.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    pub(crate) fn join(&mut self) -> Option<Waiter<T>> {
        let waiter = self.running()?;
        let flight = self.0.as_mut()?;
        flight.joined = flight.joined.saturating_add(1);
        if flight.joined == MANY_WAITERS {
            start_shared_timer(&flight.progress);
        }
        Some(waiter)
    }
}

fn start_shared_timer<T: Send + Sync + 'static>(progress: &Arc<Progress<T>>) {
    let Ok(runtime) = runtime::Handle::try_current() else { return };
    let at = Instant::now() + SHARED_TIMER;
    let _ = progress.timer.set(SharedTimer { at, runtime: runtime.id() });
    let progress = progress.clone();
    // Run the timer in a separate task, because the work of the flight may block its own task.
    runtime.spawn(async move {
        if time::timeout_at(at, progress.until(Progress::has_ended)).await.is_err() {
            progress.timer_has_fired.store(true, Ordering::Release);
            progress.changed.notify_waiters();
        }
    });
}

impl<T> Progress<T> {
    fn has_ended(&self) -> bool {
        self.outcome.get().is_some()
    }

    fn timer_has_fired(&self) -> bool {
        self.timer_has_fired.load(Ordering::Acquire)
    }

    async fn until(&self, is_reached: fn(&Self) -> bool) {
        loop {
            // This future notices every change from here on, so the check misses no change.
            let changed = self.changed.notified();
            if is_reached(self) {
                return;
            }
            changed.await;
        }
    }
}

impl<T> Flight<T> {
    pub(crate) fn waiter(&self) -> Waiter<T> {
        Waiter(self.0.clone())
    }

    fn finish(self, outcome: T) {
        let _ = self.0.outcome.set(Some(outcome));
    }
}

impl<T> Drop for Flight<T> {
    fn drop(&mut self) {
        // Has no effect if the outcome was set.
        let _ = self.0.outcome.set(None);
        self.0.changed.notify_waiters();
    }
}

impl<T: Send + Sync + 'static> Flight<T> {
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
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Polls `work` once before starting a task, because starting a task costs more than work that
    /// is ready at once. Do not call this method while you hold a lock that `work` takes.
    pub(crate) fn poll_or_spawn(
        self,
        work: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Result<Started<T>, NoRuntime> {
        if runtime::Handle::try_current().is_err() {
            return Err(NoRuntime);
        }
        let mut work = Box::pin(work);
        // A no-op waker is sufficient here, because the task polls `work` again with its own waker.
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
    pub(crate) async fn outcome(&self) -> Option<T> {
        self.0.until(Progress::has_ended).await;
        self.known_outcome()
    }

    pub(crate) async fn outcome_by(&self, deadline: Instant) -> Result<Option<T>, Elapsed> {
        self.ended_by(deadline).await.map(|()| self.known_outcome())
    }

    /// Returns `None` while the flight runs, and if it ended without an outcome.
    pub(crate) fn known_outcome(&self) -> Option<T> {
        self.0.outcome.get().cloned().flatten()
    }
}

impl<T> Waiter<T> {
    pub(crate) async fn ended_by(&self, deadline: Instant) -> Result<(), Elapsed> {
        if self.may_share_timer(deadline) {
            self.0.until(|progress| progress.has_ended() || progress.timer_has_fired()).await;
            if self.0.has_ended() {
                return Ok(());
            }
        }
        // Boxed, because the future is large and rarely needed.
        let ended = self.0.until(Progress::has_ended);
        Box::pin(time::timeout_at(deadline, ended)).await.map_err(|_| Elapsed)
    }

    fn may_share_timer(&self, deadline: Instant) -> bool {
        self.0.timer.get().is_some_and(|timer| {
            let here = runtime::Handle::try_current();
            timer.at <= deadline
                && !self.0.timer_has_fired()
                && here.is_ok_and(|here| here.id() == timer.runtime)
        })
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
