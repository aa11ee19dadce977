//! Tests that the rate limit admits callers in order of arrival, and that a call fails immediately
//! if it would have to wait too long.

use std::time::Duration;

use fintech_auth::{
    ErrorKind,
    emulator::{Fault, Operation},
    token::TokenCache,
};
use http::{HeaderName, StatusCode, header};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    scripted::{Reply, Scripted, TokenCall, cache_with, limited},
    support::{emulator, scopes},
};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(600);

type Callers = JoinSet<Result<(), (ErrorKind, Duration)>>;

fn ask(cache: &TokenCache, count: usize) -> Callers {
    let mut callers = JoinSet::new();
    for number in 0..count {
        let cache = cache.clone();
        callers.spawn(async move {
            let begin = Instant::now();
            let outcome = cache.token(&scopes(&[&format!("scope-{number}")])).await;
            outcome.map(drop).map_err(|error| (error.kind(), begin.elapsed()))
        });
    }
    callers
}

fn order(source: &Scripted) -> Vec<usize> {
    let number = |call: TokenCall| match call {
        TokenCall::Issue(scope) => scope.trim_start_matches("scope-").parse().unwrap(),
        TokenCall::Refresh(_) => panic!("there is no refresh token"),
    };
    source.token_calls().into_iter().map(number).collect()
}

fn assert_limit(times: &[u128], calls: usize) {
    for (index, span) in times.windows(calls + 1).enumerate() {
        assert!(span[calls] - span[0] >= 1000, "more than {calls} calls within 1 s, from call {index}");
    }
}

#[tokio::test(start_paused = true)]
async fn uncached_scope_sets_are_requested_in_arrival_order_within_the_limit() {
    for count in [200, 2_000, 10_000] {
        let (cache, source) =
            cache_with([], |options| options.with_rate_limit(40, SECOND).with_max_wait(LONG));
        let outcomes = ask(&cache, count).join_all().await;
        assert!(outcomes.iter().all(Result::is_ok), "{count}");
        assert_eq!(order(&source), (0..count).collect::<Vec<_>>(), "{count}");
        let times = source.times();
        assert_limit(&times, 40);
        let waited = &times[40..];
        assert!(
            waited.windows(2).all(|two| (25..=45).contains(&(two[1] - two[0]))),
            "the calls were not spread evenly: {count} scope sets"
        );
        let rate = (count - 40) as f64 / (*waited.last().unwrap() as f64 / 1000.0);
        assert!((38.0..=40.0).contains(&rate) || count == 200, "{count} scope sets: {rate} calls per second");
    }
}

#[tokio::test(start_paused = true)]
async fn caller_behind_a_long_queue_fails_immediately_with_the_expected_wait() {
    let (cache, source) = cache_with([], |options| options.with_rate_limit(40, SECOND).with_max_wait(LONG));
    let callers = ask(&cache, 10_000);
    sleep(SECOND).await;
    let before = Instant::now();
    let error = cache.token_within(&scopes(&["customer"]), 12 * SECOND).await.unwrap_err();
    assert_eq!((error.kind(), before.elapsed()), (ErrorKind::RateLimited, Duration::ZERO));
    let wait = error.retry_after().unwrap();
    assert!((Duration::from_secs(248)..Duration::from_secs(256)).contains(&wait), "{wait:?}");
    assert!(!error.may_have_been_sent());
    cache.token_within(&scopes(&["customer"]), LONG).await.unwrap();
    let waited = before.elapsed();
    assert!(waited >= wait && waited <= wait + SECOND, "{waited:?}");
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(source.count(), 10_001);
}

