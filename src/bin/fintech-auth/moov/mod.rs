//! Moov's commands, a file each, and what two of them share: a file for a refresh token.

pub(crate) mod refresh;
pub(crate) mod revoke;
mod save;
pub(crate) mod token;
pub(crate) mod verify;

use std::time::SystemTime;

use fintech_auth::{moov::types::AuthToken, token::IssuedToken};

use crate::command::Opt;

/// Of the commands that get a refresh token.
const SAVE: &[Opt] =
    &[Opt::value("save", "FILE", "write the refresh token to this file, which only you can read")];

/// Of the commands that get a token.
const ORIGIN: &[Opt] = &[Opt::value("origin", "ORIGIN", "the page that tokens for a browser are for")];

fn issued(token: AuthToken, date: Option<SystemTime>) -> IssuedToken {
    let mut issued = IssuedToken::new(token.access_token.0);
    issued.expires_in = token.expires_in;
    issued.refresh_token = token.refresh_token.map(|token| token.0);
    issued.scope = token.scope;
    issued.date = date;
    issued
}
