//! Tests webhook keys: all waiting callers share one fetch, and no caller waits forever.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fintech_auth_shuttle::{
    Error, ErrorKind,
    moneykit::{
        types::JwkSet,
        webhook::{KeyCache, VerifyingKeys},
    },
    sync::{runtime, switch_point},
    webhook::VerifyErrorKind,
};
use serde_json::json;
use shuttle::future::{spawn, yield_now};

use super::{
    explore::{DEFAULT, Schedules, explore, idle},
    server::{Reply, VirtualClock},
};

#[derive(Clone)]
struct Vendor {
    fetches: Arc<AtomicUsize>,
    first: Reply,
    cache: KeyCache,
}

impl Vendor {
    fn new(first: Reply) -> Self {
        Self { fetches: Arc::default(), first, cache: KeyCache::new(Arc::new(VirtualClock)) }
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn fetch(self) -> Result<VerifyingKeys, Error> {
        let before = self.fetches.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        match if before == 0 { self.first } else { Reply::Token } {
            Reply::Token => {}
            Reply::Panic => std::panic::resume_unwind(Box::new("the fetch panics")),
            Reply::Silence => std::future::pending().await,
            Reply::Failure => return Err(Error::new(ErrorKind::Unavailable, "test")),
        }
        Ok(VerifyingKeys::new(&JwkSet { keys: vec![json!({ "kid": "a" })] }))
    }

    async fn verify(&self) -> Result<(), VerifyErrorKind> {
        let keys = self.cache.keys_for("a", || self.clone().fetch()).await;
        keys.map(|keys| assert!(keys.contains("a"))).map_err(|error| error.kind())
    }
}

async fn verify_at_once(vendor: &Vendor, callers: usize) -> Vec<Result<(), VerifyErrorKind>> {
    let others: Vec<_> = (1..callers)
        .map(|_| {
            let vendor = vendor.clone();
            spawn(async move { vendor.verify().await })
        })
        .collect();
    let mut outcomes = vec![vendor.verify().await];
    for other in others {
        outcomes.push(other.await.expect("no panic"));
    }
    outcomes
}

#[test]
fn two_webhooks_without_cached_keys_cause_one_fetch() {
    explore(Schedules { depth_first: 20_000, ..DEFAULT }, || async {
        let vendor = Vendor::new(Reply::Token);
        assert_eq!(verify_at_once(&vendor, 2).await, [Ok(()); 2]);
        assert_eq!(vendor.fetches(), 1);
    });
}

#[test]
fn all_waiting_webhooks_get_the_error_of_a_failed_fetch() {
    explore(Schedules { depth_first: 20_000, ..DEFAULT }, || async {
        let vendor = Vendor::new(Reply::Failure);
        let outcomes = verify_at_once(&vendor, 2).await;
        assert_eq!(outcomes, [Err(VerifyErrorKind::KeysUnavailable); 2]);
        assert_eq!(vendor.fetches(), 1);
    });
}

#[test]
fn panicking_fetch_leaves_no_webhook_waiting() {
    explore(DEFAULT, || async {
        let vendor = Vendor::new(Reply::Panic);
        assert_eq!(verify_at_once(&vendor, 3).await, [Ok(()); 3]);
        assert_eq!(vendor.fetches(), 2);
    });
}

#[test]
fn dropping_the_runtime_of_a_fetch_leaves_no_webhook_waiting() {
    explore(DEFAULT, || async {
        let vendor = Vendor::new(Reply::Silence);
        let callers = spawn({
            let vendor = vendor.clone();
            async move { verify_at_once(&vendor, 2).await }
        });
        while vendor.fetches() == 0 {
            idle().await;
        }
        switch_point();
        runtime::shut_down();
        assert_eq!(callers.await.expect("no panic"), [Ok(()); 2]);
        assert_eq!(vendor.fetches(), 2);
    });
}

#[test]
fn cancelling_the_verification_of_a_webhook_does_not_cancel_the_fetch() {
    explore(Schedules { depth_first: 20_000, ..DEFAULT }, || async {
        let vendor = Vendor::new(Reply::Token);
        let cancelled = spawn({
            let vendor = vendor.clone();
            async move { vendor.verify().await }
        });
        switch_point();
        cancelled.abort();
        drop(cancelled);
        assert_eq!(vendor.verify().await, Ok(()));
        assert_eq!(vendor.fetches(), 1);
    });
}
