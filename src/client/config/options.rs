//! Settings of both vendors as the options that the builders take. What is not set is left as it was.

use std::time::Duration;

use crate::{HttpOptions, token::TokenOptions};

/// How requests are sent.
pub(crate) fn http_options(
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    body_limit: Option<usize>,
) -> HttpOptions {
    let options = HttpOptions::default();
    let options = set(options, timeout, HttpOptions::with_timeout);
    let options = set(options, connect_timeout, HttpOptions::with_connect_timeout);
    set(options, body_limit, HttpOptions::with_body_limit)
}

/// How tokens live.
pub(crate) struct Lifecycle {
    pub(crate) refresh_window: Option<Duration>,
    pub(crate) margin: Option<Duration>,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) capacity: Option<usize>,
    pub(crate) attempts: Option<u32>,
    pub(crate) rate_limit: Option<(usize, Duration)>,
}

impl Lifecycle {
    pub(crate) fn apply(self, options: TokenOptions) -> TokenOptions {
        let options = set(options, self.refresh_window, TokenOptions::with_refresh_window);
        let options = set(options, self.margin, TokenOptions::with_expiry_leeway);
        let options = set(options, self.max_wait, TokenOptions::with_max_wait);
        let options = set(options, self.capacity, TokenOptions::with_capacity);
        let options = set(options, self.attempts, |options, attempts| {
            options.with_retry(|retry| retry.with_attempts(attempts))
        });
        set(options, self.rate_limit, |options, (calls, per)| options.with_rate_limit(calls, per))
    }
}

/// Gives an option to a builder, if there is a value.
pub(crate) fn set<O, V>(options: O, value: Option<V>, set: impl FnOnce(O, V) -> O) -> O {
    match value {
        Some(value) => set(options, value),
        None => options,
    }
}
