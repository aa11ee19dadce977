//! Moov's commands, a file each, and what two of them share: a file for a refresh token.

mod keep;
pub(crate) mod refresh;
pub(crate) mod revoke;
mod save;
pub(crate) mod token;
pub(crate) mod verify;

use crate::command::Opt;

/// Of the commands that get a refresh token.
const SAVE: &[Opt] = &[Opt::value(
    "save",
    "FILE",
    "write the refresh token to this file, which only you can read; - is standard output",
)];

/// Of the commands that get a token.
const ORIGIN: &[Opt] = &[Opt::value("origin", "ORIGIN", "the page that tokens for a browser are for")];
