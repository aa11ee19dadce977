//! Decides what to do about a 401 of one scope set, and bounds how often its token is renewed.

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

/// How long no renewal begins after one, in the first place.
const PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_secs(10 * 60);

/// What one scope set knows about renewals after a 401.
#[derive(Default)]
pub(in crate::token) struct Renewal {
    /// No renewal begins before this, in milliseconds of the monotonic clock.
    not_before: u64,
    /// Renewals that have begun since one helped.
    failures: u32,
    /// The last replacement whose repetition has come back. Many requests conclude the same one.
    pub(super) concluded: Option<TokenId>,
    pub(super) candidate: Option<Candidate>,
    pub(super) fetch: SingleFlight<Option<Candidate>>,
}

/// A token that is to replace the current one if a repetition with it is accepted.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) replaces: TokenId,
    pub(super) issued: Arc<Issued>,
    pub(super) refresh_token_id: Option<TokenId>,
    pub(super) epoch: Epoch,
    /// For the store, and when it was as old as it says; `None` if it comes from there.
    pub(super) requested: Option<(StoredToken, time::Instant)>,
}

/// A token to repeat a request with.
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

/// What is done about a 401.
pub(super) enum Step {
    /// Pass it on.
    Suppressed,
    /// Another token is current, or will be as soon as somebody asks for one.
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

    /// Notes what came of a repetition.
    pub(super) fn conclude(&mut self, replacement: TokenId, accepted: bool, now: u64) {
        // All that repeat with one replacement count once; but one success outweighs the failures.
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

/// How long no renewal begins after so many that did not help, in milliseconds.
fn pause(failures: u32) -> u64 {
    millis(backoff(PAUSE, MAX_PAUSE, failures.saturating_add(1), 1.0))
}
