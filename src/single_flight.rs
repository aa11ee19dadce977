//! Runs one task at a time, called a flight, for all callers that wait for its outcome.
//!
//! A [`SingleFlight`] has no lock of its own, so its owner keeps it inside a mutex.

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

/// The duration of a shared timer. Most flights end before the timer fires.
const SHARED_TIMER: Duration = Duration::from_secs(1);

pub(crate) struct SingleFlight<T>(Option<RunningFlight<T>>);

struct RunningFlight<T> {
    waiter: Waiter<T>,
    sender: Weak<watch::Sender<Progress<T>>>,
    joined: u32,
}

pub(crate) struct Waiter<T>(watch::Receiver<Progress<T>>);

/// A running flight, which can still set its outcome. If a `Flight` is dropped without an outcome,
/// its waiters get `None`.
pub(crate) struct Flight<T>(Arc<watch::Sender<Progress<T>>>);

enum Progress<T> {
    Running(Option<SharedTimer>),
    Done(T),
}

/// Many waiters of a flight share one timer, because cancelling a timer takes longer than waking
/// a waiter.
#[derive(Clone, Copy)]
struct SharedTimer {
    at: Instant,
    /// Only waiters on this runtime use the timer. A waiter on a different runtime must not depend
    /// on this runtime, which may be blocked.
    runtime: runtime::Id,
}

struct Ended;

pub(crate) enum Started<T> {
    Ready(Option<T>),
    Pending(Waiter<T>),
}

#[derive(Debug)]
pub(crate) struct NoRuntime;

#[derive(Debug)]
pub(crate) struct Elapsed;

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn running(&self) -> Option<Waiter<T>> {
        let waiter = &self.0.as_ref()?.waiter;
        // `has_changed` fails after the flight has ended, because the sender is then dropped. A
        // flight also ends if its task panics or is aborted.
        waiter.0.has_changed().is_ok().then(|| waiter.clone())
    }

    /// Call `start` only in the critical section in which [`Self::running`] returned `None`.
    /// Otherwise two flights could run at the same time.
    pub(crate) fn start(&mut self) -> Flight<T> {
        let (sender, receiver) = watch::channel(Progress::Running(None));
        let sender = Arc::new(sender);
        let waiter = Waiter(receiver);
        self.0 = Some(RunningFlight { waiter, sender: Arc::downgrade(&sender), joined: 0 });
        Flight(sender)
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
        // Run the timer in a separate task, because the work of the flight may block its own task.
        runtime.spawn(async move {
            if time::timeout_at(timer.at, outcome).await.is_err() {
                set_timer(&sender, None);
            }
        });
    }
}

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
    pub(crate) async fn outcome(mut self) -> Option<T> {
        self.until(|progress| matches!(progress, Progress::Done(_))).await.ok().flatten()
    }

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
