//! Runs one refresh in its own task and shares the outcome among all waiting callers.

use std::{sync::Arc, time::Duration};

use tracing::{Instrument as _, field};

use crate::{
    Error, ErrorKind,
    catch_panic::catch_panic,
    clock::millis,
    resend,
    retry::{Idempotency, backoff},
    sync::{
        self,
        time::{self, Instant},
    },
    token::{
        cache::{
            entries::Entries,
            entry::{CacheEntry, Discarded, Marks, NewToken, TakenRefreshToken},
            guard::shut_down,
            state::CacheState,
        },
        fingerprint::Fingerprint,
        id::TokenId,
        lifetime::age::{Expires, Now},
        refresh::rate_limiter::Admission,
        source::IssuedToken,
        store::{StoredToken, tombstones::Epoch},
        syntax::{MAX_KEPT, is_kept_refresh_token},
        token::{Issued, Token},
    },
};

pub(in crate::token) const MAX_DISCARDED: u32 = 3;

pub(in crate::token) struct RequestedToken {
    pub(in crate::token) stored: StoredToken,
    pub(in crate::token) issued: Issued,
    pub(in crate::token) taken: TakenRefreshToken,
    pub(in crate::token) epoch: Epoch,
}

pub(in crate::token) struct RefreshTask {
    pub(in crate::token) shared: Arc<CacheState>,
    pub(in crate::token) entry: Arc<CacheEntry>,
    pub(in crate::token) max_wait: Duration,
}

