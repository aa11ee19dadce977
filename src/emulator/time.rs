//! The clock that all emulated services use.

use std::time::{Duration, SystemTime};

use crate::clock::{Clock as _, ManualClock, SystemClock};

pub(super) struct Time {
    clock: ManualClock,
    running: bool,
}

impl Time {
    /// The clock starts at a full second, because HTTP dates have no fractions.
    pub(super) fn standing() -> Self {
        let now = SystemClock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::on(ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs())))
    }

    pub(super) fn on(clock: ManualClock) -> Self {
        Self { clock, running: false }
    }

    pub(super) fn running() -> Self {
        Self { clock: ManualClock::new(SystemTime::UNIX_EPOCH), running: true }
    }

    pub(super) fn clock(&self) -> &ManualClock {
        &self.clock
    }

    pub(super) fn now(&self) -> SystemTime {
        let wall = SystemClock.wall();
        if self.running {
            wall.checked_add(self.clock.monotonic()).unwrap_or(wall)
        } else {
            self.clock.wall()
        }
    }
}

pub(super) fn http_date(now: SystemTime) -> String {
    let end_of_year_9999 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    httpdate::fmt_http_date(now.clamp(SystemTime::UNIX_EPOCH, end_of_year_9999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_clock_can_be_advanced() {
        let time = Time::running();
        let before = time.now();
        time.clock().advance(Duration::from_secs(60));
        assert!(time.now() >= before + Duration::from_secs(60));
    }

    #[test]
    fn every_time_formats_as_an_http_date() {
        let day = Duration::from_secs(86_400);
        assert_eq!(http_date(SystemTime::UNIX_EPOCH - day), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(SystemTime::UNIX_EPOCH + day * 4_000_000), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
