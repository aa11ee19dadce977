//! `moneykit verify`: whether a recorded webhook is authentic, and if not, why.

use std::time::SystemTime;

use fintech_auth::{
    moneykit::{
        types::JwkSet,
        webhook::{VerifierOptions, VerifyingKeys, verify},
    },
    webhook::{Tolerance, Verified, VerifyError, VerifyErrorKind},
};

use crate::{
    arguments::Arguments,
    command::{CALL, CONFIG, Command, JSON, Opt, WEBHOOK},
    credentials,
    exit::Failure,
    input,
    output::{self, Output},
    received::Received,
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moneykit", "verify"],
    about: "Verify a recorded MoneyKit webhook",
    operands: None,
    words: &[],
    options: &[
        JSON,
        WEBHOOK,
        &[Opt::value("keys", "FILE", "verify by these keys (from moneykit jwks --json), and fetch none")],
        CONFIG,
        CALL,
    ],
    notes: "It needs no credentials. With --tolerance, a signature that has expired meanwhile is taken for as long as well.",
    examples: &[
        "fintech-auth moneykit verify --headers headers.txt --body body.json",
        "fintech-auth moneykit verify --headers headers.txt --body body.json --keys keys.json --tolerance 24h",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let received = Received::read(&arguments)?;
    let mut options = VerifierOptions::default();
    if let Some(span) = credentials::time(&arguments, "tolerance")? {
        options = options.with_tolerance(Tolerance::new(span)).with_expiry_leeway(span);
    }
    let webhook = match arguments.value("keys") {
        Some(path) => by_keys(path, &received, &options)?,
        None => {
            let builder = credentials::moneykit(&Settings::read(&arguments)?)?.builder_for_webhooks();
            let client = builder.with_webhooks(|_| options).build()?;
            client.webhooks().verify(&received.headers, &received.body[..]).await?
        }
    };
    // An authentic body need not be an event that this version knows.
    let event = webhook.event().ok();
    Output::new(&arguments)
        .with_words("verified", true, "yes: headers and body")
        .with("event", event.as_ref().map(|event| event.kind.as_str()))
        .with("idempotency_key", event.as_ref().and_then(|event| event.idempotency_key.as_deref()))
        .with("signed_at", output::time(webhook.signed_at()))
        .with("key_id", webhook.key_id())
        .print()
}

fn by_keys<'a>(
    path: &str,
    received: &'a Received,
    options: &VerifierOptions,
) -> Result<Verified<&'a [u8]>, Failure> {
    let set: JwkSet = serde_json::from_slice(&input::bytes("--keys", path)?)
        .map_err(|_| Failure::usage(format!("{path} is no key set; make one by moneykit jwks --json")))?;
    let mut signatures = received.headers.get_all("moneykit-signature").iter();
    let signature = match (signatures.next(), signatures.next()) {
        (None, _) => return Err(VerifyError::from(VerifyErrorKind::MissingHeader).into()),
        (Some(_), Some(_)) => return Err(VerifyError::from(VerifyErrorKind::RepeatedHeader).into()),
        (Some(signature), None) => signature.to_str(),
    };
    let signature = signature.map_err(|_| VerifyError::from(VerifyErrorKind::MalformedHeader))?;
    Ok(verify(signature, &received.body[..], &VerifyingKeys::new(&set), SystemTime::now(), options)?)
}
