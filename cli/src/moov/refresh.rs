//! `moov refresh`: a new pair for a refresh token, which is spent by being sent. It sends nothing while the new
//! one would be lost.

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, CREDENTIALS, Command, GIVEN, JSON, TOKEN},
    credentials,
    exit::Failure,
    input,
    issued::{check, scopes},
    moov::{ORIGIN, SAVE, keep::Keeping},
    output,
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moov", "refresh"],
    about: "Exchange a Moov refresh token for a new pair",
    operands: Some("SCOPE…"),
    words: &[],
    options: &[JSON, TOKEN, GIVEN, SAVE, ORIGIN, CONFIG, CREDENTIALS, CALL],
    notes: "\
The token is read from --token-file, else from FINTECH_AUTH_TOKEN, else from standard input. Sending it spends \
it, so give --save or --reveal, or the new one would be lost. The file may be the same for both. Room for the new \
token is reserved before anything is sent, and a signal ends the program only once the new token is kept.",
    examples: &[
        "fintech-auth moov refresh --token-file refresh-token --save refresh-token --raw",
        "fintech-auth moov refresh --token-file refresh-token --json --reveal",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    check(&arguments)?;
    let is_shown = arguments.has("reveal") && !arguments.has("raw");
    let is_printed = is_shown || arguments.value("save") == Some("-");
    if arguments.value("save").is_none() && !is_shown {
        return Err(Failure::usage(
            "the new refresh token would be lost: give --save FILE, or --reveal without --raw",
        ));
    }
    if is_printed && arguments.value("save").is_none_or(|path| path == "-") && output::is_discarded() {
        return Err(Failure::usage(
            "the new refresh token would be lost: standard output is closed or /dev/null; give --save FILE",
        ));
    }
    if arguments.value("client-secret-file") == Some("-") && input::token_is_on_stdin(&arguments) {
        return Err(Failure::usage("standard input is either the secret or the token"));
    }
    let config = credentials::moov(&Settings::read(&arguments)?)?;
    let scopes = scopes(&arguments, None)?;
    let token = input::token(&arguments)?;
    let client = config.client()?;
    let keeping = Keeping::begin(&arguments, true)?;
    keeping.run(&arguments, client.refresh(&token, &scopes)).await
}
