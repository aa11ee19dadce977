//! Tests that extreme durations and extreme shares of the rate limit never cause a panic.

use std::{sync::Arc, time::Duration};

use fintech_auth::{
    Clock as _, ErrorKind, HttpOptions, ManualClock,
    token::{MemoryStore, TokenCache, TokenOptions},
};
use tokio::time::timeout;

use crate::{
    scripted::{Reply, Scripted, TestClock, fail, options},
    support::{emulator, scopes},
};

fn durations() -> [Duration; 6] {
    [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_secs(u64::from(u32::MAX)),
        Duration::from_millis(u64::MAX),
        Duration::from_secs_f64(1e19),
        Duration::MAX,
    ]
}

type Setter = (&'static str, fn(TokenOptions, Duration) -> TokenOptions);

const SETTERS: [Setter; 14] = [
    ("refresh window", |options, given| options.with_refresh_window(given)),
    ("margin", |options, given| options.with_expiry_leeway(given)),
    ("default lifetime", |options, given| options.with_default_lifetime(given)),
    ("max lifetime", |options, given| options.with_max_lifetime(given)),
    ("all lifetimes", |options, given| options.with_default_lifetime(given).with_max_lifetime(given)),
    ("max wait", |options, given| options.with_max_wait(given)),
    ("back-off", |options, given| options.with_backoff(given, given)),
    ("max cool-down", |options, given| options.with_max_cool_down(given)),
    ("refusal memory", |options, given| options.with_negative_cache_ttl(given)),
    ("rate limit", |options, given| options.with_rate_limit(1, given)),
    ("store timeout", |options, given| options.with_store_timeout(given)),
    ("store rest", |options, given| options.with_store_circuit_open_for(given)),
    ("lease", |options, given| options.with_lease(given)),
    ("retry", |options, given| {
        options.with_retry(|retry| retry.with_base(given).with_cap(given).with_attempts(5))
    }),
];

fn replies() -> [Reply; 7] {
    let limited = |wait| {
        Reply::Fail(crate::scripted::Failure {
            kind: ErrorKind::RateLimited,
            sent: true,
            retry_after: Some(wait),
        })
    };
    [
        Reply::Token(i64::MAX),
        Reply::Token(3600),
        Reply::Silent,
        fail(ErrorKind::Unavailable),
        limited(Duration::MAX),
        limited(Duration::ZERO),
        Reply::Refused(403),
    ]
}

#[tokio::test(start_paused = true)]
async fn extreme_duration_option_causes_no_panic() {
    for (name, set) in SETTERS {
        for given in durations() {
            for (jitter, with_store) in [(0.0, false), (1.0, true), (f64::NAN, false), (f64::INFINITY, true)]
            {
                for reply in replies() {
                    let case = format!("{name} {given:?} {jitter} {reply:?}");
                    let options = set(options(&TestClock::new()), given).with_jitter(jitter);
                    let store = Arc::new(MemoryStore::default());
                    let options = if with_store { options.with_store(store) } else { options };
                    let source = Scripted::new(Duration::from_millis(1), true, vec![reply; 3]);
                    let cache = TokenCache::new(source, options);
                    for scope in ["a", "b", "a"] {
                        let scopes = scopes(&[scope]);
                        let asking = cache.token_within(&scopes, Duration::MAX);
                        if let Ok(Ok(token)) = timeout(Duration::from_secs(90), asking).await {
                            let _ = format!("{token:?} {:?} {case}", token.expires_at());
                            cache.invalidate(&token).await;
                        }
                        let _ = timeout(Duration::from_secs(1), cache.token(&scopes)).await;
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn extreme_caller_wait_causes_no_panic() {
    for wait in durations() {
        let cache = TokenCache::new(Scripted::new(Duration::ZERO, false, []), options(&TestClock::new()));
        let token = cache.token_within(&scopes(&["a"]), wait).await;
        assert!(token.is_ok() || wait < Duration::from_millis(1), "{wait:?}");
    }
}

#[tokio::test]
async fn extreme_client_timeout_causes_no_panic() {
    let emulator = emulator().await;
    for timeout in durations() {
        let http = HttpOptions::default().with_timeout(timeout).with_connect_timeout(timeout);
        let Ok(moneykit) = emulator.moneykit().with_http(|_| http).build() else {
            assert_eq!(timeout, Duration::ZERO);
            continue;
        };
        let outcome = moneykit.create_access_token(&[]).await;
        assert!(outcome.is_ok() || timeout < Duration::from_millis(1), "{timeout:?} {outcome:?}");
    }
}

#[test]
fn manual_clock_stops_at_the_latest_possible_time() {
    let clock = ManualClock::new(std::time::SystemTime::now());
    for _ in 0..3 {
        clock.advance(Duration::MAX);
        assert_eq!(clock.monotonic(), Duration::from_millis(u64::MAX));
        let _ = clock.wall();
    }
}
