//! The options of the token lifecycle.

use std::{sync::Arc, time::Duration};

use crate::{
    Clock, RetryPolicy, SystemClock,
    clock::{FOREVER, millis},
    token::{
        lifetime::{
            age::{Expires, Life},
            expiry::Limits,
        },
        observer::{TokenEvent, TokenObserver},
        refresh::cool_down::MAX_COOL_DOWN,
        store::{RateLimit, TokenStore},
    },
};

const MAX_REFRESH_WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Options for caching, refreshing and requesting tokens.
///
/// ```
/// use std::time::Duration;
/// use fintech_auth::token::TokenOptions;
///
/// let tokens = TokenOptions::default()
///     .with_refresh_window(Duration::from_secs(60))
///     .with_capacity(1_000);
/// ```
#[derive(Clone, Debug)]
pub struct TokenOptions {
    pub(in crate::token) refresh_window: Duration,
    pub(in crate::token) margin: Duration,
    pub(in crate::token) limits: Limits,
    pub(in crate::token) jitter: f64,
    pub(in crate::token) max_wait: Duration,
    pub(in crate::token) capacity: usize,
    pub(in crate::token) max_handles: usize,
    pub(in crate::token) backoff: Duration,
    pub(in crate::token) max_backoff: Duration,
    pub(in crate::token) negative_cache_ttl: Duration,
    pub(in crate::token) max_cool_down: Duration,
    rate_limit: Option<RateLimit>,
    rate_limit_share: f64,
    pub(in crate::token) retry: RetryPolicy,
    pub(in crate::token) clock: Option<Arc<dyn Clock>>,
    pub(in crate::token) store: Option<Arc<dyn TokenStore>>,
    pub(in crate::token) store_timeout: Duration,
    pub(in crate::token) store_open_for: Duration,
    pub(in crate::token) lease: Duration,
    pub(in crate::token) observer: TokenObserver,
}

impl Default for TokenOptions {
    fn default() -> Self {
        Self {
            refresh_window: Duration::from_secs(5 * 60),
            margin: Duration::from_secs(10),
            limits: Limits::default(),
            jitter: 1.0,
            max_wait: Duration::from_secs(30),
            capacity: 100_000,
            max_handles: 100_000,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            negative_cache_ttl: Duration::from_secs(10),
            max_cool_down: Duration::from_secs(3600),
            rate_limit: None,
            rate_limit_share: 1.0,
            retry: RetryPolicy::default(),
            clock: None,
            store: None,
            store_timeout: Duration::from_secs(1),
            store_open_for: Duration::from_secs(5),
            lease: Duration::from_secs(10),
            observer: TokenObserver::default(),
        }
    }
}

