//! Counts the retries of a call. The count is a task-local variable, so that the functions between
//! the retry loop and the tracing span need no parameter for the count.

tokio::task_local! {
    static COUNT: u32;
}

pub(crate) fn scope<F: Future>(count: u32, call: F) -> impl Future<Output = F::Output> {
    COUNT.scope(count, call)
}

pub(crate) fn count() -> u32 {
    COUNT.try_with(|count| *count).unwrap_or_default()
}
