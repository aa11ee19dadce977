//! Parses a token response of either vendor and caches the token. No token may be used for more
//! than a day.
#![no_main]

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Error, ManualClock, RetryPolicy, Scope,
    moneykit::types::CreateAccessTokenResponse,
    moov::types::AuthToken,
    token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
};
use libfuzzer_sys::fuzz_target;

struct Response(IssuedToken);

impl TokenSource for Response {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["fuzz"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        Ok(self.0.clone())
    }
}

thread_local! {
    static RUNTIME: RefCell<tokio::runtime::Runtime> =
        RefCell::new(tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap());
}

fuzz_target!(|input: (bool, u32, Option<u32>, &[u8])| {
    let (moneykit, now, date, body) = input;
    let mut issued = if moneykit {
        let Ok(response) = serde_json::from_slice::<CreateAccessTokenResponse>(body) else { return };
        let _ = format!("{response:?}");
        let mut issued = IssuedToken::new(response.access_token);
        issued.expires_in = response.expires_in;
        issued
    } else {
        let Ok(response) = serde_json::from_slice::<AuthToken>(body) else { return };
        let _ = format!("{response:?}");
        let mut issued = IssuedToken::new(response.access_token.0);
        issued.expires_in = response.expires_in;
        issued.scope = response.scope;
        issued
    };
    issued.date = date.map(|date| SystemTime::UNIX_EPOCH + Duration::from_secs(date.into()));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now.into());
    let options =
        TokenOptions::default().with_retry(|_| RetryPolicy::never()).with_clock(ManualClock::new(now));
    let cache = Arc::new(TokenCache::new(Response(issued), options));
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            if let Ok(token) = cache.token_within(&[], Duration::from_millis(50)).await {
                let day = Duration::from_secs(24 * 3600);
                assert!(token.expires_at() <= now + day, "{:?}", token.expires_at());
                let _ = format!("{token:?}");
            }
        });
    });
});
