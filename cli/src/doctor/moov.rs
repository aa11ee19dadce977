//! Moov's checks.

use fintech_auth::{
    Error, ErrorKind, Scope, UncachedToken,
    moov::{Client, ClientType, Config},
};

use http::StatusCode;

use super::{
    check::{Checks, Verdict},
    configured,
    network::Route,
    scopes,
};
use crate::exit::Failure;

const ALLOW_ORIGIN: &str = "allow it for the API key in Moov's dashboard, or correct MOOV_ORIGIN";

const ALLOW_SCOPES: &str = "have the account's owner grant them, or request fewer (MOOV_SCOPES)";

pub(super) async fn check(checks: &mut Checks<'_>, config: Result<Config, Failure>) -> Result<(), Failure> {
    let built = configured(checks, config, Config::client, |config| config.client_id.as_deref())?;
    let Some((client, config)) = built else { return Ok(()) };
    let url = config.base_url.as_deref().unwrap_or("https://api.moov.io");
    let route = Route::check(checks, url)?;

    let requested = match config.scopes.clone() {
        Some(scopes) if !scopes.is_empty() => scopes,
        _ => vec![Scope::new("/ping.read")?],
    };
    match client.create_access_token(&requested).await {
        Ok(response) => {
            route.responded(checks, response.date())?;
            checks.ok("credentials", "accepted: a token was issued")?;
            let token = UncachedToken::try_from(response)?.into_token();
            origin(checks, &config, token.audience())?;
            scopes(checks, &requested, token.scope(), ALLOW_SCOPES)?;
            // Nobody needs it, and it would work for an hour.
            match client.revoke(&token.to_secret(), None).await {
                Ok(_) => checks.ok("revoke", "the token of this check was revoked")?,
                Err(error) => checks.fail("revoke", &error)?,
            }
            key_pair(checks, &client, &config, url).await?;
        }
        Err(error) if route.failed(checks, &error)? => {}
        // Every response of the service carries one.
        Err(error) if error.status() == Some(StatusCode::FORBIDDEN) && error.request_id().is_none() => {
            let found = "403 without an x-request-id: a CDN or proxy before the service answered";
            let next = "see that nothing blocks this machine's address or user agent; the credentials were not judged";
            checks.add("reached", Verdict::Fail, found, next)?;
        }
        Err(error) => refused(checks, &config, &requested, &error).await?,
    }
    webhooks(checks, &config)
}

/// Checks whether the rest of the API accepts the key pair: then a backend needs no token.
async fn key_pair(
    checks: &mut Checks<'_>,
    client: &Client,
    config: &Config,
    url: &str,
) -> Result<(), Failure> {
    let http = config.http_options().to_reqwest(url)?;
    let request = http.get(format!("{}/accounts?count=1", url.trim_end_matches('/'))).build();
    let request = request.map_err(|_| Failure::usage("the base url is not a url"))?;
    let pair = match client.basic_auth() {
        Ok(pair) => pair,
        Err(error) => return checks.fail("key pair", &error),
    };
    match pair.send(&http, request).await.map(|response| response.status()) {
        Ok(StatusCode::OK) => checks.ok("key pair", "accepted without a token, on GET /accounts"),
        Ok(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
            let found = format!("refused without a token: {} on GET /accounts", status.as_u16());
            checks.add("key pair", Verdict::Warn, &found, "send tokens, or see what the API key may do")
        }
        _ => checks.add("key pair", Verdict::Skip, "there is no GET /accounts at this base url", ""),
    }
}

/// The service also issues a token for an origin that is not allowed. Only the audience of the token shows it.
fn origin(checks: &mut Checks<'_>, config: &Config, audience: Option<Vec<String>>) -> Result<(), Failure> {
    match config.origin.as_ref().or(config.referer.as_ref()) {
        Some(origin) if config.client_type.is_none_or(|kind| kind == ClientType::Web) => match audience {
            Some(audience) if !audience.contains(origin) => {
                let found = format!("a token was issued, but not for {origin}: requests with it get a 401");
                checks.add("origin", Verdict::Fail, &found, ALLOW_ORIGIN)
            }
            Some(_) => checks.ok("origin", &format!("{origin} is in the token's audience")),
            None => checks.ok("origin", &format!("{origin} is accepted")),
        },
        _ => checks.add("origin", Verdict::Skip, "tokens are not for a browser", ""),
    }
}

/// A 403 may mean the credentials or the origin. A second call for a service, without the origin, shows which.
async fn refused(
    checks: &mut Checks<'_>,
    config: &Config,
    requested: &[Scope],
    error: &Error,
) -> Result<(), Failure> {
    let has_page = config.origin.is_some() || config.referer.is_some();
    if error.kind() == ErrorKind::Unauthorized && has_page {
        let mut plain = config.clone();
        (plain.origin, plain.referer) = (None, None);
        plain.client_type = Some(ClientType::Service);
        let client = plain.client()?;
        if let Ok(response) = client.create_access_token(requested).await {
            // As above; that it fails changes nothing here.
            _ = client.revoke(&response.into_body().access_token.0, None).await;
            checks.ok("credentials", "accepted, for a service")?;
            return checks.add("origin", Verdict::Fail, "the origin is not accepted", ALLOW_ORIGIN);
        }
    }
    checks.fail("credentials", error)
}

fn webhooks(checks: &mut Checks<'_>, config: &Config) -> Result<(), Failure> {
    if config.webhook_secret.is_none() && config.webhook_secret_file.is_none() {
        return checks.add("webhooks", Verdict::Skip, "no MOOV_WEBHOOK_SECRET is set", "");
    }
    match config.webhooks() {
        Ok(_) => checks.ok("webhooks", "the signing secret is readable"),
        Err(error) => checks.fail("webhooks", &error),
    }
}
