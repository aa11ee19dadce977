//! Runs one task at a time (a flight) for any number of callers that wait for its outcome.
//!
//! Does not lock. The owner keeps the [`SingleFlight`] inside its own mutex, and decides in one
//! critical section whether to join the running flight or to start one.

use std::{
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::sync::{
    MANY_WAITERS, runtime,
    time::{self, Instant},
    watch,
};

/// When the shared timer fires. Longer than most flights take.
const SHARED_TIMER: Duration = Duration::from_secs(1);

/// The running flight, if any.
pub(crate) struct SingleFlight<T>(Option<RunningFlight<T>>);

struct RunningFlight<T> {
    waiter: Waiter<T>,
    sender: Weak<watch::Sender<Progress<T>>>,
    joined: u32,
}

/// Waits for the outcome of a flight. Dropping a waiter does not cancel the flight.
pub(crate) struct Waiter<T>(watch::Receiver<Progress<T>>);

/// A flight that was started and has no outcome yet. Dropping it ends the flight without an
/// outcome.
pub(crate) struct Flight<T>(Arc<watch::Sender<Progress<T>>>);

enum Progress<T> {
    Running(Option<SharedTimer>),
    Done(T),
}

/// A timer that wakes all waiters of a flight. Until it fires, they need no timers of their own.
#[derive(Clone, Copy)]
struct SharedTimer {
    at: Instant,
    /// Waiters of other runtimes do not use the timer, because this runtime may be blocked.
    runtime: runtime::Id,
}

/// The flight ended without an outcome.
struct Ended;

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
        let waiter = &self.0.as_ref()?.waiter;
        waiter.0.has_changed().is_ok().then(|| waiter.clone())
    }

    /// Starts a flight. Call this only if no flight is running, in the critical section in which
    /// you checked this.
    pub(crate) fn start(&mut self) -> Flight<T> {
        let (sender, receiver) = watch::channel(Progress::Running(None));
        let sender = Arc::new(sender);
        let waiter = Waiter(receiver);
        self.0 = Some(RunningFlight { waiter, sender: Arc::downgrade(&sender), joined: 0 });
        Flight(sender)
    }

    /// Removes the flight, so that later callers do not join it. Call this in the critical section
    /// that stores the outcome.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Works like [`Self::running`], for flights that many callers may join. From [`MANY_WAITERS`]
    /// on, they share a timer, because ending a timer takes longer than waking a waiter.
    pub(crate) fn join(&mut self) -> Option<Waiter<T>> {
        let waiter = self.running()?;
        let flight = self.0.as_mut()?;
        flight.joined = flight.joined.saturating_add(1);
        if flight.joined == MANY_WAITERS {
            flight.start_shared_timer();
        }
        Some(waiter)
    }
}

impl<T: Clone + Send + Sync + 'static> RunningFlight<T> {
    fn start_shared_timer(&self) {
        let Ok(runtime) = runtime::Handle::try_current() else { return };
        let timer = SharedTimer { at: Instant::now() + SHARED_TIMER, runtime: runtime.id() };
        let (sender, outcome) = (self.sender.clone(), self.waiter.clone().outcome());
        set_timer(&sender, Some(timer));
        // In a task of its own, because the work of the flight may block its task.
        runtime.spawn(async move {
            if time::timeout_at(timer.at, outcome).await.is_err() {
                set_timer(&sender, None);
            }
        });
    }
}

/// Sets or removes the shared timer of a flight that is still running, and wakes its waiters.
fn set_timer<T>(sender: &Weak<watch::Sender<Progress<T>>>, timer: Option<SharedTimer>) {
    let Some(sender) = sender.upgrade() else { return };
    sender.send_if_modified(|progress| {
        let is_running = matches!(progress, Progress::Running(_));
        if is_running {
            *progress = Progress::Running(timer);
        }
        is_running
    });
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
        self.0.send_replace(Progress::Done(outcome));
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
        self.until(|progress| matches!(progress, Progress::Done(_))).await.ok().flatten()
    }

    /// Waits for the outcome until `deadline`.
    pub(crate) async fn outcome_by(mut self, deadline: Instant) -> Result<Option<T>, Elapsed> {
        if self.may_share_timer(deadline) {
            match self.until(|progress| !matches!(progress, Progress::Running(Some(_)))).await {
                Ok(Some(outcome)) => return Ok(Some(outcome)),
                Ok(None) => {}
                Err(Ended) => return Ok(None),
            }
        }
        // Boxed, because the future is large and rarely needed.
        Box::pin(time::timeout_at(deadline, self.outcome())).await.map_err(|_| Elapsed)
    }

    /// Returns whether the shared timer of the flight fires before `deadline`.
    fn may_share_timer(&self, deadline: Instant) -> bool {
        let timer = match *self.0.borrow() {
            Progress::Running(timer) => timer,
            Progress::Done(_) => None,
        };
        timer.is_some_and(|timer| {
            let here = runtime::Handle::try_current();
            timer.at <= deadline && here.is_ok_and(|here| here.id() == timer.runtime)
        })
    }

    /// Waits until the progress matches. Returns the outcome, if there is one.
    async fn until(&mut self, matches: fn(&Progress<T>) -> bool) -> Result<Option<T>, Ended> {
        let progress = self.0.wait_for(matches).await.map_err(|_| Ended)?;
        Ok(match &*progress {
            Progress::Running(_) => None,
            Progress::Done(outcome) => Some(outcome.clone()),
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
