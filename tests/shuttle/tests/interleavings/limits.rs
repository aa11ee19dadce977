//! Tests the rate limit with concurrent callers.

use std::time::Duration;

use fintech_auth_shuttle::{sync::time, token::TokenOptions};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, explore},
    server::{Server, scopes},
};

const LIMIT: usize = 2;
const PER: Duration = Duration::from_secs(1);

#[test]
fn requests_in_any_window_stay_within_the_limit() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default().with_rate_limit(LIMIT, PER));
        let callers: Vec<_> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .map(|name| {
                let cache = cache.clone();
                spawn(async move { cache.token(&scopes(name)).await.expect("a token") })
            })
            .collect();
        for caller in callers {
            caller.await.expect("no panic");
        }
        expect_within_limit(&server, 5);
    });
}

#[test]
fn waiting_calls_are_served_in_arrival_order() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default().with_rate_limit(LIMIT, PER));
        let names = ["a", "b", "c", "d", "e", "f"];
        let callers = names.map(|name| {
            let (cache, name) = (cache.clone(), name.to_owned());
            spawn(async move {
                let arrives = Duration::from_millis(u64::from(name.as_bytes()[0]));
                time::sleep(arrives).await;
                cache.token(&scopes(&name)).await.expect("a token")
            })
        });
        for caller in callers {
            caller.await.expect("no panic");
        }
        expect_within_limit(&server, names.len());
        let served: Vec<_> = server.requests().into_iter().map(|request| request.scopes).collect();
        assert_eq!(served, names);
    });
}

fn expect_within_limit(server: &Server, count: usize) {
    let requests = server.requests();
    assert_eq!(requests.len(), count);
    for (earlier, later) in requests.iter().zip(&requests[LIMIT..]) {
        assert!(later.at >= earlier.at + PER, "{requests:?}");
    }
}
