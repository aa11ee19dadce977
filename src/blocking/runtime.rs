//! The thread on which the clients of callers without async live. It knows no vendor, and holds no token.

use std::{
    fmt,
    future::Future,
    sync::{Arc, mpsc},
    task::{Context, Poll, Waker},
    thread::{self, ThreadId},
};

use tokio::{runtime, sync::oneshot, task::coop};

use crate::{Error, ErrorKind};

/// More steps than the budget of any task: tokio 1.54 gives each 128. They take some microseconds, and only where a
/// call may wait for the network.
const MAX_BUDGET: u32 = 10_000;

/// One thread with a runtime, for all clones. It ends with the last of them.
#[derive(Clone)]
pub(super) struct Runtime(Arc<Inner>);

struct Inner {
    handle: runtime::Handle,
    thread: ThreadId,
    /// Its drop ends the thread.
    _alive: oneshot::Sender<()>,
}

impl Runtime {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the system gives no thread, or nothing to wait on.
    pub(super) fn start() -> Result<Self, Error> {
        let failed = |error| {
            Error::new(ErrorKind::Unavailable, "no thread for the calls can be started").with_source(error)
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (alive, gone) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("fintech-auth".to_owned());
        // The runtime is dropped on its own thread: tokio panics where that is in async code.
        let thread = thread.spawn(move || {
            // Nothing is ever sent: it ends when the sender is dropped.
            let _ = runtime.block_on(gone);
        });
        let thread = thread.map_err(failed)?.thread().id();
        Ok(Self(Arc::new(Inner { handle, thread, _alive: alive })))
    }

    /// Runs something on the thread, and waits for its outcome on this one.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` in async code, where waiting would hold up all others: nothing was begun then.
    /// `Unavailable` if it panicked.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        if thread::current().id() == self.0.thread || in_async_code() {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "a blocking client was called in async code; use the async client there, \
                 or tokio::task::spawn_blocking",
            ));
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        self.0.handle.spawn(async move {
            // Whoever asked waits for it.
            let _ = sender.send(call.await);
        });
        receiver.recv().unwrap_or_else(|_| {
            let reason = "the call ended without an outcome; something of yours in it may have panicked";
            Err(Error::new(ErrorKind::Unavailable, reason).with_sent(true))
        })
    }
}

/// Whether this is run by a task of some tokio runtime, or by its `block_on`. On threads where blocking is allowed it
/// is `false`: those of `spawn_blocking`, inside of `block_in_place`, and such as have a runtime only entered.
///
/// [`Handle::try_current`](runtime::Handle::try_current) does not tell those threads from async code, and the only
/// documented check of tokio's, [`Handle::block_on`](runtime::Handle::block_on), panics. Async code alone has a budget
/// of steps before it must yield, so this takes steps, and gives all of them back.
fn in_async_code() -> bool {
    if runtime::Handle::try_current().is_err() {
        return false;
    }
    let step = || coop::poll_proceed(&mut Context::from_waker(Waker::noop()));
    // When this guard is dropped, the budget is again what it was before the first step, whatever came after it.
    let Poll::Ready(_restores) = step() else { return true };
    for _ in 0..MAX_BUDGET {
        match step() {
            Poll::Pending => return true,
            Poll::Ready(guard) => guard.made_progress(),
        }
    }
    false
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("thread", &self.0.thread).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn the_thread_ends_with_the_last_clone() {
        let runtime = Runtime::start().unwrap();
        let (held, gone) = mpsc::channel::<()>();
        runtime.0.handle.spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        let clone = runtime.clone();
        drop(runtime);
        clone.wait(async { Ok(()) }).unwrap();
        assert_eq!(gone.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(clone);
        // Whatever ran on the thread ends with it.
        assert_eq!(gone.recv(), Err(mpsc::RecvError));
    }
}
