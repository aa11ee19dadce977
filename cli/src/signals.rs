//! Handles the signals that end the program (SIGHUP, SIGINT, SIGTERM).

use std::io;

use crate::exit::{Exit, Failure};

/// Creating a `Signals` replaces the default action of these signals, so a signal no longer ends
/// the program.
#[cfg(unix)]
pub(crate) struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        let signal = |kind| signal(kind).map_err(|error| failed(&error));
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

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
    pub(crate) fn new() -> Result<Self, Failure> {
        tokio::signal::windows::ctrl_c().map(Self).map_err(|error| failed(&error))
    }

    pub(crate) async fn ended(&mut self) -> Exit {
        self.0.recv().await;
        Exit::Interrupt
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::local(format!("cannot install a signal handler: {error}"))
}
