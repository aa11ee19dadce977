//! Tests sources that panic, fail or hang, and runtimes that are dropped.

use fintech_auth_shuttle::{
    ErrorKind,
    sync::{runtime, switch_point, time},
    token::TokenOptions,
};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, explore},
    server::{EXPIRED, Reply, Server, scopes},
};

#[test]
fn panicking_source_leaves_no_caller_waiting() {
    explore(DEFAULT, || leave_no_waiter_behind(Reply::Panic));
}

#[test]
fn failing_source_leaves_no_caller_waiting() {
    explore(DEFAULT, || leave_no_waiter_behind(Reply::Failure));
}

async fn leave_no_waiter_behind(reply: Reply) {
    let server = match reply {
        Reply::Panic => Server::replying(|before| if before == 0 { Reply::Panic } else { Reply::Token }),
        _ => Server::replying(|before| if before == 0 { Reply::Failure } else { Reply::Token }),
    };
    let cache = server.cache(TokenOptions::default());
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let cache = cache.clone();
            spawn(async move {
                if let Err(error) = cache.token(&scopes("a")).await {
                    assert_ne!(error.kind(), ErrorKind::Timeout);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    time::sleep(std::time::Duration::from_secs(60)).await;
    cache.token(&scopes("a")).await.expect("a token, now that the source works");
}

#[test]
fn dropping_the_runtime_of_a_refresh_leaves_no_caller_waiting() {
    explore(DEFAULT, || async {
        let server = Server::replying(|before| if before == 0 { Reply::Silence } else { Reply::Token });
        let cache = server.cache(TokenOptions::default());
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                spawn(async move { cache.token(&scopes("a")).await.expect("a token, on another runtime") })
            })
            .collect();
        while server.requests().is_empty() {
            super::explore::idle().await;
        }
        switch_point();
        runtime::shut_down();
        for caller in callers {
            caller.await.expect("no panic");
        }
        assert_eq!(server.requests().len(), 2);
    });
}

#[test]
fn dropping_the_cache_cancels_its_refresh() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default());
        cache.token(&scopes("a")).await.expect("a token");
        time::sleep(EXPIRED).await;
        let caller = {
            let cache = cache.clone();
            spawn(async move { drop(cache.token(&scopes("a")).await) })
        };
        drop(cache);
        caller.await.expect("no panic");
    });
}
