//! Counts how often the request of a call was already sent, for the tracing span of the call. The
//! count is a task-local variable, so that the methods between the retry loop and the span need no
//! parameter for the count.

tokio::task_local! {
    static COUNT: u32;
}

/// `count` is the number of times that the request of `call` was already sent.
pub(crate) fn scope<F: Future>(count: u32, call: F) -> impl Future<Output = F::Output> {
    COUNT.scope(count, call)
}

pub(crate) fn count() -> u32 {
    COUNT.try_with(|count| *count).unwrap_or_default()
}
