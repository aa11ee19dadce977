//! Limits how often the token of one scope set is renewed after a 401. All times are in
//! milliseconds of the monotonic clock.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::millis,
    retry::backoff,
    single_flight::{Flight, SingleFlight, Waiter},
    sync::time,
    token::{
        id::TokenId,
        lifetime::age::{Age, Now},
        rejection::Rejection,
        store::{StoredToken, tombstones::Epoch},
        token::{Issued, Token},
    },
};

const PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_secs(10 * 60);

#[derive(Default)]
pub(in crate::token) struct Renewal {
    not_before: u64,
    /// Counts each renewal as a failure until the server accepts a repeated request.
    failures: u32,
    pub(super) concluded: Option<TokenId>,
    pub(super) candidate: Option<Candidate>,
    pub(super) fetch: SingleFlight<Option<Candidate>>,
}

/// A new token that replaces the current token after the server has accepted the new token.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) replaces: TokenId,
    pub(super) issued: Arc<Issued>,
    pub(super) refresh_token_id: Option<TokenId>,
    pub(super) epoch: Epoch,
    /// The instant is the time at which the `age` of the token was measured. `None` if the
    /// candidate was loaded from the store.
    pub(super) requested: Option<(StoredToken, time::Instant)>,
}

pub(crate) struct Replacement {
    pub(super) token: Token,
    pub(super) candidate: Option<Candidate>,
}

impl Replacement {
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    pub(super) fn new(candidate: Candidate) -> Self {
        Self { token: Token::from_arc(candidate.issued.clone()), candidate: Some(candidate) }
    }
}

pub(super) enum Step {
    Suppressed,
    UseCurrent,
    Invalidate,
    Use(Candidate),
    Wait(Waiter<Option<Candidate>>),
    Fetch(Flight<Option<Candidate>>),
}

impl Renewal {
    pub(super) fn step(
        &mut self,
        current: &Issued,
        rejected: TokenId,
        rejection: Rejection,
        now: Now,
    ) -> Step {
        if current.id != Some(rejected) || current.life.age(now) == Age::Expired {
            return Step::UseCurrent;
        }
        let candidate = self.candidate.take_if(|candidate| {
            candidate.replaces != rejected || candidate.issued.life.age(now) != Age::Fresh
        });
        drop(candidate);
        if let Some(candidate) = &self.candidate {
            return Step::Use(candidate.clone());
        }
        if let Some(fetch) = self.fetch.running() {
            return Step::Wait(fetch);
        }
        if now.tick < self.not_before {
            return Step::Suppressed;
        }
        self.not_before = now.tick.saturating_add(pause(self.failures));
        self.failures = self.failures.saturating_add(1);
        if rejection == Rejection::InvalidToken {
            return Step::Invalidate;
        }
        Step::Fetch(self.fetch.start())
    }

    pub(super) fn conclude(&mut self, replacement: TokenId, accepted: bool, now: u64) {
        // Several requests may be repeated with the same replacement. Count at most one rejection
        // per replacement, and no rejection after the server has accepted one of these requests.
        if self.concluded == Some(replacement) && !accepted {
            return;
        }
        self.concluded = Some(replacement);
        self.candidate.take_if(|candidate| candidate.issued.id == Some(replacement));
        if accepted {
            self.failures = 0;
        }
        self.not_before = now.saturating_add(pause(self.failures.saturating_sub(1)));
    }
}

fn pause(failures: u32) -> u64 {
    millis(backoff(PAUSE, MAX_PAUSE, failures.saturating_add(1), 0.0))
}