#[tokio::test(start_paused = true)]
async fn caller_fails_at_once_if_a_queued_refresh_would_take_too_long() {
    let (cache, _) = cache_with([], |options| options.with_rate_limit(1, SECOND).with_max_wait(LONG));
    let callers = ask(&cache, 30);
    sleep(Duration::from_millis(1)).await;
    let before = Instant::now();
    let last = scopes(&["scope-29"]);
    let error = cache.token_within(&last, 12 * SECOND).await.unwrap_err();
    assert_eq!((error.kind(), before.elapsed()), (ErrorKind::RateLimited, Duration::ZERO));
    assert!(error.retry_after().is_some_and(|wait| wait > 28 * SECOND), "{error:?}");
    cache.token_within(&scopes(&["scope-5"]), 12 * SECOND).await.unwrap();
    assert!(callers.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn cool_down_delays_the_queue_and_keeps_its_order() {
    let script = (0..14).map(|_| Reply::Token(3600)).chain([limited(60)]);
    let (cache, source) =
        cache_with(script, |options| options.with_rate_limit(10, SECOND).with_max_wait(LONG));
    let outcomes = ask(&cache, 100).join_all().await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_err()).count(),
        1,
        "only the caller of the refused request may get an error"
    );
    assert_eq!(order(&source), (0..100).collect::<Vec<_>>());
    let times = source.times();
    assert_limit(&times, 10);
    let after = times.iter().filter(|at| **at > times[14] + 100).min().unwrap();
    assert!(after - times[14] >= 60_100, "{after}");
}

#[tokio::test(start_paused = true)]
async fn callers_that_a_cool_down_would_delay_too_long_fail_at_once() {
    let script = (0..14).map(|_| Reply::Token(3600)).chain([limited(60)]);
    let (cache, source) = cache_with(script, |options| options.with_rate_limit(10, SECOND));
    let outcomes = ask(&cache, 100).join_all().await;
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.err()).collect();
    assert!(refused.len() >= 80, "{}", refused.len());
    assert!(refused.iter().all(|(kind, after)| *kind == ErrorKind::RateLimited && *after < 2 * SECOND));
    assert!(source.count() <= 17, "{}", source.count());
}

#[tokio::test(start_paused = true)]
async fn status_429_without_retry_after_starts_a_cool_down() {
    let (cache, source) = cache_with(vec![limited(0); 1_000], |options| options);
    for _ in 0..100 {
        let error = cache.token_within(&scopes(&["a"]), Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
    assert_eq!((source.count(), cache.stats().cool_downs), (1, 1));
}

#[tokio::test]
async fn vendor_429_with_an_unusable_retry_after_starts_a_cool_down() {
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (operation, status, name, value) in [
        (Operation::MoneykitToken, StatusCode::TOO_MANY_REQUESTS, header::RETRY_AFTER, "0"),
        (Operation::MoneykitToken, StatusCode::TOO_MANY_REQUESTS, header::RETRY_AFTER, past),
        (Operation::MoovToken, StatusCode::TOO_MANY_REQUESTS, header::RETRY_AFTER, "0"),
        (Operation::MoovToken, StatusCode::TOO_MANY_REQUESTS, HeaderName::from_static("x-retry-in"), "0"),
        (Operation::MoovToken, StatusCode::TOO_MANY_REQUESTS, HeaderName::from_static("x-retry-in"), "soon"),
        (Operation::MoovToken, StatusCode::TOO_MANY_REQUESTS, header::RETRY_AFTER, past),
    ] {
        let emulator = emulator().await;
        let clock = emulator.clock().clone();
        let response =
            Fault::response(status).with_header(name.clone(), http::HeaderValue::from_static(value));
        emulator.fault_times(operation, response, 1_000);
        let (moneykit, moov) = (
            emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone())).build().unwrap(),
            emulator.moov().with_tokens(|tokens| tokens.with_clock(clock.clone())).build().unwrap(),
        );
        let brief = Duration::from_millis(100);
        for number in 0..100 {
            let scopes = scopes(&["/accounts.read"]);
            let error = match operation {
                Operation::MoneykitToken if number == 0 => moneykit.token(&scopes).await,
                Operation::MoneykitToken => moneykit.tokens().token_within(&scopes, brief).await,
                _ if number == 0 => moov.token(&scopes).await,
                _ => moov.tokens().token_within(&scopes, brief).await,
            };
            assert_eq!(error.unwrap_err().kind(), ErrorKind::RateLimited, "{operation:?} {name} {value}");
        }
        assert_eq!(emulator.count(operation), 1, "{operation:?} {name} {value}");
    }
}
