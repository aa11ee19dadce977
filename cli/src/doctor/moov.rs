//! The checks for Moov.

use fintech_auth::{
    Error, ErrorKind, Scope, Token, UncachedToken,
    moov::{
        Client, ClientType, Config,
        version::{DEFAULT, NONE, knows_client_type},
    },
    reqwest,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{
    check::{Checks, Verdict},
    configured,
    delivery::{self, Delivery},
    network::Route,
    probe::{self, Acceptance, Read},
    record::Recorder,
    scopes, version,
};
use crate::exit::{Failure, chain};

type Service<'a> = (&'a Config, &'a str, &'a Recorder);

const ALLOW_ORIGIN: &str = "add it to the API key's domains in Moov's dashboard, or correct MOOV_ORIGIN";

const ALLOW_SCOPES: &str = "ask the owner of the account to grant them, or request fewer (MOOV_SCOPES)";

pub(super) async fn check(
    checks: &mut Checks<'_>,
    config: Result<Config, Failure>,
    delivery: Option<&Delivery>,
    recorder: &Recorder,
) -> Result<(), Failure> {
    if let (Ok(config), Some(delivery)) = (&config, delivery)
        && config.client_id.is_none()
    {
        return delivery::moov(checks, config, delivery);
    }
    let build = |config: &Config| recorder.moov(config)?.build();
    let built = configured(checks, config, build, |config| config.client_id.as_deref())?;
    let Some((client, config)) = built else { return Ok(()) };
    let url = config.base_url.as_deref().unwrap_or("https://api.moov.io");
    let route = Route::check(checks, url, config.proxy.as_ref())?;

    let requested = match config.scopes.clone() {
        Some(scopes) if !scopes.is_empty() => scopes,
        _ => vec![Scope::new("/ping.read")?],
    };
    let tolerance = config.webhook_tolerance;
    match client.create_access_token(&requested).await {
        Ok(response) => {
            route.responded(checks, Some(response.sent_at()), response.date(), tolerance)?;
            checks.ok("credentials.ok", "accepted: a token was issued")?;
            version::moov(checks, &config, response.headers())?;
            match UncachedToken::try_from(response) {
                Ok(token) => {
                    issued(checks, &client, (&config, url, recorder), &requested, token.token()).await?
                }
                Err(error) => checks.fail("token.unusable", &error)?,
            }
            key_pair(checks, &client, (&config, url, recorder)).await?;
        }
        Err(error) if route.failed(checks, &error)? => {}
        // Every response of the service has a request id. This response has none, so a CDN or a
        // proxy sent it.
        Err(error) if error.status() == Some(StatusCode::FORBIDDEN) && error.request_id().is_none() => {
            let found = "403 without an x-request-id: a CDN or proxy responded instead of the service";
            let next = "check that this machine's address and user agent are not blocked and that MOOV_BASE_URL is \
                        right; the credentials were not checked";
            checks.add("reached.cdn", Verdict::Fail, found, next)?;
        }
        Err(error) => {
            if error.status().is_some() {
                route.responded(checks, None, error.date(), tolerance)?;
            }
            refused(checks, &config, &requested, &error, recorder).await?;
        }
    }
    webhooks(checks, &config)?;
    delivery.map_or(Ok(()), |delivery| delivery::moov(checks, &config, delivery))
}

/// Revokes the token, because the token would otherwise stay valid for an hour.
async fn issued(
    checks: &mut Checks<'_>,
    client: &Client,
    (config, url, recorder): Service<'_>,
    requested: &[Scope],
    token: &Token,
) -> Result<(), Failure> {
    let is_for_page = origin(checks, config, token.audience())?;
    scopes(checks, requested, token.scope(), ALLOW_SCOPES)?;
    if is_for_page {
        bearer(checks, (config, url, recorder), token).await?;
    } else {
        let found = "not checked, because the token is not for the configured origin";
        checks.add("token.unchecked", Verdict::Skip, found, "")?;
    }
    match client.revoke(&token, None).await {
        Ok(_) => checks.ok("revoke.ok", "the token of this check was revoked"),
        Err(error) => checks.fail("revoke.failed", &error),
    }
}

