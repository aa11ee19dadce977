//! The `moov` commands, and the options that several of them share.

mod keep;
mod refresh;
mod revoke;
mod token;
mod trigger;
mod verify;
mod warm;

use clap::{Args, Subcommand, ValueHint::FilePath};

use crate::exit::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Issue a Moov token
    Token(token::Args),
    /// Exchange a Moov refresh token for a new pair
    Refresh(refresh::Args),
    /// Revoke a Moov token
    Revoke(revoke::Args),
    /// Send a signed Moov webhook to your handler
    Trigger(trigger::Args),
    /// Verify the headers of a recorded Moov webhook
    Verify(verify::Args),
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let done = match self {
            Self::Token(args) => token::run(args).await,
            Self::Refresh(args) => refresh::run(args).await,
            Self::Revoke(args) => revoke::run(args).await,
            Self::Trigger(args) => trigger::run(args).await,
            Self::Verify(args) => verify::run(args).await,
        };
        done.map_err(|failure| failure.of_vendor("moov"))
    }
}

#[derive(Args)]
struct Save {
    /// Write the refresh token to this private file; - for standard output
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    save: Option<String>,
}

#[derive(Args)]
struct Origin {
    /// The web page origin that may use the token
    #[arg(long)]
    origin: Option<String>,
}
