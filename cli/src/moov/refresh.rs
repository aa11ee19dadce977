//! `moov refresh`: exchanges a refresh token for a new pair.

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
The token is read from --token-file, otherwise from FINTECH_AUTH_TOKEN,
otherwise from standard input. It works only once, so --save or --reveal is
required to keep the new one. --save and --token-file may name the same file.
Disk space for the new token is reserved before the request is sent, and a
signal ends the program only after the new token is saved.

Examples:
  fintech-auth moov refresh --token-file refresh-token --save refresh-token \\
      --raw
  fintech-auth moov refresh --token-file refresh-token --json --reveal")]
pub(crate) struct Args {
    /// The scopes of the new token. Default: unchanged
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
            "the new refresh token would be lost: use --save FILE, or --reveal without --raw",
        ));
    }
    if is_printed && save.is_none_or(|path| path == "-") && output::is_discarded() {
        return Err(Failure::usage(
            "the new refresh token would be lost, because standard output is closed or /dev/null: use --save FILE",
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
