//! The signals by which a person or a supervisor ends the program. From when they are made, none is lost.

use std::io;

use crate::exit::Failure;

#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// # Errors
    ///
    /// Local ones.
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(|error| failed(&error))?,
            terminate: signal(SignalKind::terminate()).map_err(|error| failed(&error))?,
        })
    }

    /// Until one of them comes.
    pub(super) async fn ended(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
pub(super) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// # Errors
    ///
    /// Local ones.
    pub(super) fn new() -> Result<Self, Failure> {
        tokio::signal::windows::ctrl_c().map(Self).map_err(|error| failed(&error))
    }

    /// Until it comes.
    pub(super) async fn ended(mut self) {
        self.0.recv().await;
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::local(format!("no signal can be awaited: {error}"))
}