impl TokenOptions {
    /// Sets the refresh window: the time before the expiry in which the cache refreshes a token.
    /// The window is at most 30 days, and at most a quarter of the lifetime of the token. During
    /// the window, callers still get the old token. Default: 5 min.
    #[must_use]
    pub fn with_refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = window.min(MAX_REFRESH_WINDOW);
        self
    }

    /// Sets the expiry leeway. The cache stops using a token this long before the token expires. So
    /// the token does not expire before a request reaches the server. The leeway is at most a tenth
    /// of the lifetime of the token. Default: 10 s.
    #[must_use]
    pub fn with_expiry_leeway(mut self, margin: Duration) -> Self {
        self.margin = margin.min(FOREVER);
        self
    }

    /// Sets the lifetime that the cache assumes for a token if the token response has no valid
    /// `expires_in`. Default: 5 min.
    #[must_use]
    pub fn with_default_lifetime(mut self, lifetime: Duration) -> Self {
        self.limits.default = lifetime.min(FOREVER);
        self
    }

    /// Sets the maximum lifetime of a token. If a response contains a longer lifetime, the cache
    /// uses the maximum. Default: 24 h.
    #[must_use]
    pub fn with_max_lifetime(mut self, lifetime: Duration) -> Self {
        self.limits.max = lifetime.min(FOREVER);
        self
    }

    /// Sets the amount of randomness in refresh windows and delays, from 0 (none) to 1. Randomness
    /// prevents many processes from sending requests at the same time. With 1, the cache extends a
    /// refresh window by up to a quarter, and shortens a delay by up to half. Default: 1.
    #[must_use]
    pub fn with_jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// Sets how long a caller waits for a token, unless the call has its own limit. Default: 30 s.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait.min(FOREVER);
        self
    }

    /// Sets the maximum number of scope sets in the cache. Default: 100,000. Minimum: 1.
    ///
    /// If the cache is full, each new scope set evicts a scope set that was not used recently.
    /// Scope sets with a [handle](crate::token::TokenHandle) are not evicted and do not count
    /// against the maximum. Scope sets with a request in flight are not evicted, so the cache may
    /// exceed the maximum temporarily.
    #[must_use]
    pub fn with_capacity(mut self, scope_sets: usize) -> Self {
        self.capacity = scope_sets.max(1);
        self
    }

    /// Sets the maximum number of scope sets with [handles](crate::token::TokenHandle).
    /// Default: 100,000. Minimum: 1.
    ///
    /// If the maximum is reached, [`TokenCache::handle`](crate::token::TokenCache::handle) fails
    /// for a scope set without a handle. Several handles to the same scope set count once.
    #[must_use]
    pub fn with_max_handles(mut self, scope_sets: usize) -> Self {
        self.max_handles = scope_sets.max(1);
        self
    }

    /// Sets the delay between a refresh that failed, after all retries, and the next refresh. The
    /// delay is `first` after the first failure, doubles with each further failure, and is at most
    /// `longest`. Default: 1 s and 60 s.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = first.min(FOREVER);
        self.max_backoff = longest.min(FOREVER);
        self
    }

    /// Sets how long the cache remembers that the server refused the credentials or a scope set.
    /// Default: 10 s.
    ///
    /// During this time, no token is requested with the refused credentials or for the refused
    /// scope set. After this time, a token for the refused scope set may be requested again. If the
    /// credentials were refused, one request at a time checks whether the server still refuses the
    /// credentials.
    #[must_use]
    pub fn with_negative_cache_ttl(mut self, ttl: Duration) -> Self {
        self.negative_cache_ttl = ttl.min(FOREVER);
        self
    }

    /// Sets the longest cool-down that a server can request, for example with `Retry-After`. A
    /// longer cool-down is reduced to this time. Default: 1 h. Maximum: 24 h.
    #[must_use]
    pub fn with_max_cool_down(mut self, longest: Duration) -> Self {
        self.max_cool_down = longest.min(MAX_COOL_DOWN);
        self
    }

    /// Sets the maximum number of token requests in any period of length `per`. Default: no limit,
    /// except that the MoneyKit and Moov clients use the documented limit of the vendor.
    ///
    /// Requests above the limit wait, and are sent in order of arrival and at even intervals. A
    /// request that cannot be sent before the time limit of its caller fails at once with
    /// `RateLimited`.
    ///
    /// The cache extends the period by 2 %, or by 5 % with a store, because the vendor counts
    /// requests when they arrive, and network delays vary. With a [`TokenStore`] that supports rate
    /// limits, such as Redis, the limit applies to all processes together. While the store fails,
    /// each process applies the limit only to its own requests.
    ///
    /// # How to choose
    ///
    /// Vendors document a limit, but may also count requests that their documentation does not
    /// mention. If the vendor responds with a 429, set a lower limit. A 429 has two common causes:
    ///
    /// - A test environment may have a lower limit. Moov documents 40 calls per second, and 10 in
    ///   test mode. Other pages of Moov state 100 and 50 instead.
    /// - If the vendor applies the limit to an IP address or account, all clients with this address
    ///   or account share the limit, even clients without a common store. Assign each client its
    ///   share with [`Self::with_rate_limit_share`].
    #[must_use]
    pub fn with_rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate_limit = Some(RateLimit { calls: calls.max(1), per: per.min(FOREVER) });
        self
    }

    /// Sets this client's share of the rate limit, from 0 to 1. Default: 1.
    ///
    /// Use this option for clients that share the vendor's limit but have no common store.
    #[must_use]
    pub fn with_rate_limit_share(mut self, share: f64) -> Self {
        self.rate_limit_share = if share.is_nan() { 1.0 } else { share.clamp(0.001, 1.0) };
        self
    }

    pub(in crate::token) fn rate_limit(&self) -> Option<RateLimit> {
        let limit = self.rate_limit?;
        let calls = limit.calls as f64 * self.rate_limit_share;
        // If this client's share is less than one call per period, extend the period, so that one
        // call is allowed.
        let factor = (1.0 / calls).max(1.0);
        Some(RateLimit { calls: (calls as usize).max(1), per: longer(limit.per, factor) })
    }

    /// The period is 5 % longer than the configured period, because network delays vary.
    pub(in crate::token) fn fleet_rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit().map(|limit| RateLimit { per: longer(limit.per, 1.05), ..limit })
    }

    /// Changes how failed calls are retried before the failure is returned. The function receives
    /// the current policy and returns the new policy.
    #[must_use]
    pub fn with_retry(mut self, customise: impl FnOnce(RetryPolicy) -> RetryPolicy) -> Self {
        self.retry = customise(self.retry);
        self
    }

    /// Sets the source of time. Default: the clocks of the operating system.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock))
    }

    pub(crate) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Sets a store that keeps tokens outside of this process. A store shares tokens with other
    /// processes, or keeps tokens across restarts. Default: none.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets a function that receives each event of the cache, for metrics. Default: none.
    ///
    /// The function must return quickly, because callers that wait for a token continue only after
    /// the function has returned. The cache holds no lock during the call. A panic is caught and
    /// logged. A second call of this method replaces the function.
    ///
    /// Events do not name the vendor, so set one function per client, as in this example.
    ///
    /// ```
    /// use fintech_auth::token::{TokenEvent, TokenOptions};
    ///
    /// let vendor = "moov";
    /// let tokens = TokenOptions::default().with_observer(move |event| match event {
    ///     TokenEvent::Obtained { latency, .. } => println!("{vendor}: token after {latency:?}"),
    ///     TokenEvent::Failed { error, .. } => println!("{vendor}: no token: {}", error.kind().as_str()),
    ///     _ => {}
    /// });
    /// ```
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&TokenEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = TokenObserver::new(Arc::new(observer));
        self
    }

    /// Sets the time limit of one call to the store. Default: 1 s.
    #[must_use]
    pub fn with_store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout.min(FOREVER);
        self
    }

    /// Sets how long the circuit of the store stays open after a failure. Default: 5 s.
    ///
    /// While the circuit is open, tokens are requested without the store, and no caller waits for
    /// the store.
    #[must_use]
    pub fn with_store_circuit_open_for(mut self, time: Duration) -> Self {
        self.store_open_for = time.min(FOREVER);
        self
    }

    /// Sets the duration of a lease in the store. Default: 10 s. Maximum: 10 min.
    ///
    /// The process that holds a lease renews the lease whenever a third of this duration has
    /// passed, until the token request ends. If the process crashes, the other processes wait until
    /// the lease expires.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(Duration::from_millis(30), Duration::from_secs(600));
        self
    }

    pub(in crate::token) fn life(&self, expires: Expires, random: f64) -> Life {
        let lifetime = expires.lifetime;
        let margin = self.margin.min(lifetime / 10);
        let window = self.refresh_window.min(lifetime / 4).mul_f64(1.0 + random / 4.0);
        let end = lifetime.saturating_sub(margin);
        let stale = end.saturating_sub(window);
        let after = |start: u64, span: Duration| start.saturating_add(millis(span));
        Life {
            stale: after(expires.sent, stale),
            wall_stale: after(expires.sent_wall, stale),
            window: u32::try_from(millis(end).saturating_sub(millis(stale))).unwrap_or(u32::MAX),
            rule: expires.rule,
        }
    }
}

