//! The thread that runs the calls of the blocking clients.

use std::{
    fmt,
    future::Future,
    sync::{Arc, mpsc},
    task::{Context, Poll, Waker},
    thread::{self, ThreadId},
};

use tokio::{runtime, sync::oneshot, task::coop};

use crate::{Error, ErrorKind};

/// Must be higher than tokio's budget for a task, which is 128 units in tokio 1.54.
const MAX_BUDGET: u32 = 10_000;

#[derive(Clone)]
pub(super) struct Runtime(Arc<Inner>);

struct Inner {
    handle: runtime::Handle,
    thread: ThreadId,
    /// Dropping the sender ends the thread.
    _alive: oneshot::Sender<()>,
}

impl Runtime {
    pub(super) fn start() -> Result<Self, Error> {
        let failed =
            |error| Error::new(ErrorKind::Unavailable, "cannot start the client's thread").with_source(error);
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (alive, gone) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("fintech-auth".to_owned());
        // Drop the runtime on its own thread, because tokio panics if a runtime is dropped in async
        // code.
        let thread = thread.spawn(move || {
            // No value is ever sent, so `block_on` returns when the sender is dropped.
            let _ = runtime.block_on(gone);
        });
        let thread = thread.map_err(failed)?.thread().id();
        Ok(Self(Arc::new(Inner { handle, thread, _alive: alive })))
    }

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
            let _ = sender.send(call.await);
        });
        receiver.recv().unwrap_or_else(|_| {
            let reason =
                "the call ended without a result; code that you passed to the client may have panicked";
            Err(Error::new(ErrorKind::Unavailable, reason).with_sent(true))
        })
    }
}

/// tokio has no function that detects async code:
/// [`Handle::try_current`](runtime::Handle::try_current) also succeeds where blocking is allowed.
/// But tokio gives a budget only to async code. So the caller is async code if the budget runs out.
fn in_async_code() -> bool {
    if runtime::Handle::try_current().is_err() {
        return false;
    }
    let step = || coop::poll_proceed(&mut Context::from_waker(Waker::noop()));
    // Keep the first guard until this function returns. When this guard is dropped, tokio restores
    // the budget that the task had before this function consumed any of it.
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
    fn client_thread_ends_when_the_last_clone_of_the_client_is_dropped() {
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
        assert_eq!(gone.recv(), Err(mpsc::RecvError));
    }
}
