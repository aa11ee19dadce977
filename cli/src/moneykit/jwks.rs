//! `moneykit jwks`: the keys that sign webhooks. They are public.

use fintech_auth::moneykit::webhook::VerifyingKeys;

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, Command, JSON},
    credentials,
    exit::Failure,
    output::{print, visible},
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moneykit", "jwks"],
    about: "Fetch the keys that sign MoneyKit's webhooks",
    operands: None,
    words: &[],
    options: &[JSON, CONFIG, CALL],
    notes: "It needs no credentials. With --json it is the set as it is published (RFC 7517); moneykit verify --keys reads it.",
    examples: &["fintech-auth moneykit jwks", "fintech-auth moneykit jwks --json > keys.json"],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let set = credentials::moneykit(&Settings::read(&arguments)?)?
        .builder_for_webhooks()
        .build()?
        .jwks()
        .await?
        .into_body();
    if arguments.has("json") {
        let text = serde_json::to_string(&set);
        return print(&(text.map_err(|error| Failure::local(error.to_string()))? + "\n"));
    }
    let mut text = format!("{} of {} keys verify webhooks\n", VerifyingKeys::new(&set).len(), set.keys.len());
    for key in &set.keys {
        let part = |name: &str| visible(key.get(name).and_then(|part| part.as_str()).unwrap_or("-"));
        text += &format!("{}  {} {} {}\n", part("kid"), part("kty"), part("crv"), part("alg"));
    }
    print(&text)
}
