//! `moneykit introspect`: the client behind a token, or behind the credentials.

use fintech_auth::Secret;

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
    name: &["moneykit", "introspect"],
    about: "Describe the client behind a MoneyKit token",
    operands: None,
    words: &[],
    options: &[
        JSON,
        GIVEN,
        &[Opt::switch("client", "show the credentials in place of a token, and describe this client itself")],
        CONFIG,
        CREDENTIALS,
        CALL,
    ],
    notes: "The token is read from --token-file, else from FINTECH_AUTH_TOKEN, else from standard input.",
    examples: &[
        "fintech-auth moneykit token --raw | fintech-auth moneykit introspect",
        "fintech-auth moneykit introspect --client --json",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let token: Option<Secret> = if arguments.has("client") {
        None
    } else {
        if arguments.value("client-secret-file") == Some("-") && input::token_is_on_stdin(&arguments) {
            return Err(Failure::usage("standard input is either the secret or the token"));
        }
        Some(input::token(&arguments)?)
    };
    let client = credentials::moneykit(&Settings::read(&arguments)?)?.client()?;
    let about = match &token {
        Some(token) => client.introspect(token).await?,
        None => client.introspect_client().await?,
    }
    .into_body();
    let app = about.app.unwrap_or_default();
    Output::new(&arguments)
        .with("client_id", about.client_id)
        .with("client_name", about.client_name)
        .with("app_id", app.app_id.or(app.id))
        .with("app_name", app.app_name.or(app.name))
        .with("scope", about.scope)
        .with("disabled_at", serde_json::to_value(about.disabled_at).unwrap_or_default())
        .print()
}
