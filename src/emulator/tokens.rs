//! The list of issued tokens, for a user interface.

use std::{fmt, time::SystemTime};

use super::{
    Emulator, Operation, TokenState,
    issued::{Kind, Listed},
    moov::Grant,
};
use crate::Secret;

/// An issued token. `Debug` shows neither the text nor the scopes of the token.
#[derive(Clone)]
#[non_exhaustive]
pub struct ListedToken {
    /// The operation that issued the token.
    pub operation: Operation,
    /// `true` for a refresh token, and `false` for an access token.
    pub is_refresh_token: bool,
    /// The text of the token.
    pub text: Secret,
    /// The scopes of the token, separated by spaces.
    pub scope: String,
    /// The time at which the token was issued, according to the emulator's clock.
    pub issued_at: SystemTime,
    /// The time at which the token expires, according to the emulator's clock. `None` if
    /// `SystemTime` cannot represent this time.
    pub expires_at: Option<SystemTime>,
    /// Whether the service would accept the token now.
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
    /// Returns the newest tokens, at most 1,000 per service, in the order in which they were
    /// issued.
    pub fn tokens(&self) -> Vec<ListedToken> {
        let now = self.now();
        let of_moneykit =
            |listed: Listed<'_, _>| ListedToken::new(Operation::MoneykitToken, listed, String::as_str);
        let of_moov = |listed: Listed<'_, _>| ListedToken::new(Operation::MoovToken, listed, Grant::scope);
        let mut tokens: Vec<ListedToken> =
            self.services.moneykit.issued().list(now).map(of_moneykit).collect();
        tokens.extend(self.services.moov.issued().list(now).map(of_moov));
        // The sort must be stable, so that tokens of one service that were issued at the same time
        // keep their order.
        tokens.sort_by_key(|token| token.issued_at);
        tokens
    }

    /// Returns the current time according to the emulator's clock.
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
