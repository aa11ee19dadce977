//! The signals by which a person or a supervisor ends the program. From when this is made, none ends it by itself.

use std::io;

use crate::exit::{Exit, Failure};

#[cfg(unix)]
pub(crate) struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// # Errors
    ///
    /// Local ones.
    pub(crate) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        let signal = |kind| signal(kind).map_err(|error| failed(&error));
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits until one of them comes. Returns the exit code that tells of it.
    pub(crate) async fn ended(&mut self) -> Exit {
        tokio::select! {
            _ = self.hangup.recv() => Exit::Hangup,
            _ = self.interrupt.recv() => Exit::Interrupt,
            _ = self.terminate.recv() => Exit::Terminate,
        }
    }
}

#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// # Errors
    ///
    /// Local ones.
    pub(crate) fn new() -> Result<Self, Failure> {
        tokio::signal::windows::ctrl_c().map(Self).map_err(|error| failed(&error))
    }

    /// Waits until it comes.
    pub(crate) async fn ended(&mut self) -> Exit {
        self.0.recv().await;
        Exit::Interrupt
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::local(format!("no signal can be awaited: {error}"))
}
