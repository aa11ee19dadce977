//! `moneykit jwks`: fetches the public keys that verify webhooks.

use fintech_auth::moneykit::webhook::VerifyingKeys;

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    options::{Call, ConfigFile, Format},
    output::{print, visible},
};

#[derive(clap::Args)]
#[command(after_help = "\
No credentials are needed. With --json, the key set (RFC 7517) is printed as
published; moneykit verify --keys reads that format.

Examples:
  fintech-auth moneykit jwks
  fintech-auth moneykit jwks --json > keys.json")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    call: Call,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let overrides = Overrides { call: Some(&args.call), ..Overrides::new(args.format) };
    let config = credentials::moneykit(&args.config.read()?, &overrides)?;
    let set = config.builder_for_webhooks()?.build()?.jwks().await?.into_body();
    if args.format.json {
        let text = serde_json::to_string(&set);
        return print(&(text.map_err(|error| Failure::local(error.to_string()))? + "\n"));
    }
    let mut text =
        format!("{} of {} keys can verify webhooks\n", VerifyingKeys::new(&set).len(), set.keys.len());
    for key in &set.keys {
        let part = |name: &str| visible(key.get(name).and_then(|part| part.as_str()).unwrap_or("-"));
        text += &format!("{}  {} {} {}\n", part("kid"), part("kty"), part("crv"), part("alg"));
    }
    print(&text)
}
