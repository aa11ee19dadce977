//! Counts how often the request of a call was already sent. The retry loop sets the count, and the
//! tracing span of the call records the count. A task-local variable passes the count, so that the
//! functions between the loop and the span need no parameter for the count.

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
