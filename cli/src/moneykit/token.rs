//! `moneykit token`: issues a token. It is not kept.

use fintech_auth::token::IssuedToken;

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, CREDENTIALS, Command, JSON, TOKEN},
    credentials,
    exit::Failure,
    issued::{check, scopes, tell},
    output::print,
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moneykit", "token"],
    about: "Issue a MoneyKit token",
    operands: Some("SCOPE…"),
    words: &[],
    options: &[JSON, TOKEN, CONFIG, CREDENTIALS, CALL],
    notes: "Without a scope it may do all that the application may.",
    examples: &[
        "fintech-auth moneykit token",
        "fintech-auth moneykit token link_session:create --json --reveal",
        "fintech-auth moneykit token --raw | sed 's/^/Authorization: Bearer /' | curl -H @- https://api.moneykit.com/institutions",
        "pass moneykit | fintech-auth moneykit token --client-id ID --client-secret-file -",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    check(&arguments)?;
    let config = credentials::moneykit(&Settings::read(&arguments)?)?;
    let scopes = scopes(&arguments, config.scopes.clone())?;
    let response = config.client()?.create_access_token(&scopes).await?;
    let date = response.date();
    let body = response.into_body();
    let mut issued = IssuedToken::new(body.access_token);
    issued.expires_in = body.expires_in;
    issued.date = date;
    tell(&arguments, issued, false, print).await
}
