//! The tokens that a service has issued, and their states.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

const PRUNE: usize = 10_000;
const REMEMBERED: Duration = Duration::from_secs(3_600);
const LISTED: usize = 1_000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

/// The tokens of one grant, including the tokens of later refreshes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Family(u64);

pub(super) enum Standing<G> {
    Live(Family, G),
    Expired,
    Spent(Family),
    Unknown,
}

/// The state of a token. A service accepts only a live token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TokenState {
    /// The service would accept the token.
    Live,
    /// The token has expired.
    Expired,
    /// The refresh token has already been used.
    Spent,
    /// The token was revoked, alone or together with all tokens of its grant.
    Revoked,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Good,
    Spent,
    Revoked,
}

struct Token<G> {
    kind: Kind,
    family: Family,
    granted: G,
    issued_at: SystemTime,
    ends: Option<SystemTime>,
    state: State,
}

pub(super) struct Listed<'a, G> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) granted: &'a G,
    pub(super) issued_at: SystemTime,
    pub(super) ends: Option<SystemTime>,
    pub(super) state: TokenState,
}

pub(super) struct Issued<G> {
    tokens: HashMap<Arc<str>, Token<G>>,
    newest: VecDeque<Arc<str>>,
    prune_at: usize,
    families: u64,
    access_tokens: usize,
    double_spends: usize,
}

impl<G> Default for Issued<G> {
    fn default() -> Self {
        Self {
            tokens: HashMap::new(),
            newest: VecDeque::new(),
            prune_at: PRUNE,
            families: 0,
            access_tokens: 0,
            double_spends: 0,
        }
    }
}

impl<G: Clone> Issued<G> {
    pub(super) fn new_family(&mut self) -> Family {
        self.families += 1;
        Family(self.families)
    }

    pub(super) fn add(
        &mut self,
        (kind, text): (Kind, &str),
        (family, granted): (Family, G),
        now: SystemTime,
        lifetime: Duration,
    ) {
        if kind == Kind::Access {
            self.access_tokens += 1;
        }
        if self.tokens.len() >= self.prune_at {
            let remembered = |ends: SystemTime| ends.checked_add(REMEMBERED).is_none_or(|until| now < until);
            self.tokens.retain(|_, token| token.ends.is_none_or(remembered));
            self.prune_at = PRUNE.max(2 * self.tokens.len());
        }
        let ends = now.checked_add(lifetime);
        let token = Token { kind, family, granted, issued_at: now, ends, state: State::Good };
        let text: Arc<str> = text.into();
        if self.newest.len() == LISTED {
            self.newest.pop_front();
        }
        self.newest.push_back(text.clone());
        self.tokens.insert(text, token);
    }

    pub(super) fn list(&self, now: SystemTime) -> impl Iterator<Item = Listed<'_, G>> {
        self.newest.iter().filter_map(move |text| {
            let token = self.tokens.get(text)?;
            let state = match token.state {
                State::Spent => TokenState::Spent,
                State::Revoked => TokenState::Revoked,
                State::Good if token.ends.is_some_and(|ends| ends <= now) => TokenState::Expired,
                State::Good => TokenState::Live,
            };
            Some(Listed {
                kind: token.kind,
                text,
                granted: &token.granted,
                issued_at: token.issued_at,
                ends: token.ends,
                state,
            })
        })
    }

    pub(super) fn standing(&self, kind: Kind, text: &str, now: SystemTime) -> Standing<G> {
        match self.tokens.get(text).filter(|token| token.kind == kind) {
            Some(token) if token.state == State::Spent => Standing::Spent(token.family),
            Some(token) if token.state == State::Good => {
                if token.ends.is_some_and(|ends| ends <= now) {
                    return Standing::Expired;
                }
                Standing::Live(token.family, token.granted.clone())
            }
            _ => Standing::Unknown,
        }
    }

    pub(super) fn spend(&mut self, text: &str) {
        if let Some(token) = self.tokens.get_mut(text) {
            token.state = State::Spent;
        }
    }

    /// A refresh token that is sent again may have been copied by an attacker. So all tokens of its
    /// grant are revoked.
    pub(super) fn note_double_spend(&mut self, family: Family) {
        self.double_spends += 1;
        self.end(|token| token.family == family);
    }

    /// Revoking a refresh token revokes all tokens of its grant (RFC 7009 section 2.1).
    pub(super) fn revoke(&mut self, text: &str) {
        let Some(token) = self.tokens.get_mut(text) else { return };
        match token.kind {
            Kind::Access => token.state = State::Revoked,
            Kind::Refresh => {
                let family = token.family;
                self.end(|token| token.family == family);
            }
        }
    }

    pub(super) fn revoke_all(&mut self) {
        self.end(|_| true);
    }

    /// Used refresh tokens keep their state, so that a second use is still detected.
    fn end(&mut self, which: impl Fn(&Token<G>) -> bool) {
        for token in self.tokens.values_mut() {
            if token.state == State::Good && which(token) {
                token.state = State::Revoked;
            }
        }
    }

    pub(super) fn is_live(&self, text: &str, now: SystemTime) -> bool {
        [Kind::Access, Kind::Refresh]
            .into_iter()
            .any(|kind| matches!(self.standing(kind, text, now), Standing::Live(..)))
    }

    pub(super) fn access_tokens(&self) -> usize {
        self.access_tokens
    }

    pub(super) fn double_spends(&self) -> usize {
        self.double_spends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_expired_long_ago_are_removed() {
        let mut issued = Issued::default();
        let family = issued.new_family();
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for second in 0..100_000 {
            let text = second.to_string();
            issued.add((Kind::Access, &text), (family, ()), at(second), Duration::from_secs(10));
            assert!(issued.tokens.len() <= PRUNE, "{}", issued.tokens.len());
            assert!(issued.newest.len() <= LISTED, "{}", issued.newest.len());
        }
        assert!(matches!(issued.standing(Kind::Access, "99999", at(100_000)), Standing::Live(..)));
        assert!(matches!(issued.standing(Kind::Access, "99000", at(100_000)), Standing::Expired));
        assert_eq!(issued.access_tokens(), 100_000);
    }
}
