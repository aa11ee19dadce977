//! `moov refresh`: a new pair for a refresh token, which is spent by being sent. It sends nothing while the new
//! one would be lost.

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    issued::scopes,
    moov::{
        Origin, Save,
        keep::{Destination, TokenCall},
    },
    options::{self, Client, Format, Reveal, TokenFile},
    output,
};

#[derive(clap::Args)]
#[command(after_help = "\
The token is read from --token-file, else from FINTECH_AUTH_TOKEN, else from
standard input. Sending it spends it, so give --save or --reveal, or the new one
would be lost. The file may be the same for both. Room for the new token is
reserved before anything is sent, and a signal ends the program only once the
new token is kept.

Examples:
  fintech-auth moov refresh --token-file refresh-token --save refresh-token \\
      --raw
  fintech-auth moov refresh --token-file refresh-token --json --reveal")]
pub(crate) struct Args {
    /// The scopes of the new token. Default: those of the old one
    #[arg(value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    reveal: Reveal,
    #[command(flatten)]
    token: TokenFile,
    #[command(flatten)]
    save: Save,
    #[command(flatten)]
    origin: Origin,
    #[command(flatten)]
    client: Client,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let save = args.save.save.as_deref();
    let is_shown = args.reveal.reveal && !args.reveal.raw;
    let is_printed = is_shown || save == Some("-");
    if save.is_none() && !is_shown {
        return Err(Failure::usage(
            "the new refresh token would be lost: give --save FILE, or --reveal without --raw",
        ));
    }
    if is_printed && save.is_none_or(|path| path == "-") && output::is_discarded() {
        return Err(Failure::usage(
            "the new refresh token would be lost: standard output is closed or /dev/null; give --save FILE",
        ));
    }
    options::check_stdin(&args.client.credentials, &args.token)?;
    let overrides =
        Overrides { origin: args.origin.origin.as_deref(), ..Overrides::of(&args.client, args.format) };
    let config = credentials::moov(&args.client.config.read()?, &overrides)?;
    let scopes = scopes(&args.scopes, None)?;
    let token = options::token(&args.token)?;
    let client = config.client()?;
    let destination = Destination {
        format: args.format,
        reveal: &args.reveal,
        save,
        exchanged: Some(args.token.token_file.as_deref()),
    };
    TokenCall::begin(destination)?.run(client.refresh(&token, &scopes)).await
}
