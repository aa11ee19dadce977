//! What the behaviour tests share: the sandbox as both vendors' clients see it.

use std::time::Duration;

use fintech_auth::{
    Error, HttpOptions, RetryPolicy, Scope, Secret, moneykit, moov,
    sandbox::{Fault, Operation, Sandbox},
    token::TokenOptions,
};
use http::StatusCode;

pub(crate) async fn sandbox() -> Sandbox {
    Sandbox::start().await.expect("the sandbox starts")
}

/// Options that keep a test of a hang short, and leave a busy machine its time.
pub(crate) fn quick() -> HttpOptions {
    HttpOptions::default().with_timeout(Duration::from_secs(2))
}

/// Each call is sent once and at once, and nothing that failed is remembered.
pub(crate) fn plain(tokens: TokenOptions) -> TokenOptions {
    tokens
        .with_retry(RetryPolicy::never())
        .with_refusal_memory(Duration::ZERO)
        .with_rate_limit(100_000, Duration::from_secs(1))
}

pub(crate) fn moneykit(sandbox: &Sandbox) -> moneykit::Client {
    sandbox.moneykit().with_http(quick()).with_tokens(plain).build().expect("the client builds")
}

pub(crate) fn moov(sandbox: &Sandbox) -> moov::Client {
    sandbox.moov().with_http(quick()).with_tokens(plain).build().expect("the client builds")
}

pub(crate) fn scopes(scopes: &[&str]) -> Vec<Scope> {
    scopes.iter().map(|scope| scope.parse().expect("a scope")).collect()
}

pub(crate) fn json(status: u16, body: impl Into<String>) -> Fault {
    Fault::answer(StatusCode::from_u16(status).expect("a status")).with_body("application/json", body.into())
}

/// A token call of either vendor, reduced to its access token.
pub(crate) async fn issue(sandbox: &Sandbox, operation: Operation) -> Result<Secret, Error> {
    match operation {
        Operation::MoneykitToken => {
            moneykit(sandbox).create_access_token(&[]).await.map(|token| token.body.access_token)
        }
        _ => {
            let token = moov(sandbox).create_access_token(&scopes(&["/accounts.read"])).await?;
            Ok(token.body.access_token.0)
        }
    }
}

/// The token operation of each vendor, for tests that hold for both.
pub(crate) const TOKEN: [Operation; 2] = [Operation::MoneykitToken, Operation::MoovToken];
