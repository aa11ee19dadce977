//! The list of issued tokens, for people who watch an emulator.

use std::{fmt, time::SystemTime};

use super::{
    Emulator, Operation, TokenState,
    issued::{Kind, Listed},
    moov::Grant,
};
use crate::Secret;

/// A token that a service issued. `Debug` shows neither its text nor its scopes.
#[derive(Clone)]
#[non_exhaustive]
pub struct ListedToken {
    /// The operation that issued it.
    pub operation: Operation,
    /// Whether it is a refresh token, and not an access token.
    pub is_refresh_token: bool,
    /// The token itself.
    pub text: Secret,
    /// Its scopes, separated by spaces.
    pub scope: String,
    /// When it was issued, by the emulator's clock.
    pub issued_at: SystemTime,
    /// When it ends, by the emulator's clock. `None` if that is beyond what the machine can represent.
    pub expires_at: Option<SystemTime>,
    /// Whether the service would accept it now.
    pub state: TokenState,
}

impl ListedToken {
    fn new<G>(operation: Operation, listed: Listed<'_, G>, scope: impl FnOnce(&G) -> &str) -> Self {
        Self {
            operation,
            is_refresh_token: listed.kind == Kind::Refresh,
            text: listed.text.into(),
            scope: scope(listed.granted).to_owned(),
            issued_at: listed.issued_at,
            expires_at: listed.ends,
            state: listed.state,
        }
    }
}

impl Emulator {
    /// The newest tokens, at most 1,000 of each service, in the order in which they were issued.
    pub fn tokens(&self) -> Vec<ListedToken> {
        let now = self.now();
        let of_moneykit =
            |listed: Listed<'_, _>| ListedToken::new(Operation::MoneykitToken, listed, String::as_str);
        let of_moov = |listed: Listed<'_, _>| ListedToken::new(Operation::MoovToken, listed, Grant::scope);
        let mut tokens: Vec<ListedToken> =
            self.services.moneykit.issued().list(now).map(of_moneykit).collect();
        tokens.extend(self.services.moov.issued().list(now).map(of_moov));
        // Stable, so that tokens of one service and one time keep their order.
        tokens.sort_by_key(|token| token.issued_at);
        tokens
    }

    /// The time that the services live in.
    pub fn now(&self) -> SystemTime {
        self.services.time.now()
    }
}

impl fmt::Debug for ListedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedToken")
            .field("operation", &self.operation)
            .field("is_refresh_token", &self.is_refresh_token)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
