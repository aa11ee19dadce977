//! `moov revoke`: ends an access or refresh token.

use fintech_auth::moov::TokenTypeHint;

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, CREDENTIALS, Command, GIVEN, JSON, Opt},
    credentials,
    exit::Failure,
    input,
    output::Output,
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moov", "revoke"],
    about: "Revoke a Moov token",
    operands: None,
    words: &[],
    options: &[
        JSON,
        GIVEN,
        &[Opt::value("hint", "TYPE", "access_token or refresh_token, which spares the service a search")],
        CONFIG,
        CREDENTIALS,
        CALL,
    ],
    notes: "\
The token is read from --token-file, else from FINTECH_AUTH_TOKEN, else from standard input. One that the \
service does not know counts as revoked.",
    examples: &["fintech-auth moov revoke --token-file refresh-token --hint refresh_token"],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let hint = match arguments.value("hint") {
        None => None,
        Some("access_token") => Some(TokenTypeHint::AccessToken),
        Some("refresh_token") => Some(TokenTypeHint::RefreshToken),
        Some(_) => return Err(Failure::usage("--hint is access_token or refresh_token")),
    };
    if arguments.value("client-secret-file") == Some("-") && input::token_is_on_stdin(&arguments) {
        return Err(Failure::usage("standard input is either the secret or the token"));
    }
    let client = credentials::moov(&Settings::read(&arguments)?)?.client()?;
    let token = input::token(&arguments)?;
    client.revoke(&token, hint).await?;
    Output::new(&arguments).with_words("revoked", true, "yes").print()
}
