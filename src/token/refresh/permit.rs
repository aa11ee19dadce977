//! Waits until the store permits a token request.

use std::time::Duration;

use crate::{
    Error, ErrorKind,
    sync::time::{self, Instant},
    token::{
        cache::state::{CacheState, cooling_down},
        fingerprint::Fingerprint,
        refresh::expiring_map::after,
        store::{Block, Permit},
    },
};

impl CacheState {
    /// If this function returns `false`, the caller must apply the limits of this process, because
    /// the store does not limit the request.
    pub(in crate::token) async fn acquire_permit(&self, max_wait: Duration) -> Result<bool, Error> {
        let (limit, deadline) = (self.options.fleet_rate_limit(), after(Instant::now(), max_wait));
        let mut has_renewed = false;
        loop {
            let Some(breaker) = self.ready() else { return Ok(false) };
            let (source, credentials) = (self.source.fingerprint(), self.source.credentials_fingerprint());
            let left = deadline - Instant::now();
            let permit = breaker.store.acquire_permit(&source, &credentials, limit, left);
            let Ok(permit) = breaker.call(permit).await else { return Ok(false) };
            match permit {
                Permit::Granted(wait) => {
                    if self.await_permit(wait).await? {
                        return Ok(true);
                    }
                }
                Permit::Denied(block) => {
                    let error = self.blocked(block, &credentials);
                    if has_renewed || !self.renew_credentials(&error, &credentials, false).await {
                        return Err(error);
                    }
                    has_renewed = true;
                }
                Permit::Unlimited => return Ok(false),
            }
        }
    }

    /// If this function returns `false`, the request needs a new permit. If requests kept their
    /// permits during a cool-down, all requests would be sent at the end of the cool-down.
    pub(in crate::token) async fn await_permit(&self, wait: Duration) -> Result<bool, Error> {
        if !wait.is_zero() {
            time::sleep(wait).await;
            if let Some(breaker) = self.ready() {
                let (source, credentials) =
                    (self.source.fingerprint(), self.source.credentials_fingerprint());
                let check = breaker.store.acquire_permit(&source, &credentials, None, Duration::ZERO);
                if let Ok(Permit::Denied(_)) = breaker.call(check).await {
                    return Ok(false);
                }
            }
        }
        self.limiter.record(self.now().tick);
        Ok(true)
    }

    pub(in crate::token) fn blocked(&self, block: Block, credentials: &Fingerprint) -> Error {
        let now = self.now().tick;
        match block {
            Block::CoolDown(left) => {
                self.cool_down.extend(now, left);
                self.limiter.postpone(now, self.cool_down.until());
                cooling_down(left)
            }
            Block::Refused(left) => {
                let error = Error::new(
                    ErrorKind::Unauthorized,
                    "another process reported that the service rejected these credentials",
                );
                self.refused(credentials, left, error.clone());
                error.held_for(left)
            }
            // Fail only this call, and do not start a cool-down, because a caller with a longer
            // time limit may be able to wait.
            Block::RateLimit(left) => {
                let reason = "rate limit reached: the wait would exceed max_wait";
                Error::new(ErrorKind::RateLimited, reason).with_retry_after(left)
            }
        }
    }
}
