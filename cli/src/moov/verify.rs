//! `moov verify`: whether the headers of a recorded webhook are authentic. Their scheme does not cover the body,
//! and every response says so.

use crate::{
    arguments::Arguments,
    command::{CONFIG, Command, JSON, WEBHOOK},
    credentials,
    exit::Failure,
    output::{self, Output},
    received::Received,
    settings::Settings,
};

pub(crate) static COMMAND: Command = Command {
    name: &["moov", "verify"],
    about: "Verify the headers of a recorded Moov webhook",
    operands: None,
    words: &[],
    options: &[JSON, WEBHOOK, CONFIG],
    notes: "\
The signing secret is MOOV_WEBHOOK_SECRET or MOOV_WEBHOOK_SECRET_FILE. Moov signs no body: fetch what a \
webhook is about before you act on it.",
    examples: &["fintech-auth moov verify --headers headers.txt --body body.json --tolerance 24h"],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let received = Received::read(&arguments)?;
    let webhooks = credentials::moov(&Settings::read(&arguments)?)?.webhooks()?;
    let webhook = webhooks.verify(&received.headers, &received.body)?;
    Output::new(&arguments)
        .with_words("verified", true, "the headers; the body is not signed")
        .with_words("body_is_signed", false, "no")
        .with("webhook_id", webhook.webhook_id())
        .with("signed_at", output::time(webhook.signed_at()))
        .print()
}
