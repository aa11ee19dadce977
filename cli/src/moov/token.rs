//! `moov token`: issues a token. It is not kept, and its refresh token only with `--save`.

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, CREDENTIALS, Command, JSON, TOKEN},
    credentials,
    exit::Failure,
    issued::{check, scopes},
    moov::{ORIGIN, SAVE, keep::Keeping},
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moov", "token"],
    about: "Issue a Moov token",
    operands: Some("SCOPE…"),
    words: &[],
    options: &[JSON, TOKEN, SAVE, ORIGIN, CONFIG, CREDENTIALS, CALL],
    notes: "Moov asks for one scope at least. With --origin it is a token for a page in a browser, else for a service.",
    examples: &[
        "fintech-auth moov token /accounts.read",
        "fintech-auth moov token /accounts.read --raw | sed 's/^/Authorization: Bearer /' | curl -H @- https://api.moov.io/accounts",
        "fintech-auth moov token /ping.read --save refresh-token",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    check(&arguments)?;
    let config = credentials::moov(&Settings::read(&arguments)?)?;
    let scopes = scopes(&arguments, config.scopes.clone())?;
    let client = config.client()?;
    let keeping = Keeping::begin(&arguments, false)?;
    keeping.run(&arguments, client.create_access_token(&scopes)).await
}
