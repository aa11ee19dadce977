//! The `moneykit` commands.

mod introspect;
mod jwks;
mod token;
mod trigger;
mod verify;

use clap::Subcommand;

use crate::exit::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Issue a MoneyKit token
    Token(token::Args),
    /// Describe the client that a MoneyKit token belongs to
    Introspect(introspect::Args),
    /// Fetch the public keys that verify MoneyKit's webhooks
    Jwks(jwks::Args),
    /// Send a signed MoneyKit webhook to your handler
    Trigger(trigger::Args),
    /// Verify a recorded MoneyKit webhook
    Verify(verify::Args),
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let done = match self {
            Self::Token(args) => token::run(args).await,
            Self::Introspect(args) => introspect::run(args).await,
            Self::Jwks(args) => jwks::run(args).await,
            Self::Trigger(args) => trigger::run(args).await,
            Self::Verify(args) => verify::run(args).await,
        };
        done.map_err(|failure| failure.of_vendor("moneykit"))
    }
}
