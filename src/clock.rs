//! Where time comes from, so that tests can move it.
//!
//! It never sleeps: waiting is tokio's, whose own time tests can pause.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Longer than any process lives, and short enough to be added to any time. Durations that users give are
/// cut to this.
pub(crate) const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Two readings of time. The wall clock is what vendors speak in, and may jump; the monotonic one
/// never goes back, and may stand still while the machine sleeps.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day.
    fn wall(&self) -> SystemTime;

    /// Time since some fixed point of this process.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    /// From the system's coarse clock, which is some milliseconds behind and five times as cheap.
    fn monotonic(&self) -> Duration {
        Duration::from_millis(coarse_millis())
    }
}

/// Milliseconds since the first call of this in the process.
#[inline]
pub(crate) fn coarse_millis() -> u64 {
    static START: OnceLock<coarsetime::Instant> = OnceLock::new();
    // Its plain `now` also writes a cache that all cores share.
    let now = coarsetime::Instant::now_without_cache_update();
    now.duration_since(*START.get_or_init(|| now)).as_millis()
}

/// The whole milliseconds of a span, or the most that fit.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that moves only when told to. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: SystemTime,
    elapsed_millis: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: SystemTime) -> Self {
        Self { start, elapsed_millis: Arc::default() }
    }

    /// Moves both readings on, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let millis = millis(by);
        let _ = self.elapsed_millis.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |elapsed| {
            Some(elapsed.saturating_add(millis))
        });
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> SystemTime {
        self.start.checked_add(self.monotonic()).unwrap_or(self.start)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.elapsed_millis.load(Ordering::Relaxed))
    }
}
