//! A model of `tokio::time`. The time advances only while the task that calls [`advance`] runs.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    mem,
    ops::{Add, Sub},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

thread_local! {
    /// shuttle runs all tasks of a scenario on one thread, so all of them share these timers.
    static TIMERS: RefCell<Timers> = RefCell::default();
}

#[derive(Default)]
struct Timers {
    now: Duration,
    created: u64,
    waiting: BTreeMap<(Instant, u64), Waker>,
    clock: Option<Waker>,
}

pub fn reset() {
    TIMERS.take();
}

pub fn elapsed() -> Duration {
    TIMERS.with_borrow(|timers| timers.now)
}

pub async fn advance() {
    std::future::poll_fn(|context| {
        let due = TIMERS.with_borrow_mut(|timers| {
            let Some(&(until, _)) = timers.waiting.keys().next() else {
                timers.clock = Some(context.waker().clone());
                return None;
            };
            timers.now = timers.now.max(until.0);
            let later = timers.waiting.split_off(&(until, u64::MAX));
            Some(mem::replace(&mut timers.waiting, later))
        });
        if let Some(due) = due {
            due.into_values().for_each(Waker::wake);
            context.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Instant(Duration);

impl Instant {
    pub fn now() -> Self {
        Self(elapsed())
    }

    pub fn checked_add(self, by: Duration) -> Option<Self> {
        self.0.checked_add(by).map(Self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0 + by)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

pub struct Sleep {
    until: Instant,
    number: u64,
}

pub fn sleep(time: Duration) -> Sleep {
    sleep_until(Instant(elapsed().saturating_add(time)))
}

pub fn sleep_until(until: Instant) -> Sleep {
    let number = TIMERS.with_borrow_mut(|timers| {
        timers.created += 1;
        timers.created
    });
    Sleep { until, number }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = TIMERS.with_borrow_mut(|timers| {
            if timers.now >= self.until.0 {
                return Err(());
            }
            timers.waiting.insert((self.until, self.number), context.waker().clone());
            Ok(timers.clock.take())
        });
        let Ok(clock) = clock else { return Poll::Ready(()) };
        if let Some(clock) = clock {
            clock.wake();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = TIMERS.with_borrow_mut(|timers| timers.waiting.remove(&(self.until, self.number)));
        drop(waker);
    }
}

#[derive(Debug)]
pub struct Elapsed;

pub async fn timeout<F: Future>(within: Duration, future: F) -> Result<F::Output, Elapsed> {
    first(future, sleep(within)).await
}

pub async fn timeout_at<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    first(future, sleep_until(deadline)).await
}

async fn first<F: Future>(future: F, sleep: Sleep) -> Result<F::Output, Elapsed> {
    let (mut future, mut sleep) = (pin!(future), pin!(sleep));
    std::future::poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        sleep.as_mut().poll(context).map(|()| Err(Elapsed))
    })
    .await
}
