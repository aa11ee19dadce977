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

/// Whether this is run by a task of some tokio runtime, or by its `block_on`. Threads where blocking is
/// allowed say no: those of `spawn_blocking`, inside of `block_in_place`, and such as have a runtime
/// only entered.
///
/// [`Handle::try_current`](runtime::Handle::try_current) alone does not tell those threads from async code, and
/// tokio's own check panics. Only async code has a budget of steps before it must yield, so probe that.
fn in_async_code() -> bool {
    runtime::Handle::try_current().is_ok() && is_depleted_after(u8::MAX)
}

/// Whether the caller's budget ends within this number of steps. tokio counts a budget in a `u8`, and 128 steps is
/// all that a task has today. Each step is given back when its guard is dropped, so the caller loses nothing.
fn is_depleted_after(steps: u8) -> bool {
    match coop::poll_proceed(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => true,
        Poll::Ready(_guard) => steps > 0 && is_depleted_after(steps - 1),
    }
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
