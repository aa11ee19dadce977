//! Calls all five operations of the vendors' auth APIs, and shows how a refused call fails.
//!
//! `cargo run --example quickstart` uses an emulator in this process. With `-- --live`, the same
//! code calls the real services. For the real services, set `MONEYKIT_CLIENT_ID`,
//! `MONEYKIT_CLIENT_SECRET`, `MOOV_CLIENT_ID` and `MOOV_CLIENT_SECRET` in the environment. For
//! browser tokens, also set `MOOV_ORIGIN`.

use fintech_auth::{Error, ExpiresIn, Secret, emulator::Emulator, moneykit, moov};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let live = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--live") => true,
        Some(other) => return Err(format!("unknown argument {other}; the only one is --live").into()),
    };
    if live {
        println!("the real services, as the environment has it\n");
        tour(moneykit::ClientBuilder::from_env()?.build()?, moov::ClientBuilder::from_env()?.build()?)
            .await?;
    } else {
        let server = Emulator::start().await?;
        println!("the emulator at {}\n", server.url());
        tour(server.moneykit().build()?, server.moov().build()?).await?;
    }
    Ok(())
}

async fn tour(moneykit: moneykit::Client, moov: moov::Client) -> Result<(), Error> {
    println!("MoneyKit");
    let token = moneykit.create_access_token(&[]).await?;
    tell("POST /auth/token", token.status(), lifetime(token.expires_in));

    let about = moneykit.introspect(&token.access_token).await?;
    tell(
        "GET  /auth/introspect",
        about.status(),
        format!("{} may {}", about.client_id, about.scope.as_deref().unwrap_or("do all")),
    );

    let jwks = moneykit.jwks().await?;
    tell("GET  /.well-known/jwks.json", jwks.status(), format!("{} key(s)", jwks.keys.len()));

    match moneykit.introspect(&Secret::from("made-up")).await {
        Ok(about) => tell("GET  /auth/introspect", about.status(), "a made-up token was accepted"),
        Err(error) => println!("  as expected, a made-up token is refused:\n    {error}"),
    }

    println!("\nMoov");
    let mut token = moov.create_access_token(&["/accounts.read".parse()?]).await?;
    tell("POST /oauth2/token", token.status(), lifetime(token.expires_in));

    if let Some(refresh_token) = &token.refresh_token {
        token = moov.refresh(refresh_token, &[]).await?;
        tell("POST /oauth2/token (refresh)", token.status(), lifetime(token.expires_in));
    }
    let revoked = moov.revoke(&token.access_token, None).await?;
    tell("POST /oauth2/revoke", revoked.status(), "");
    println!("\nAll calls ended as expected.");
    Ok(())
}

/// Moov sends `expires_in` as a Unix timestamp, not as a number of seconds.
fn lifetime(expires_in: Option<ExpiresIn>) -> String {
    match expires_in.map(|expires_in| expires_in.raw()) {
        None => "a token without expires_in".to_owned(),
        Some(timestamp) if timestamp > 1_000_000_000 => {
            format!("a token, expires_in {timestamp} (a Unix timestamp)")
        }
        Some(seconds) => format!("a token, expires_in {seconds} (seconds)"),
    }
}

fn tell(request: &str, status: http::StatusCode, result: impl std::fmt::Display) {
    println!("  {request:<30} {}  {result}", status.as_u16());
}
