//! Runs a scenario under many schedules.

use std::{env, path::PathBuf, time::Duration};

use fintech_auth_shuttle::sync::{runtime, time};
use shuttle::{
    Config, FailurePersistence, MaxSteps, Runner,
    future::{block_on, spawn},
    scheduler::{
        DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId,
        UncontrolledNondeterminismCheckScheduler,
    },
};

/// The maximum number of steps in a schedule. A longer schedule probably contains an endless loop.
const MAX_STEPS: usize = 100_000;
/// The number of priority changes in a PCT schedule. The number is sufficient for races of up to
/// four operations.
const PCT_DEPTH: usize = 4;

/// The id of the task that advances the time. This task is always spawned first.
const CLOCK: usize = 1;

#[derive(Clone, Copy)]
pub(crate) struct Schedules {
    pub(crate) random: usize,
    /// Probabilistic concurrency testing: each task has a random priority, and the priorities
    /// change at random steps.
    pub(crate) pct: usize,
    /// The number of depth-first schedules. It is 0 for a scenario with more than three tasks,
    /// because such a scenario has too many schedules to explore all of them.
    pub(crate) depth_first: usize,
}

pub(crate) const DEFAULT: Schedules = Schedules { random: 2_000, pct: 2_000, depth_first: 0 };

pub(crate) fn explore<F>(schedules: Schedules, scenario: fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    explore_with(false, schedules, scenario);
}

pub(crate) fn explore_any_time<F>(schedules: Schedules, scenario: fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    explore_with(true, schedules, scenario);
}

fn explore_with<F>(any_time: bool, schedules: Schedules, scenario: fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    if let Some(file) = env::var_os("SHUTTLE_REPLAY") {
        let replay = ReplayScheduler::new_from_file(file).expect("a file with a schedule");
        return run(replay, FailurePersistence::None, scenario);
    }
    let setting = |name| env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = setting("SHUTTLE_SEED").unwrap_or(1);
    let factor = setting("SHUTTLE_FACTOR").map_or(1, |factor| factor as usize);
    let kind = env::var("SHUTTLE_KIND").ok();
    let runs = |name, count| count > 0 && kind.as_deref().is_none_or(|kind| kind == name);
    let persistence = || FailurePersistence::File(Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))));
    if runs("random", schedules.random) {
        let random = RandomScheduler::new_from_seed(seed, schedules.random * factor);
        run(ModelClock::new("random", any_time, random), persistence(), scenario);
    }
    if runs("pct", schedules.pct) {
        let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, schedules.pct * factor);
        run(ModelClock::new("pct", any_time, pct), persistence(), scenario);
    }
    if runs("depth-first", schedules.depth_first) {
        let depth_first = DfsScheduler::new(Some(schedules.depth_first * factor), false);
        run(ModelClock::new("depth-first", any_time, depth_first), persistence(), scenario);
    }
}

pub(crate) fn check_replay<F>(schedules: usize, scenario: fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    let random = ModelClock::new("random", false, RandomScheduler::new_from_seed(1, schedules));
    run(UncontrolledNondeterminismCheckScheduler::new(random), FailurePersistence::Print, scenario);
}

fn run<F>(scheduler: impl Scheduler + 'static, failure_persistence: FailurePersistence, scenario: fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.failure_persistence = failure_persistence;
    Runner::new(scheduler, config).run(move || {
        time::reset();
        runtime::reset();
        drop(spawn(time::advance()));
        block_on(scenario());
    });
}

/// If `any_time` is `false`, the time advances only when no other task can run, so that a slow task
/// never causes a timeout.
#[derive(Debug)]
struct ModelClock<S> {
    inner: S,
    kind: &'static str,
    any_time: bool,
    schedules: usize,
    last: Option<TaskId>,
}

impl<S> ModelClock<S> {
    fn new(kind: &'static str, any_time: bool, inner: S) -> Self {
        Self { inner, kind, any_time, schedules: 0, last: None }
    }
}

impl<S> Drop for ModelClock<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed in {} schedule {}", self.kind, self.schedules);
        }
    }
}

impl<S: Scheduler> Scheduler for ModelClock<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.last = None;
        self.schedules += 1;
        self.inner.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let clock = TaskId::from(CLOCK);
        if self.any_time {
            self.last = self.inner.next_task(runnable, self.last, is_yielding);
            return self.last;
        }
        let others: Vec<&Task> = runnable.iter().copied().filter(|task| task.id() != clock).collect();
        if others.is_empty() {
            return Some(clock);
        }
        self.last = self.inner.next_task(&others, self.last, is_yielding);
        self.last
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

pub(crate) async fn idle() {
    time::sleep(Duration::from_millis(1)).await;
}
