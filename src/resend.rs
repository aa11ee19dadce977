//! Tells the tracing span of a call how often the request of this call was already sent.
//!
//! The count is a task-local variable, so that the methods between the retry loop and the span need
//! no parameter for it.

tokio::task_local! {
    static COUNT: u32;
}

/// Runs `call`. Its request was already sent `count` times.
pub(crate) fn scope<F: Future>(count: u32, call: F) -> impl Future<Output = F::Output> {
    COUNT.scope(count, call)
}

/// Returns how often the request of the current call was already sent.
pub(crate) fn count() -> u32 {
    COUNT.try_with(|count| *count).unwrap_or_default()
}