/// If the origin is wrong, or if the service ignores `client_type`, the service may issue a token
/// that the API then rejects with 401 and without a reason.
async fn bearer(
    checks: &mut Checks<'_>,
    (config, url, recorder): Service<'_>,
    token: &Token,
) -> Result<(), Failure> {
    let http = config.http_options()?.to_reqwest(url)?;
    let headers = bearer_headers(config, token);
    let response = match probe::request(&http, url, headers.clone()) {
        Some(request) => {
            let called = request.url().clone();
            let read = sent(http.execute(request).await.ok()).await;
            recorder.add_read(&Method::GET, &called, &headers, read.as_ref());
            read
        }
        None => None,
    };
    match probe::classify(response.as_ref()) {
        Acceptance::Accepted(_) => checks.ok("token.ok", "accepted on GET /accounts"),
        Acceptance::Forbidden => {
            checks.ok("token.ok", "accepted: GET /accounts only reports a missing scope")
        }
        Acceptance::Refused => {
            let asked = config.version.as_deref().unwrap_or(DEFAULT);
            let next = if config.origin.is_some() || config.referer.is_some() {
                ALLOW_ORIGIN.to_owned()
            } else if knows_client_type(asked) {
                "check that MOOV_BASE_URL and the API key belong to the same environment; if they do, the service may \
                 have ignored client_type: set MOOV_ORIGIN to a domain of the API key"
                    .to_owned()
            } else {
                format!(
                    "set MOOV_VERSION to {DEFAULT} or newer, or set MOOV_ORIGIN: the token is for a web page"
                )
            };
            let found = "401 on GET /accounts, although the token was just issued";
            checks.add("token.refused", Verdict::Fail, found, &next)
        }
        Acceptance::Intercepted(status) => {
            checks.add("token.unchecked", Verdict::Skip, &intercepted(status), "")
        }
        Acceptance::Unknown => checks.add("token.unchecked", Verdict::Skip, NO_ACCOUNTS, ""),
    }
}

const NO_ACCOUNTS: &str = "not checked, because this base url has no GET /accounts";

fn intercepted(status: StatusCode) -> String {
    format!("a CDN, proxy or portal responded to GET /accounts with {}", status.as_u16())
}

fn bearer_headers(config: &Config, token: &Token) -> HeaderMap {
    let mut headers = version_headers(config);
    let mut add = |name: HeaderName, text: &str, is_secret: bool| {
        if let Ok(mut value) = HeaderValue::from_str(text) {
            value.set_sensitive(is_secret);
            headers.insert(name, value);
        }
    };
    add(header::AUTHORIZATION, &format!("Bearer {}", token.expose_secret()), true);
    if is_web(config) {
        if let Some(origin) = &config.origin {
            add(header::ORIGIN, origin, false);
        } else if let Some(referer) = &config.referer {
            add(header::REFERER, referer, false);
        }
    }
    headers
}

fn version_headers(config: &Config) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let version = config.version.as_deref().unwrap_or(DEFAULT);
    if let (true, Ok(value)) = (version != NONE, HeaderValue::from_str(version)) {
        headers.insert("x-moov-version", value);
    }
    headers
}

async fn sent(response: Option<reqwest::Response>) -> Option<Read> {
    Read::all(response?).await
}

fn is_web(config: &Config) -> bool {
    let has_page = config.origin.is_some() || config.referer.is_some();
    has_page && config.client_type.is_none_or(|kind| kind == ClientType::Web)
}

