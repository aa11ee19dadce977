//! Tests each guarantee of the `token` module, with tokio's time paused.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Error, ErrorKind, RetryPolicy, Scope, Secret, Token, UncachedToken,
    authorize::classify_challenges,
    emulator::Operation,
    token::{ExpiryRule, IssuedToken, MemoryStore, Rejection, TokenCache, TokenOptions},
};
use http::{HeaderMap, StatusCode};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    scripted::{
        PanickingSource, Reply, Scripted, TestClock, TokenCall, cache, cache_with, fail, limited, options,
        refreshing, unsent,
    },
    support::{emulator, moneykit, moov, scopes},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn token(cache: &TokenCache) -> Result<String, Error> {
    cache.token(&scopes(&["a"])).await.map(|token| token.expose_secret().to_owned())
}

async fn run_background_tasks() {
    sleep(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn fresh_token_is_returned_from_the_cache() {
    let (cache, source) = cache([]);
    assert_eq!(token(&cache).await.unwrap(), "token-1");
    let before = Instant::now();
    for _ in 0..1000 {
        assert_eq!(token(&cache).await.unwrap(), "token-1");
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn stale_token_is_returned_immediately_and_renewed_once_in_the_background() {
    let (cache, source) = cache([]);
    token(&cache).await.unwrap();
    // A token with a lifetime of 3600 s becomes stale after 3290 s and is used for at most 3590 s.
    sleep(Duration::from_secs(3290)).await;
    let before = Instant::now();
    for _ in 0..1000 {
        assert_eq!(token(&cache).await.unwrap(), "token-1");
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    run_background_tasks().await;
    assert_eq!(source.count(), 2);
    assert_eq!(token(&cache).await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn callers_without_a_usable_token_share_one_request() {
    let (cache, source) = cache([]);
    for round in 1..=2 {
        let mut callers = JoinSet::new();
        for _ in 0..1000 {
            let cache = cache.clone();
            callers.spawn(async move { token(&cache).await.unwrap() });
        }
        while let Some(given) = callers.join_next().await {
            assert_eq!(given.unwrap(), format!("token-{round}"));
        }
        assert_eq!(source.count(), round);
        sleep(Duration::from_secs(3591)).await;
    }
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.waiters, stats.refreshes), (2000, 1998, 2));
}

#[tokio::test(start_paused = true)]
async fn tokens_with_lifetimes_of_5_s_and_of_a_day_are_renewed_in_time() {
    for (lifetime, fresh, stale, expired) in
        [(5, 3_100, 3_300, 4_600), (86_400, 86_089_000, 86_091_000, 86_391_000)]
    {
        let (cache, source) = cache([Reply::Token(lifetime), Reply::Token(lifetime)]);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        token(&cache).await.unwrap();
        tokio::time::sleep_until(at(fresh)).await;
        assert_eq!((token(&cache).await.unwrap(), source.count()), ("token-1".to_owned(), 1), "{lifetime}");
        tokio::time::sleep_until(at(stale)).await;
        assert_eq!(token(&cache).await.unwrap(), "token-1", "{lifetime}");
        tokio::time::sleep_until(at(expired)).await;
        assert_eq!((token(&cache).await.unwrap(), source.count()), ("token-2".to_owned(), 2), "{lifetime}");
    }
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_the_renewals_of_many_processes() {
    let mut renewed = BTreeSet::new();
    for _ in 0..20 {
        let (cache, source) = cache_with([], |options| options.with_jitter(1.0));
        token(&cache).await.unwrap();
        let start = Instant::now();
        while source.count() == 1 {
            sleep(SECOND).await;
            token(&cache).await.unwrap();
        }
        let at = start.elapsed().as_secs();
        assert!((3214..=3291).contains(&at), "{at}");
        renewed.insert(at);
    }
    assert!(renewed.len() > 5, "{renewed:?}");
}

#[tokio::test(start_paused = true)]
async fn token_expires_during_a_suspend_that_stops_the_monotonic_clock() {
    let clock = TestClock::new();
    let source = Scripted::new(Duration::ZERO, false, []);
    let cache = TokenCache::new(source.clone(), options(&clock));
    token(&cache).await.unwrap();
    clock.wall_forward(Duration::from_secs(3595));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(token(&cache).await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn setting_the_wall_clock_back_does_not_extend_the_token_lifetime() {
    let clock = TestClock::new();
    let source = Scripted::new(Duration::ZERO, false, []);
    let cache = TokenCache::new(source.clone(), options(&clock));
    token(&cache).await.unwrap();
    clock.wall_back(MINUTE * 60);
    sleep(Duration::from_secs(3595)).await;
    assert_eq!(token(&cache).await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn token_reports_the_expiry_rule_that_applied() {
    let (cache, _) =
        cache([Reply::Token(900), Reply::Silent, Reply::Token(1_800_000_900), Reply::Token(12_345_678_901)]);
    let mut rules = Vec::new();
    for scope in ["a", "b", "c", "d"] {
        rules.push(cache.token(&scopes(&[scope])).await.unwrap().expiry_rule());
    }
    assert_eq!(rules, [ExpiryRule::Seconds, ExpiryRule::Absent, ExpiryRule::Timestamp, ExpiryRule::Absurd]);
}

#[tokio::test(start_paused = true)]
async fn unix_time_in_expires_in_is_used_as_the_expiry_time() {
    let (cache, source) = cache([Reply::Token(1_800_000_900)]);
    let first = cache.token(&scopes(&["a"])).await.unwrap();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_900);
    let early = end.duration_since(first.expires_at()).unwrap();
    assert!(early <= 11 * SECOND, "{early:?}");
    sleep(Duration::from_secs(600)).await;
    assert_eq!((token(&cache).await.unwrap(), source.count()), ("token-1".to_owned(), 1));
    sleep(Duration::from_secs(300)).await;
    assert_eq!(token(&cache).await.unwrap(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn token_with_a_lifetime_of_0_is_returned_only_to_waiting_callers() {
    let (cache, source) = cache([Reply::Token(0), Reply::Token(0)]);
    let (first, second) = tokio::join!(token(&cache), token(&cache));
    assert_eq!((first.unwrap(), second.unwrap()), ("token-1".to_owned(), "token-1".to_owned()));
    assert_eq!(token(&cache).await.unwrap(), "token-2");
    assert_eq!(token(&cache).await.unwrap(), "token-3");
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn scope_order_and_duplicates_do_not_matter() {
    let (cache, source) = cache([]);
    for set in [&["a", "b", "c"][..], &["c", "b", "a"], &["b", "a", "c", "a", "b"]] {
        cache.token(&scopes(set)).await.unwrap();
    }
    assert_eq!(source.token_calls(), [TokenCall::Issue("a b c".to_owned())]);
    for set in [&["a", "b"][..], &["ab", "c"], &["a"], &[], &["a", "b", "cd"]] {
        cache.token(&scopes(set)).await.unwrap();
    }
    assert_eq!(source.count(), 6);
    assert_eq!(cache.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn number_of_cached_scope_sets_does_not_exceed_the_capacity() {
    let (cache, source) = cache_with([], |options| options.with_capacity(100));
    let often = scopes(&["often"]);
    for number in 0..1000 {
        cache.token(&scopes(&[&format!("scope-{number}")])).await.unwrap();
        cache.token(&often).await.unwrap();
        assert!(cache.len() <= 100, "{}", cache.len());
    }
    let often_asked = source
        .token_calls()
        .into_iter()
        .filter(|asked| *asked == TokenCall::Issue("often".to_owned()))
        .count();
    assert_eq!(often_asked, 1);
    assert!(cache.stats().evictions >= 900);
}

#[tokio::test(start_paused = true)]
async fn revoked_token_of_a_handle_is_replaced_after_many_evictions() {
    let (cache, _) = cache_with([], |options| options.with_capacity(10));
    let handle = cache.handle(&scopes(&["held"])).unwrap();
    let revoked = handle.token().await.unwrap().to_secret();
    for number in 0..100 {
        cache.token(&scopes(&[&format!("scope-{number}")])).await.unwrap();
    }
    assert!(cache.stats().evictions > 50 && cache.len() <= 11, "{}", cache.len());
    cache.forget(&revoked).await.unwrap();
    let token = handle.token().await.unwrap();
    assert_ne!(token.expose_secret(), revoked.expose_secret());
    assert_eq!(cache.token(&scopes(&["held"])).await.unwrap().expose_secret(), token.expose_secret());
}

#[tokio::test(start_paused = true)]
async fn entries_with_a_handle_do_not_count_against_the_capacity() {
    let (cache, source) = cache_with([], |options| options.with_capacity(10));
    let handles: Vec<_> =
        (0..50).map(|number| cache.handle(&scopes(&[&format!("held-{number}")])).unwrap()).collect();
    for _ in 0..3 {
        for number in 0..8 {
            cache.token(&scopes(&[&format!("scope-{number}")])).await.unwrap();
        }
    }
    assert_eq!(source.count(), 8, "tokens requested without a handle must be cached, too");
    drop(handles);
    for number in 0..100 {
        cache.token(&scopes(&[&format!("other-{number}")])).await.unwrap();
    }
    assert!(cache.len() <= 10, "{}", cache.len());
}

#[tokio::test(start_paused = true)]
async fn each_refresh_token_is_sent_once() {
    let (cache, source) = refreshing([]);
    for _ in 0..4 {
        token(&cache).await.unwrap();
        sleep(Duration::from_secs(3591)).await;
    }
    let refresh = |number: u32| TokenCall::Refresh(format!("refresh-{number}"));
    assert_eq!(source.token_calls(), [TokenCall::Issue("a".to_owned()), refresh(1), refresh(2), refresh(3)]);
}

#[tokio::test(start_paused = true)]
async fn refused_or_lost_refresh_falls_back_to_client_credentials() {
    for reply in [
        fail(ErrorKind::InvalidRequest),
        fail(ErrorKind::Unauthorized),
        fail(ErrorKind::Unavailable),
        fail(ErrorKind::Timeout),
        fail(ErrorKind::InvalidResponse),
    ] {
        let (cache, source) = refreshing([Reply::Token(3600), reply.clone()]);
        token(&cache).await.unwrap();
        sleep(Duration::from_secs(3591)).await;
        assert_eq!(token(&cache).await.unwrap(), "token-3", "{reply:?}");
        let issue = TokenCall::Issue("a".to_owned());
        assert_eq!(
            source.token_calls(),
            [issue.clone(), TokenCall::Refresh("refresh-1".to_owned()), issue],
            "{reply:?}"
        );
        assert_eq!(source.count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_token_is_retried_if_its_request_was_not_sent() {
    let (cache, source) = refreshing([Reply::Token(3600), unsent(ErrorKind::Unavailable)]);
    token(&cache).await.unwrap();
    sleep(Duration::from_secs(3591)).await;
    assert_eq!(token(&cache).await.unwrap(), "token-3");
    let refresh = TokenCall::Refresh("refresh-1".to_owned());
    assert_eq!(source.token_calls(), [TokenCall::Issue("a".to_owned()), refresh.clone(), refresh]);
}

#[tokio::test(start_paused = true)]
async fn valid_token_is_returned_until_it_expires_if_refreshes_fail() {
    let (cache, source) =
        cache_with([Reply::Token(3600)], |options| options.with_retry(|_| RetryPolicy::never()));
    let start = Instant::now();
    token(&cache).await.unwrap();
    source.then(std::iter::repeat_n(fail(ErrorKind::Unavailable), 50));
    sleep(Duration::from_secs(3300)).await;
    while start.elapsed() < Duration::from_secs(3590) {
        assert_eq!(token(&cache).await.unwrap(), "token-1");
        sleep(SECOND).await;
    }
    let error = token(&cache).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn back_off_after_a_failed_refresh_applies_to_all_callers() {
    let (cache, source) = cache_with([], |options| options.with_retry(|_| RetryPolicy::never()));
    source.then(std::iter::repeat_n(fail(ErrorKind::Unavailable), 1000));
    for _ in 0..1200 {
        for _ in 0..10 {
            assert!(token(&cache).await.is_err());
        }
        sleep(Duration::from_millis(500)).await;
    }
    let gaps: Vec<u128> = source.times().windows(2).map(|two| (two[1] - two[0]) / 1000).collect();
    // Without jitter, the delays are 1, 2, 4, 8, 16, 32 s, and then always 60 s. The test calls
    // the cache every 0.5 s, so the cache sends a request up to 0.5 s after the end of a delay.
    assert_eq!(gaps[..6], [1, 2, 4, 8, 16, 32]);
    assert!(gaps[6..].iter().all(|gap| (60..=61).contains(gap)), "{gaps:?}");
    let error = token(&cache).await.unwrap_err();
    assert!(!error.may_have_been_sent());
    assert!(error.retry_after().is_some_and(|wait| wait <= MINUTE), "{error}");
}

#[tokio::test(start_paused = true)]
async fn cool_down_applies_to_every_caller_and_scope_set() {
    let (cache, source) =
        cache_with([Reply::Token(3600), limited(20)], |options| options.with_max_wait(SECOND));
    token(&cache).await.unwrap();
    let start = Instant::now();
    let limited = cache.token(&scopes(&["b"])).await.unwrap_err();
    assert_eq!((limited.kind(), limited.retry_after()), (ErrorKind::RateLimited, Some(20 * SECOND)));
    assert_eq!(token(&cache).await.unwrap(), "token-1");
    let before = Instant::now();
    let error = cache.token(&scopes(&["c"])).await.unwrap_err();
    assert_eq!(before.elapsed(), Duration::ZERO);
    let left = Duration::from_secs(20) - (start.elapsed() - Duration::from_millis(100));
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(left)));
    assert!(!error.may_have_been_sent());
    cache.token_within(&scopes(&["d"]), MINUTE).await.unwrap();
    assert_eq!(source.times()[2] - source.times()[1], 20_100);
    assert_eq!(source.count(), 3);
    assert_eq!(cache.stats().cool_downs, 1);
}

#[tokio::test(start_paused = true)]
async fn cool_down_does_not_exceed_the_configured_maximum() {
    let (cache, source) =
        cache_with([limited(7_200)], |options| options.with_max_wait(SECOND).with_max_cool_down(60 * SECOND));
    assert!(token(&cache).await.is_err());
    sleep(57 * SECOND).await;
    assert_eq!(token(&cache).await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(source.count(), 1);
    sleep(4 * SECOND).await;
    assert!(token(&cache).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn stale_token_is_returned_during_a_cool_down() {
    let (cache, source) = cache_with([Reply::Token(3600), limited(600)], |options| options);
    token(&cache).await.unwrap();
    sleep(Duration::from_secs(3291)).await;
    for _ in 0..100 {
        assert_eq!(token(&cache).await.unwrap(), "token-1");
        sleep(SECOND).await;
    }
    assert_eq!(source.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_not_resent_for_10_s() {
    let (cache, source) = cache([Reply::Refused(401)]);
    for scope in ["a", "b", "c"] {
        let error = cache.token(&scopes(&[scope])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(source.count(), 1);
    sleep(Duration::from_secs(10)).await;
    assert!(token(&cache).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn token_calls_per_minute_stay_within_the_vendor_limit() {
    let (cache, source) =
        cache_with([], |options| options.with_rate_limit(300, MINUTE).with_max_wait(10 * MINUTE));
    let mut callers = JoinSet::new();
    for number in 0..1000 {
        let cache = cache.clone();
        callers.spawn(async move { cache.token(&scopes(&[&format!("scope-{number}")])).await.map(drop) });
    }
    while let Some(outcome) = callers.join_next().await {
        outcome.unwrap().unwrap();
    }
    let times = source.times();
    assert_eq!(times.len(), 1000);
    assert!(
        times.windows(301).all(|span| span[300] - span[0] >= 60_000),
        "more than 300 calls in one minute"
    );
}

#[tokio::test(start_paused = true)]
async fn callers_in_batches_get_all_their_tokens_despite_the_rate_limit() {
    let (cache, _) = cache_with([], |options| options.with_rate_limit(40, SECOND));
    let begin = |name: &'static str, count: usize| {
        let mut callers = JoinSet::new();
        for number in 0..count {
            let cache = cache.clone();
            callers.spawn(async move { cache.token(&scopes(&[&format!("{name}-{number}")])).await });
        }
        callers.join_all()
    };
    let start = Instant::now();
    let outcomes = begin("all", 3000).await;
    let failed: Vec<ErrorKind> = outcomes.iter().filter_map(|o| Some(o.as_ref().err()?.kind())).collect();
    assert!((1160..=1240).contains(&(3000 - failed.len())), "{} calls failed", failed.len());
    assert!(
        failed.iter().all(|kind| matches!(kind, ErrorKind::RateLimited | ErrorKind::Timeout)),
        "{failed:?}"
    );
    assert!(start.elapsed() <= 31 * SECOND);
    for part in ["first", "second", "third"] {
        assert!(begin(part, 500).await.iter().all(Result::is_ok), "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn request_to_a_failing_vendor_is_sent_three_times() {
    let (cache, source) = cache(vec![fail(ErrorKind::Unavailable); 10]);
    assert_eq!(token(&cache).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(source.times(), [0, 300, 800]);
    assert!(token(&cache).await.is_err());
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn failed_call_is_retried_by_the_retry_policy() {
    let (cache, source) = cache([fail(ErrorKind::Unavailable), fail(ErrorKind::Timeout)]);
    assert_eq!(token(&cache).await.unwrap(), "token-3");
    assert_eq!(source.times(), [0, 300, 800]);
    assert_eq!(cache.stats().failures, 0);

    for lasting in [ErrorKind::InvalidRequest, ErrorKind::InvalidResponse, ErrorKind::InvalidConfig] {
        let (cache, source) = self::cache([fail(lasting)]);
        assert_eq!(token(&cache).await.unwrap_err().kind(), lasting);
        assert_eq!(source.count(), 1);
        assert_eq!(cache.stats().failures, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn invalidating_an_old_token_does_not_remove_the_newer_token() {
    let (cache, source) = cache([]);
    let first = cache.token(&scopes(&["a"])).await.unwrap();
    cache.invalidate(&first).await;
    let second = cache.token(&scopes(&["a"])).await.unwrap();
    assert_ne!(first.expose_secret(), second.expose_secret());
    for _ in 0..100 {
        cache.invalidate(&first).await;
    }
    assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), second.expose_secret());
    assert_eq!(source.count(), 2);
    cache.invalidate(&second).await;
    assert_eq!(token(&cache).await.unwrap(), "token-3");
}

#[tokio::test(start_paused = true)]
async fn cache_can_invalidate_a_token_that_another_cache_returned() {
    let store = Arc::new(MemoryStore::default());
    let source = Scripted::new(Duration::ZERO, false, []);
    let clock = TestClock::new();
    let cache = || TokenCache::new(source.clone(), options(&clock).with_store(store.clone()));
    let (one, other) = (cache(), cache());
    let token = one.token(&scopes(&["a"])).await.unwrap();
    assert_eq!(other.token(&scopes(&["a"])).await.unwrap().expose_secret(), token.expose_secret());
    other.invalidate(&token).await;
    assert!(other.cached(&scopes(&["a"])).is_none());

    let (cache, _) = self::cache([]);
    cache.token(&[]).await.unwrap();
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    let rebuilt = Token::new(token.to_secret(), MINUTE).unwrap();
    cache.invalidate(&rebuilt).await;
    assert!(cache.cached(&scopes(&["a"])).is_none());
}

#[tokio::test(start_paused = true)]
async fn refresh_in_flight_does_not_restore_a_revoked_token() {
    for revoked in ["token-1", "refresh-1"] {
        let (cache, source) = refreshing([]);
        token(&cache).await.unwrap();
        sleep(Duration::from_secs(3291)).await;
        token(&cache).await.unwrap();
        sleep(Duration::from_millis(50)).await;
        cache.forget(&Secret::from(revoked)).await.unwrap();
        let given = tokio::join!(token(&cache), token(&cache));
        assert_eq!(
            (given.0.unwrap(), given.1.unwrap()),
            ("token-3".to_owned(), "token-3".to_owned()),
            "{revoked}"
        );
        run_background_tasks().await;
        assert_eq!(token(&cache).await.unwrap(), "token-3", "{revoked}");
        assert_eq!(cache.stats().discarded, 1, "{revoked}");
        let issue = TokenCall::Issue("a".to_owned());
        assert_eq!(
            source.token_calls(),
            [issue.clone(), TokenCall::Refresh("refresh-1".to_owned()), issue],
            "{revoked}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn revocation_removes_only_the_given_token() {
    for revoked in ["token-1", "refresh-1"] {
        let (cache, source) = refreshing([]);
        token(&cache).await.unwrap();
        let other = cache.token(&scopes(&["b"])).await.unwrap();
        cache.forget(&Secret::from("made-up")).await.unwrap();
        assert_eq!(token(&cache).await.unwrap(), "token-1");
        cache.forget(&Secret::from(revoked)).await.unwrap();
        assert_eq!(token(&cache).await.unwrap(), "token-3", "{revoked}");
        assert_eq!(cache.token(&scopes(&["b"])).await.unwrap().expose_secret(), other.expose_secret());
        assert!(!source.token_calls().contains(&TokenCall::Refresh("refresh-1".to_owned())));
    }
}

#[tokio::test(start_paused = true)]
async fn request_is_retried_once_with_a_new_token_after_an_expiry_401() {
    let (cache, source) = cache([]);
    let expired = |challenge: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", challenge.parse().unwrap());
        (StatusCode::UNAUTHORIZED, headers)
    };
    let classify = |(status, headers): &(StatusCode, HeaderMap)| match *status {
        StatusCode::UNAUTHORIZED => classify_challenges(headers),
        _ => Rejection::None,
    };
    let run = async |response: (StatusCode, HeaderMap)| {
        let mut used = Vec::new();
        let request = |token: Token| {
            used.push(token.expose_secret().to_owned());
            let response = response.clone();
            async move { response }
        };
        cache.run(&scopes(&["a"]), request, classify).await.unwrap();
        used
    };
    assert_eq!(run((StatusCode::OK, HeaderMap::new())).await, ["token-1"]);
    assert_eq!(run(expired("Bearer error=\"insufficient_scope\"")).await, ["token-1"]);
    assert_eq!(run(expired("Bearer error=\"invalid_token\"")).await, ["token-1", "token-2"]);
    assert_eq!(source.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropped_caller_does_not_stop_the_refresh() {
    let (cache, source) = cache([]);
    assert!(timeout(Duration::from_millis(50), token(&cache)).await.is_err());
    run_background_tasks().await;
    let before = Instant::now();
    assert_eq!(token(&cache).await.unwrap(), "token-1");
    assert_eq!((before.elapsed(), source.count()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn caller_waits_at_most_the_time_that_it_specified() {
    let (cache, source) = cache([Reply::Hang]);
    let before = Instant::now();
    let error = cache.token_within(&scopes(&["a"]), 5 * SECOND).await.unwrap_err();
    assert_eq!((error.kind(), before.elapsed()), (ErrorKind::Timeout, 5 * SECOND));
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_of_many_callers_waits_at_most_the_time_that_it_specified() {
    let (cache, source) = cache([Reply::Hang]);
    let mut callers = JoinSet::new();
    for started in [0, 0, 0, 700, 2_000].map(Duration::from_millis) {
        for millis in [1, 400, 999, 1_000, 1_001, 1_500, 4_000, 4_000, 29_000] {
            let (cache, max_wait) = (cache.clone(), Duration::from_millis(millis));
            callers.spawn(async move {
                sleep(started).await;
                let before = Instant::now();
                let error = cache.token_within(&scopes(&["a"]), max_wait).await.unwrap_err();
                assert_eq!((error.kind(), before.elapsed()), (ErrorKind::Timeout, max_wait));
            });
        }
    }
    assert_eq!(callers.join_all().await.len(), 45);
    assert_eq!(source.count(), 1);
}

/// A timer in the blocked runtime cannot fire, so the caller must use a timer in its own runtime.
#[test]
fn caller_times_out_even_if_the_runtime_of_the_refresh_is_blocked() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let blocked = runtime();
    let (cache, _) = blocked.block_on(async {
        let (cache, source) = cache([Reply::Hang]);
        for _ in 0..20 {
            assert!(timeout(Duration::from_millis(1), token(&cache)).await.is_err());
        }
        (cache, source)
    });
    let outcome = runtime().block_on(async {
        timeout(20 * SECOND, cache.token_within(&scopes(&["a"]), Duration::from_millis(1_200))).await
    });
    assert_eq!(outcome.expect("the caller's own timer").unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_cache_stops_its_background_work() {
    let (cache, source) = cache([unsent(ErrorKind::Unavailable), unsent(ErrorKind::Unavailable)]);
    assert!(timeout(Duration::from_millis(50), token(&cache)).await.is_err());
    let tasks = tokio::runtime::Handle::current().metrics();
    assert_eq!(tasks.num_alive_tasks(), 1);
    drop(cache);
    run_background_tasks().await;
    assert_eq!((tasks.num_alive_tasks(), source.count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn cache_runs_no_task_and_sends_no_request_without_callers() {
    let (cache, source) = cache([]);
    token(&cache).await.unwrap();
    sleep(Duration::from_secs(86_400)).await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    assert_eq!(source.count(), 1);
}

#[test]
fn refresh_is_restarted_if_its_runtime_is_dropped() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let first = runtime();
    let (cache, source) = first.block_on(async {
        let (cache, source) = cache([Reply::Hang]);
        assert!(timeout(SECOND, token(&cache)).await.is_err());
        (cache, source)
    });
    drop(first);
    assert_eq!(runtime().block_on(token(&cache)).unwrap(), "token-2");
    assert_eq!(source.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn panicking_source_causes_an_error_and_is_not_retried_endlessly() {
    let cache = TokenCache::new(PanickingSource::default(), options(&TestClock::new()));
    assert_eq!(cache.token(&[]).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn call_outside_a_runtime_fails_without_a_panic() {
    let (cache, _) =
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async { cache([]) });
    let mut asking = std::pin::pin!(token(&cache));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(outcome) = asking.as_mut().poll(&mut context) else {
        panic!("the call must not wait")
    };
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[tokio::test(start_paused = true)]
async fn token_with_invalid_header_characters_is_rejected() {
    struct InvalidTokenSource;
    impl fintech_auth::token::TokenSource for InvalidTokenSource {
        fn fingerprint(&self) -> fintech_auth::token::Fingerprint {
            fintech_auth::token::Fingerprint::of([])
        }

        async fn issue(&self, _: &[Scope]) -> Result<fintech_auth::token::IssuedToken, Error> {
            Ok(fintech_auth::token::IssuedToken::new("two\r\nlines"))
        }
    }
    let cache = TokenCache::new(InvalidTokenSource, options(&TestClock::new()));
    let error = cache.token(&[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(!format!("{error:?} {error}").contains("lines"));
}

#[tokio::test(start_paused = true)]
async fn stats_count_each_kind_of_cache_event() {
    let (cache, _) = cache([Reply::Token(3600)]);
    for _ in 0..5 {
        token(&cache).await.unwrap();
    }
    sleep(Duration::from_secs(3300)).await;
    token(&cache).await.unwrap();
    run_background_tasks().await;
    cache.invalidate(&cache.token(&scopes(&["a"])).await.unwrap()).await;
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.stale_hits, stats.misses), (5, 1, 1));
    assert_eq!((stats.refreshes, stats.invalidations, stats.failures), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn token_debug_output_shows_no_secret() {
    let (cache, _) = cache([]);
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    let text = format!("{token:?} {:?} {cache:?} {:?}", token.authorization(), cache.handle(&[]).unwrap());
    assert!(!text.contains("token-1"), "{text}");
    assert_eq!(token.authorization().to_str().unwrap(), "Bearer token-1");
    assert_eq!(token.clone().expose_secret(), "token-1");
}

#[test]
fn lifetime_of_an_issued_token_can_be_computed_without_a_cache() {
    let options = TokenOptions::default().with_expiry_leeway(Duration::ZERO);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(now - 5);
    let timestamp = i64::try_from(now).unwrap() + 895;
    for (expires_in, rule) in [(900, ExpiryRule::Seconds), (timestamp, ExpiryRule::Timestamp)] {
        let mut issued = IssuedToken::new("token-0123456789");
        issued.expires_in = Some(expires_in.into());
        issued.scope = Some("a b".to_owned());
        issued.date = Some(sent);
        let token = issued.into_token(sent, &options).unwrap();
        // If `expires_in` is a timestamp, the crate subtracts 1 s, because `Date` is truncated to
        // whole seconds.
        let lifetime = token.expires_at().duration_since(sent).unwrap().as_secs();
        assert!((899..=900).contains(&lifetime), "{lifetime} s by {rule:?}");
        assert_eq!(token.expiry_rule(), rule);
        assert_eq!((token.expose_secret(), token.scope()), ("token-0123456789", Some("a b")));
        assert!(!format!("{token:?}").contains("0123456789"));
    }
    let error = IssuedToken::new("no\nheader").into_token(sent, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
}

#[tokio::test]
async fn uncached_token_includes_its_expiry_and_all_issued_fields() {
    let emulator = emulator().await;
    let (moov, moneykit) = (moov(&emulator), moneykit(&emulator));
    let wanted = scopes(&["/ping.read"]);
    let before = SystemTime::now();
    for _ in 0..2 {
        let issued = moov.issue(&wanted).await.unwrap();
        let end = issued.expires_at().duration_since(before).unwrap();
        assert!(end <= issued.lifetime() && issued.lifetime() <= Duration::from_secs(3_600), "{end:?}");
        assert!(issued.lifetime() - end <= Duration::from_secs(11), "{issued:?}");
        assert_eq!(issued.expiry_rule(), ExpiryRule::Timestamp);
        assert_eq!(issued.scope(), Some("/ping.read"));
        assert!(issued.refresh_token().is_some() && issued.request_id().is_some());
        assert!(!format!("{issued:?}").contains(issued.token().expose_secret()));
    }
    let calls =
        emulator.requests().iter().filter(|call| call.operation == Some(Operation::MoovToken)).count();
    assert_eq!(calls, 2, "each call must request a new token");
    assert!(moov.tokens().cached(&wanted).is_none());

    let raw = moneykit.create_access_token(&[]).await.unwrap();
    let sent = raw.sent_at();
    let issued = UncachedToken::try_from(raw).unwrap();
    assert_eq!(issued.expiry_rule(), ExpiryRule::Seconds);
    assert!(issued.expires_at() < sent + issued.lifetime());
    assert!(issued.refresh_token().is_none());
}
