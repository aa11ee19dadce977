//! A model of the module `tokio::runtime`.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use shuttle::future::{AbortHandle, JoinHandle};

pub struct Handle;

#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Id;

#[derive(Debug)]
pub struct TryCurrentError;

thread_local! {
    /// shuttle runs all tasks of a scenario on one thread, so all of them share this list.
    static TASKS: RefCell<Vec<AbortHandle>> = const { RefCell::new(Vec::new()) };
}

impl Handle {
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Ok(Self)
    }

    pub fn id(&self) -> Id {
        Id
    }

    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let task = shuttle::future::spawn(CatchPanic(Some(Box::pin(future))));
        TASKS.with_borrow_mut(|tasks| tasks.push(task.abort_handle()));
        task
    }
}

pub fn reset() {
    TASKS.take();
}

pub fn shut_down() {
    TASKS.take().iter().for_each(AbortHandle::abort);
}

/// In tokio, a panic ends only its task. In shuttle, a panic would fail the test.
struct CatchPanic<F>(Option<Pin<Box<F>>>);

impl<F: Future<Output = ()>> Future for CatchPanic<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.0 else { return Poll::Ready(()) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => {
                self.0 = None;
                Poll::Ready(())
            }
        }
    }
}
