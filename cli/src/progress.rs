//! Shows the progress of a command on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::options::Format;

const EVERY: Duration = Duration::from_secs(5);

pub(crate) struct Progress {
    what: &'static str,
    bar: ProgressBar,
    lines: bool,
    last: Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: u64, format: Format) -> Self {
        let target = if format.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "{bar:30} {human_pos} of {human_len} {msg}, {eta} left";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(what);
        Self { what, bar, lines: !format.json && !io::stderr().is_terminal(), last: Instant::now() }
    }

    pub(crate) fn add_one(&mut self) {
        self.bar.inc(1);
        if self.lines && self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let _ = writeln!(io::stderr(), "{done} of {total} {}", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

pub(crate) async fn countdown(what: &'static str, wait: Duration, format: Format) {
    let end = Instant::now() + wait;
    let target = if format.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        bar.set_message(format!("{what} in {} s", left.as_secs() + 1));
        tokio::time::sleep(left.min(Duration::from_secs(1))).await;
    }
    bar.finish_and_clear();
}
