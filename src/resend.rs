//! Lets the span of a call say how often its request was sent before, without a parameter in each method on the way.

tokio::task_local! {
    static COUNT: u32;
}

/// Runs a call whose request was sent `count` times before.
pub(crate) fn scope<F: Future>(count: u32, call: F) -> impl Future<Output = F::Output> {
    COUNT.scope(count, call)
}

/// How often the request of the current call was sent before.
pub(crate) fn count() -> u32 {
    COUNT.try_with(|count| *count).unwrap_or_default()
}