async fn key_pair(
    checks: &mut Checks<'_>,
    client: &Client,
    (config, url, recorder): Service<'_>,
) -> Result<(), Failure> {
    let http = config.http_options()?.to_reqwest(url)?;
    let pair = match client.basic_auth() {
        Ok(pair) => pair,
        Err(error) => return checks.fail("key_pair.failed", &error),
    };
    let mut headers = version_headers(config);
    let response = match probe::request(&http, url, headers.clone()) {
        Some(request) => {
            let called = request.url().clone();
            let read = sent(pair.send(&http, request).await.ok()).await;
            // `send` added the key pair to the `Authorization` header of the request. The
            // transcript must contain only the scheme of this header.
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic"));
            recorder.add_read(&Method::GET, &called, &headers, read.as_ref());
            read
        }
        None => None,
    };
    match probe::classify(response.as_ref()) {
        Acceptance::Accepted(_) => checks.ok("key_pair.ok", "accepted without a token on GET /accounts"),
        refused @ (Acceptance::Refused | Acceptance::Forbidden) => {
            let status = if refused == Acceptance::Refused { 401 } else { 403 };
            let found = format!("the key pair was rejected: {status} on GET /accounts");
            let next = "use tokens, or check the permissions of the MOOV_CLIENT_ID key in Moov's dashboard";
            checks.add("key_pair.refused", Verdict::Warn, &found, next)
        }
        Acceptance::Intercepted(status) => {
            checks.add("key_pair.unchecked", Verdict::Skip, &intercepted(status), "")
        }
        Acceptance::Unknown => checks.add("key_pair.unchecked", Verdict::Skip, NO_ACCOUNTS, ""),
    }
}

/// The service may issue a token even if the origin is not allowed. The audience of such a token
/// does not contain the origin.
fn origin(checks: &mut Checks<'_>, config: &Config, audience: Option<Vec<String>>) -> Result<bool, Failure> {
    let Some(origin) = config.origin.as_ref().or(config.referer.as_ref()).filter(|_| is_web(config)) else {
        checks.add("origin.none", Verdict::Skip, "tokens are for a service, not for a web page", "")?;
        return Ok(true);
    };
    match audience {
        Some(audience) if !audience.contains(origin) => {
            let found = format!("the token is not valid for {origin}: requests with it get a 401");
            checks.add("origin.not_in_audience", Verdict::Fail, &found, ALLOW_ORIGIN)?;
            Ok(false)
        }
        Some(_) => checks.ok("origin.ok", &format!("{origin} is in the token's audience")).map(|()| true),
        None => {
            let found = format!(
                "a token was issued for {origin}, but it does not show whether the origin is allowed"
            );
            checks.ok("origin.unproven", &found).map(|()| true)
        }
    }
}

/// The cause of a 403 can be the credentials or the origin. A second call without the origin shows
/// which of the two is the cause.
async fn refused(
    checks: &mut Checks<'_>,
    config: &Config,
    requested: &[Scope],
    error: &Error,
    recorder: &Recorder,
) -> Result<(), Failure> {
    let has_page = config.origin.is_some() || config.referer.is_some();
    if error.kind() == ErrorKind::Unauthorized && has_page {
        let mut plain = config.clone();
        (plain.origin, plain.referer) = (None, None);
        plain.client_type = None;
        plain.version = None;
        let client = recorder.moov(&plain)?.build()?;
        if let Ok(response) = client.create_access_token(requested).await {
            _ = client.revoke(&response.into_body().access_token, None).await;
            checks.ok("credentials.ok", "accepted without an origin")?;
            return checks.add(
                "origin.refused",
                Verdict::Fail,
                "the configured origin is not allowed",
                ALLOW_ORIGIN,
            );
        }
    }
    let blames_scope =
        error.code() == Some("invalid_scope") || error.fields().iter().any(|field| field.field == "scope");
    if blames_scope {
        return checks.add("scopes.refused", Verdict::Fail, &chain(error), ALLOW_SCOPES);
    }
    if version::refused(checks, config, requested, error, recorder).await? {
        return Ok(());
    }
    let id =
        if error.kind() == ErrorKind::Unauthorized { "credentials.refused" } else { "credentials.failed" };
    checks.fail(id, error)
}

fn webhooks(checks: &mut Checks<'_>, config: &Config) -> Result<(), Failure> {
    if config.webhook_secret.is_none() && config.webhook_secret_file.is_none() {
        return checks.add("webhooks.none", Verdict::Skip, "MOOV_WEBHOOK_SECRET is not set", "");
    }
    match config.webhooks() {
        Ok(_) => checks.ok("webhooks.ok", "the signing secret is valid"),
        Err(error) => {
            let next = "correct MOOV_WEBHOOK_SECRET or the MOOV_WEBHOOK_SECRET_FILE file";
            checks.add("webhooks.invalid", Verdict::Fail, &chain(&error), next)
        }
    }
}
