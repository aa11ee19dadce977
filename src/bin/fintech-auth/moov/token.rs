//! `moov token`: issues a token. It is not kept, and its refresh token only with `--save`.

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, CREDENTIALS, Command, JSON, TOKEN},
    credentials,
    exit::Failure,
    issued::{check, scopes, tell},
    moov::{ORIGIN, SAVE, issued, save::Saving},
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
    let saving = arguments.value("save").map(Saving::begin).transpose()?;
    let response = client.create_access_token(&scopes).await?;
    let date = response.date;
    let issued = issued(response.into_body(), date);
    match (saving, &issued.refresh_token) {
        (Some(saving), Some(token)) => saving.finish(token)?,
        (Some(_), None) => return Err(Failure::local("the service gave no refresh token, so none is saved")),
        (None, _) => {}
    }
    tell(&arguments, issued).await
}
