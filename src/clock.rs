//! The wall clock and the monotonic clock, which tests can replace.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Durations from users are limited to 100 years, so that adding a duration to a point in time does
/// not overflow.
pub(crate) const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A source of wall-clock and monotonic time.
///
/// Vendors specify times in wall-clock time, which may jump. The monotonic clock never goes back,
/// but may stop while the machine sleeps.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current time of day.
    fn wall(&self) -> SystemTime;

    /// Returns the time that has passed since a fixed moment in the lifetime of this process.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The coarse clock lags by a few milliseconds, but is five times as fast to read as the
    /// precise clock.
    fn monotonic(&self) -> Duration {
        Duration::from_millis(coarse_millis())
    }
}

#[inline]
pub(crate) fn coarse_millis() -> u64 {
    static START: OnceLock<coarsetime::Instant> = OnceLock::new();
    // Avoid `coarsetime::Instant::now`, because it also writes to a cache line that all cores
    // share.
    let now = coarsetime::Instant::now_without_cache_update();
    now.duration_since(*START.get_or_init(|| now)).as_millis()
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that moves only when a test advances it. Clones share the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: SystemTime,
    elapsed_millis: Arc<AtomicU64>,
}

impl ManualClock {
    /// Creates a clock whose wall time is `start`.
    pub fn new(start: SystemTime) -> Self {
        Self { start, elapsed_millis: Arc::default() }
    }

    /// Advances the wall clock and the monotonic clock by this duration, truncated to whole
    /// milliseconds.
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
