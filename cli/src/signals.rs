//! Handles the signals that end the program (SIGHUP, SIGINT, SIGTERM).

use std::io;

use crate::exit::{Exit, Failure};

/// Listens for signals. After it is created, a signal does not end the program.
#[cfg(unix)]
pub(crate) struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Fails if the signal handlers cannot be installed.
    pub(crate) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        let signal = |kind| signal(kind).map_err(|error| failed(&error));
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal and returns its exit code.
    pub(crate) async fn ended(&mut self) -> Exit {
        tokio::select! {
            _ = self.hangup.recv() => Exit::Hangup,
            _ = self.interrupt.recv() => Exit::Interrupt,
            _ = self.terminate.recv() => Exit::Terminate,
        }
    }
}

/// Listens for Ctrl-C. After it is created, Ctrl-C does not end the program.
#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// Fails if the signal handlers cannot be installed.
    pub(crate) fn new() -> Result<Self, Failure> {
        tokio::signal::windows::ctrl_c().map(Self).map_err(|error| failed(&error))
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn ended(&mut self) -> Exit {
        self.0.recv().await;
        Exit::Interrupt
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::local(format!("cannot install a signal handler: {error}"))
}
