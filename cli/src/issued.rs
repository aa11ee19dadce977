//! Prints an issued token. Shows the token itself only with `--reveal` or `--raw`.

use std::time::SystemTime;

use fintech_auth::{Scope, Secret, UncachedToken, token::ExpiryRule};
use serde_json::Value;

use crate::{
    exit::Failure,
    options::{Format, Reveal},
    output::{self, Output},
};

pub(crate) fn scopes(given: &[String], configured: Option<Vec<Scope>>) -> Result<Vec<Scope>, Failure> {
    if given.is_empty() {
        return Ok(configured.unwrap_or_default());
    }
    if given.iter().any(|operand| operand.contains([',', ';'])) {
        return Err(Failure::usage("separate scopes with spaces, not with commas"));
    }
    let words = given.iter().flat_map(|operand| operand.split_whitespace());
    Ok(words.map(Scope::new).collect::<Result<_, _>>()?)
}

pub(crate) fn print_token(
    format: Format,
    reveal: &Reveal,
    token: &UncachedToken,
    shows_refresh_token: bool,
    print: fn(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if reveal.raw {
        return print(&format!("{}\n", token.token().expose_secret()));
    }
    let left = token.expires_at().duration_since(SystemTime::now()).unwrap_or_default();
    let expires_at = output::time(token.expires_at());
    let rule = match token.expiry_rule() {
        ExpiryRule::Seconds => String::new(),
        rule => format!(" ({rule:?})"),
    };
    let words = format!("{expires_at}, in {} s, safety margin deducted{rule}", left.as_secs());
    let output = Output::new(format);
    let reveal = reveal.reveal;
    let output = redacted(output, reveal, "access_token", Some(&token.token().to_secret()));
    let output = redacted(output, reveal || shows_refresh_token, "refresh_token", token.refresh_token());
    let text = output
        .with_words("expires_at", expires_at, words)
        .with_json("expires_in", left.as_secs())
        .with_json("expiry_rule", format!("{:?}", token.expiry_rule()))
        .with("scope", token.scope())
        .text();
    print(&text)
}

/// In JSON, a redacted token is null, so that no program sends a placeholder as a token.
fn redacted(output: Output, reveal: bool, name: &'static str, secret: Option<&Secret>) -> Output {
    match secret {
        None => output.with(name, Value::Null),
        Some(secret) if reveal => output.with(name, secret.expose_secret()),
        Some(_) => output.with_words(name, Value::Null, "[redacted] (use --reveal to show it)"),
    }
}
