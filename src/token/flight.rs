//! One refresh: by the store if there is one, by the refresh token if it is worth it, else by the
//! client credentials. It runs in a task of its own and shares its outcome.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use tokio::time;
use tracing::Instrument as _;

use super::{
    IssuedToken, StoredToken, Token,
    expiry::{self, Facts},
    gate::Pass,
    options::millis,
    shared::{Shared, closed},
    slot::{Grant, Now, Slot},
    token::{Expires, Issued},
};
use crate::{
    Error, ErrorKind, Secret,
    retry::{Repeat, backoff},
};

/// A token that was asked for, and that nobody has yet.
pub(super) struct Minted {
    pub(super) stored: StoredToken,
    issued: Issued,
    grant: Grant,
}

pub(super) struct Flight {
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
    pub(super) max_wait: Duration,
}

impl Flight {
    pub(super) async fn run(self) -> Result<Token, Error> {
        let span = tracing::debug_span!("refresh", scopes = %self.slot.scopes);
        let outcome = self.obtain().instrument(span.clone()).await;
        let _entered = span.enter();
        match &outcome {
            Ok(token) => tracing::debug!(
                rule = token.expiry_rule().as_str(),
                generation = token.issued().generation.map_or(0, NonZeroU64::get),
                "token in place"
            ),
            Err(error) => tracing::warn!(kind = ?error.kind(), %error, "no token"),
        }
        self.slot.end();
        outcome
    }

    async fn obtain(&self) -> Result<Token, Error> {
        if let Some(sharing) = self.shared.ready() {
            match self.share(sharing).await {
                Ok(outcome) => return outcome,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(tracing::field::display);
                    tracing::warn!(%error, cause, "this token is asked for alone");
                }
            }
        }
        loop {
            let minted = self.mint(false).await?;
            if self.shared.sharing.is_some() {
                self.shared.counters.alone.add(1);
            }
            // Else what it was made from has been revoked meanwhile, and so has this.
            if let Some(token) = self.publish(minted) {
                return Ok(token);
            }
            self.shared.counters.voided.add(1);
        }
    }

    /// Whether it was heard that a token was evicted just when it was put in place; then it is dropped.
    pub(super) fn was_evicted(&self, generation: NonZeroU64) -> bool {
        let evicted = self.shared.sharing.as_ref().is_some_and(|sharing| sharing.has_heard(generation));
        if evicted {
            self.shared.drop_token(&self.slot, generation);
        }
        evicted
    }

    /// Asks the source, with its retries, within the gate. `admitted` if the store has taken the place
    /// of the first call.
    pub(super) async fn mint(&self, mut admitted: bool) -> Result<Minted, Error> {
        let scopes = self.slot.scopes();
        let deadline = time::Instant::now() + self.max_wait;
        let mut made = 0;
        loop {
            self.enter(deadline, admitted).await?;
            admitted = false;
            let grant = self.slot.grant();
            let asked = self.shared.now();
            let result = match &grant.refresh_token {
                Some(refresh_token) => self.shared.source.refresh(refresh_token).await,
                None => self.shared.source.issue(&scopes).await,
            };
            let refreshing = grant.refresh_token.is_some();
            let (error, grant) = match result {
                Ok(issued) => match self.believe(issued, asked) {
                    Ok((stored, issued)) => return Ok(Minted { stored, issued, grant }),
                    Err(error) => (error, grant),
                },
                Err(error) => (error, grant),
            };
            // A refused refresh token says nothing of the credentials.
            if !refreshing || error.kind() != ErrorKind::Unauthorized {
                self.shared.learn(&error).await;
            }
            if refreshing && error.is_transient() && !error.may_have_been_sent() {
                self.slot.give_back(grant);
            } else if refreshing {
                tracing::debug!(%error, "refresh token failed: requesting a token by client credentials");
                continue;
            }
            made += 1;
            let repeat = if refreshing { Repeat::OnlyUnsent } else { Repeat::Harmless };
            match self.shared.options.retry.next(made, &error, repeat, self.shared.random()) {
                Some(wait) => time::sleep(wait).await,
                None => return Err(self.give_up(error)),
            }
        }
    }

    /// Waits until the gate lets a request pass.
    async fn enter(&self, deadline: time::Instant, admitted: bool) -> Result<(), Error> {
        loop {
            match self.shared.gate.enter(self.shared.now().tick) {
                Pass::Open if admitted => return Ok(()),
                Pass::Open => match self.shared.admit().await {
                    Some(stop) => drop(self.shared.stopped(stop)),
                    None => return Ok(()),
                },
                Pass::Refused(error) => return Err(error),
                Pass::Closed(left) if time::Instant::now() + left > deadline => return Err(closed(left)),
                Pass::Closed(left) => time::sleep(left).await,
            }
        }
    }

    /// Decides how long an issued token is believed.
    fn believe(&self, issued: IssuedToken, asked: Now) -> Result<(StoredToken, Issued), Error> {
        let received = self.shared.now();
        let wall = |millis| std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let facts = Facts {
            expires_in: issued.expires_in,
            access_token: issued.access_token.expose(),
            date: issued.date,
            sent: wall(asked.wall),
            received: wall(received.wall),
        };
        let expiry = expiry::resolve(&facts, &self.shared.options.limits);
        tracing::debug!(
            rule = expiry.rule.as_str(),
            lifetime_seconds = expiry.lifetime.as_secs(),
            skew_seconds = expiry.skew_seconds,
            "token issued"
        );
        let expires =
            Expires { lifetime: expiry.lifetime, rule: expiry.rule, sent: asked.tick, sent_wall: asked.wall };
        let life = self.shared.options.life(expires, self.shared.random());
        let sent_at = facts.sent;
        let mut stored = StoredToken::new(issued.access_token, sent_at, expiry.lifetime);
        stored.refresh_token = issued.refresh_token.filter(Secret::is_refresh_token);
        stored.scope.clone_from(&issued.scope);
        let slot = Arc::downgrade(&self.slot);
        let issued = Issued::new(&stored.access_token, issued.scope, stored.generation, slot, life)?;
        self.shared.gate.succeeded();
        self.shared.counters.refreshes.add(1);
        Ok((stored, issued))
    }

    /// Puts a token in place. `None` if what it was made from, or itself, was revoked meanwhile.
    pub(super) fn publish(&self, minted: Minted) -> Option<Token> {
        let generation = minted.stored.generation;
        let issued = Arc::new(minted.issued);
        let token = self.slot.publish(issued, minted.stored.refresh_token, Some(&minted.grant))?;
        (!self.was_evicted(generation)).then_some(token)
    }

    /// Ends in a failure. What the gate keeps for all is not kept for the slot as well.
    fn give_up(&self, error: Error) -> Error {
        self.shared.counters.failures.add(1);
        if !matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unauthorized) {
            let options = &self.shared.options;
            let (now, random) = (self.shared.now().tick, self.shared.random());
            self.slot.fail(error.clone(), |failures| {
                let wait = backoff(options.backoff, options.max_backoff, failures, random);
                now.saturating_add(millis(wait))
            });
        }
        error
    }
}