fn longer(span: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::ExpiryRule;

    fn windows(lifetime: Duration, random: f64) -> (u64, u64) {
        let expires = Expires { lifetime, rule: ExpiryRule::Seconds, sent: 1_000, sent_wall: 5_000 };
        let life = TokenOptions::default().with_jitter(random).life(expires, random);
        assert_eq!((life.wall_stale - life.stale, life.wall_end() - life.end()), (4_000, 4_000));
        (life.stale - 1_000, life.end() - 1_000)
    }

    #[test]
    fn stale_and_expiry_times_are_correct_for_short_and_long_lifetimes() {
        for (seconds, stale, end) in [
            (0, 0, 0),
            (5, 3_250, 4_500),
            (60, 39_000, 54_000),
            (900, 665_000, 890_000),
            (3_600, 3_290_000, 3_590_000),
            (86_400, 86_090_000, 86_390_000),
        ] {
            assert_eq!(windows(Duration::from_secs(seconds), 0.0), (stale, end), "{seconds} s");
        }
    }

    #[test]
    fn rate_limit_applies_the_share_and_adds_a_margin_to_the_window() {
        let limit = |share: f64| {
            let options = TokenOptions::default().with_rate_limit(40, Duration::from_secs(1));
            let limit = options.with_rate_limit_share(share).fleet_rate_limit().unwrap();
            (limit.calls, limit.per.as_millis())
        };
        assert_eq!(limit(1.0), (40, 1_050));
        assert_eq!(limit(0.5), (20, 1_050));
        assert_eq!(limit(0.01), (1, 2_625));
        assert_eq!((limit(f64::NAN), limit(2.0)), ((40, 1_050), (40, 1_050)));
        assert_eq!(limit(0.0), (1, 26_250));
        assert_eq!(TokenOptions::default().rate_limit(), None);
    }

    #[test]
    fn jitter_makes_renewals_earlier_and_never_later() {
        assert_eq!(windows(Duration::from_secs(3_600), 1.0), (3_215_000, 3_590_000));
        assert_eq!(windows(Duration::from_secs(3_600), 0.5), (3_252_500, 3_590_000));
    }
}