impl RefreshTask {
    pub(in crate::token) async fn run(self, admission: Option<Admission>) -> Result<Token, Error> {
        let span = tracing::debug_span!(
            "refresh",
            otel.status_code = field::Empty,
            "error.type" = field::Empty,
            fintech_auth.scopes = %self.entry.scopes,
        );
        let began = Instant::now();
        let outcome = catch_panic(self.obtain_token(admission)).instrument(span.clone()).await;
        let outcome = outcome.unwrap_or_else(|| Err(self.give_up(panicked())));
        let _entered = span.enter();
        let rule = outcome.as_ref().map(Token::expiry_rule);
        self.shared.observe_outcome(&self.entry.scopes, began, rule);
        match &outcome {
            Ok(token) => tracing::debug!(
                fintech_auth.expiry_rule = token.expiry_rule().as_str(),
                fintech_auth.token_id = token.issued().id.map_or(0, TokenId::get),
                "refresh succeeded"
            ),
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", error.kind().as_str());
                tracing::warn!("error.type" = error.kind().as_str(), %error, "token request failed")
            }
        }
        self.entry.end();
        outcome
    }

    async fn obtain_token(&self, mut admission: Option<Admission>) -> Result<Token, Error> {
        if let Some(breaker) = self.shared.ready() {
            match self.refresh_via_store(breaker).await {
                Ok(outcome) => {
                    if outcome.is_err() {
                        let now = self.shared.now().tick;
                        self.shared.negative().failed(&self.entry.scopes, now, Duration::ZERO);
                    }
                    return outcome;
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(tracing::field::display);
                    tracing::warn!(%error, fintech_auth.cause = cause, "requesting this token without the store");
                }
            }
        }
        for _ in 0..MAX_DISCARDED {
            let requested = self.request_token(admission.take(), CacheEntry::take_refresh_token).await?;
            if self.shared.breaker.is_some() {
                self.shared.counters.store_bypassed.add(1);
            }
            match self.publish(requested) {
                Ok(token) => return Ok(token),
                Err(Discarded::Void) => self.shared.counters.discarded.add(1),
                Err(Discarded::Revoked) => return Err(self.reissued_revoked()),
            }
        }
        Err(self.discarded())
    }

    pub(in crate::token) fn discarded(&self) -> Error {
        let reason = "every requested token was revoked or rejected during the request";
        self.give_up(Error::new(ErrorKind::Unavailable, reason).with_sent(true))
    }

    pub(in crate::token) fn reissued_revoked(&self) -> Error {
        let reason = "the server re-issued a revoked token";
        self.give_up(Error::new(ErrorKind::InvalidResponse, reason).with_sent(true))
    }

    pub(in crate::token) async fn request_token(
        &self,
        mut admission: Option<Admission>,
        take: fn(&CacheEntry, Marks<'_>) -> TakenRefreshToken,
    ) -> Result<RequestedToken, Error> {
        let scopes = self.entry.scopes();
        let deadline = self.shared.now().tick.saturating_add(millis(self.max_wait));
        let (mut made, mut resent, mut has_renewed) = (0, 0, false);
        loop {
            let turn = self.wait_for_turn(admission.take(), deadline);
            if let Err(error) = self.until_shutdown(turn).await {
                self.shared.negative().failed(&self.entry.scopes, self.shared.now().tick, Duration::ZERO);
                return Err(error);
            }
            let requested_at = self.shared.now();
            let epoch = self.shared.tombstones.epoch();
            let taken = take(&self.entry, self.shared.marks());
            let refreshing = taken.refresh_token.is_some();
            let sent = self.shared.source.credentials_fingerprint();
            let result = catch_panic(resend::scope(resent, async {
                match &taken.refresh_token {
                    Some(refresh_token) => self.shared.source.refresh(refresh_token).await,
                    None => self.shared.source.issue(&scopes).await,
                }
            }));
            let error = match result.await {
                Some(Ok(issued)) => match self.accept(issued, requested_at) {
                    Ok((stored, issued)) => return Ok(RequestedToken { stored, issued, taken, epoch }),
                    Err(error) => error,
                },
                Some(Err(error)) => error,
                None if refreshing => panicked(),
                None => return Err(self.give_up(panicked())),
            };
            let sent = error.credentials().map_or(sent, Fingerprint::from_bytes);
            if !has_renewed && self.shared.renew_credentials(&error, &sent, refreshing).await {
                has_renewed = true;
                resent += 1;
                if refreshing {
                    self.entry.put_back(taken);
                }
                continue;
            }
            self.shared.learn(&error, &sent, (!refreshing).then_some(&*self.entry.scopes)).await;
            if refreshing && error.is_transient() && !error.may_have_been_sent() {
                self.entry.put_back(taken);
            } else if refreshing {
                tracing::debug!(%error, "refresh token failed: requesting a token with client credentials");
                resent = 0;
                continue;
            }
            made += 1;
            resent += 1;
            let idempotency = if refreshing { Idempotency::OnlyUnsent } else { Idempotency::Idempotent };
            match self.shared.options.retry.next(made, &error, idempotency, self.shared.random()) {
                Some(wait) => {
                    let wait = async {
                        time::sleep(wait).await;
                        Ok(())
                    };
                    self.until_shutdown(wait).await?;
                }
                None => return Err(self.give_up(error)),
            }
        }
    }

    /// If there is a store and the entry holds a refresh token, a shutdown does not interrupt
    /// `wait`. An interruption would lose the refresh token, because no other process has it.
    pub(in crate::token) async fn until_shutdown<T>(
        &self,
        wait: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let work = &self.shared.work;
        let must_continue = || self.shared.breaker.is_some() && self.entry.has_refresh_token();
        if must_continue() {
            return wait.await;
        }
        let outcome = sync::select! {
            outcome = wait => outcome?,
            () = work.closed() => return Err(shut_down()),
        };
        // Check again, because the shutdown may have started just as `wait` ended.
        if work.is_closed() && !must_continue() { Err(shut_down()) } else { Ok(outcome) }
    }

    async fn wait_for_turn(&self, mut admission: Option<Admission>, deadline: u64) -> Result<(), Error> {
        let shared = &*self.shared;
        let now = shared.now().tick;
        shared.negative().check(&self.entry.scopes, now, shared.options.max_wait)?;
        // If a cool-down has started since the request was admitted, the request must be admitted
        // again.
        admission = admission
            .filter(|admission| !matches!(admission, Admission::Now) || now >= shared.cool_down.until());
        let admission = match admission {
            Some(admission) => admission,
            None if shared.acquire_permit(Duration::from_millis(deadline.saturating_sub(now))).await? => {
                // This process may know of a cool-down that is not in the store, so wait until this
                // cool-down ends too.
                let (now, until) = (shared.now().tick, shared.cool_down.until());
                let left = Duration::from_millis(until.saturating_sub(now));
                if until > deadline {
                    return Err(shared.limited(now, left));
                }
                time::sleep(left).await;
                Admission::Now
            }
            None => shared.reserve(shared.now().tick, deadline)?,
        };
        if let Admission::Queued(ticket) = admission {
            self.entry.set_ticket(ticket.number());
            let turn = ticket.turn(|| (shared.now().tick, shared.cool_down.until()), deadline);
            // A custom clock might stand still, so tokio's clock also limits the wait.
            let turn = time::timeout(self.max_wait, turn).await;
            let turn = turn.unwrap_or_else(|_| Err(Duration::from_millis(deadline.saturating_sub(now))));
            turn.map_err(|left| shared.limited(shared.now().tick, left))?;
        }
        // The server may have refused the credentials during this wait.
        shared.negative().check(&self.entry.scopes, shared.now().tick, shared.options.max_wait)
    }

    fn accept(&self, issued: IssuedToken, requested_at: Now) -> Result<(StoredToken, Issued), Error> {
        let received = self.shared.now();
        let wall = |millis| std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let expiry = issued.expiry(wall(requested_at.wall), wall(received.wall), &self.shared.options);
        tracing::debug!(
            fintech_auth.expiry_rule = expiry.rule.as_str(),
            fintech_auth.lifetime_seconds = expiry.lifetime.as_secs(),
            fintech_auth.clock_skew_seconds = expiry.skew_seconds,
            "token issued"
        );
        let expires = Expires {
            lifetime: expiry.lifetime,
            rule: expiry.rule,
            sent: requested_at.tick,
            sent_wall: requested_at.wall,
        };
        let life = self.shared.options.life(expires, self.shared.random());
        // A token expires as soon as one of the two clocks reaches the expiry, so use the clock
        // that shows more elapsed time.
        let age = received
            .tick
            .saturating_sub(requested_at.tick)
            .max(received.wall.saturating_sub(requested_at.wall));
        let stored = StoredToken::new(issued.access_token, Duration::from_millis(age), expiry.lifetime);
        let mut stored = stored.with_refresh_token(issued.refresh_token.filter(is_kept_refresh_token));
        let scope = issued.scope.filter(|scope| scope.len() <= MAX_KEPT);
        stored.scope.clone_from(&scope);
        let scopes_hash = Entries::hash(&self.entry.scopes);
        let issued = Issued::new(&stored.access_token, scope, stored.id, scopes_hash, life)?;
        self.shared.succeeded(Some(&self.entry.scopes));
        self.shared.counters.refreshes.add(1);
        Ok((stored, issued))
    }

    pub(in crate::token) fn publish(&self, requested: RequestedToken) -> Result<Token, Discarded> {
        let RequestedToken { stored, issued, taken, epoch } = requested;
        let new = NewToken {
            issued: Arc::new(issued),
            refresh_token_id: stored.refresh_token_id,
            refresh_token: stored.refresh_token,
            request: Some(&taken),
            epoch,
        };
        self.entry.publish(new, self.shared.marks(), |failures| self.retry_at(failures))
    }

    pub(in crate::token) fn give_up(&self, error: Error) -> Error {
        self.shared.counters.failures.add(1);
        let (shared, ttl) = (&self.shared, self.shared.options.negative_cache_ttl);
        if error.kind() != ErrorKind::Unauthorized {
            shared.negative().failed(&self.entry.scopes, shared.now().tick, shared.options.backoff);
        }
        // The cool-down and the negative cache record the failures that concern all scope sets, so
        // the entry does not record these failures.
        match error.kind() {
            ErrorKind::RateLimited => {}
            ErrorKind::Unauthorized if error.is_about_credentials() || ttl.is_zero() => {}
            ErrorKind::Unauthorized => {
                let until = shared.now().tick.saturating_add(millis(ttl));
                let credentials = self.shared.source.credentials_fingerprint();
                let refused = error.credentials().map_or(credentials, Fingerprint::from_bytes);
                self.entry.fail(error.clone(), Some(refused), |_| until);
            }
            _ => self.entry.fail(error.clone(), None, |failures| self.retry_at(failures)),
        }
        error
    }

    pub(in crate::token) fn retry_at(&self, failures: u32) -> u64 {
        let options = &self.shared.options;
        let wait = backoff(options.backoff, options.max_backoff, failures, self.shared.random());
        self.shared.now().tick.saturating_add(millis(wait))
    }
}

pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Unavailable, "the token source or store panicked").with_sent(true)
}
