//! Checks whether the configured API version supports the fields of the token request, and whether
//! the response has the configured version.

use fintech_auth::{
    Error, ErrorKind, Scope, moneykit,
    moov::{
        self, ClientType,
        version::{DEFAULT, DEV, LATEST, NONE, knows_client_type},
    },
};
use http::{HeaderMap, StatusCode};

use super::{
    check::{Checks, Verdict},
    record::Recorder,
};
use crate::exit::{Failure, chain};

/// Returns the value of a header only if it has the form of a version, because the value is
/// printed.
fn received(headers: Option<&HeaderMap>, name: &str) -> Option<String> {
    let text = headers?.get(name)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_version = (1..=16).contains(&text.len()) && text.bytes().all(is_plain);
    is_version.then(|| text.to_owned())
}

fn pair(asked: &str, received: Option<&str>) -> String {
    match received {
        Some(received) => format!("{asked} sent, {received} in the response"),
        None => format!("{asked} sent, none in the response"),
    }
}

/// Must return the `client_type` that the client sends. The docs of
/// `ClientBuilder::with_client_type` say when the client sends this field, and with which value.
fn client_type(config: &moov::Config, asked: &str) -> &'static str {
    let has_page = config.origin.is_some() || config.referer.is_some();
    match config.client_type {
        _ if !knows_client_type(asked) => "not sent",
        Some(ClientType::Device) => "device",
        Some(ClientType::Web) => "web",
        Some(_) => "service",
        None if has_page => "not sent",
        None => "service",
    }
}

pub(super) fn moov(
    checks: &mut Checks<'_>,
    config: &moov::Config,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let asked = config.version.as_deref().unwrap_or(DEFAULT);
    let received = received(Some(headers), "x-moov-version");
    let has_page = config.origin.is_some() || config.referer.is_some();
    let kind = client_type(config, asked);
    let found = format!("{}; client_type {kind}", pair(asked, received.as_deref()));
    if !knows_client_type(asked) && !has_page {
        let next = format!(
            "unset MOOV_VERSION, or set it to {DEFAULT} or newer: older versions issue tokens only for web pages, which \
             need MOOV_ORIGIN"
        );
        return checks.add("version.too_old", Verdict::Warn, &found, &next);
    }
    if matches!(asked, LATEST | DEV) {
        let next = format!(
            "set MOOV_VERSION to a fixed version, such as {DEFAULT}: this version changes without notice"
        );
        return checks.add("version.moving", Verdict::Warn, &found, &next);
    }
    match received {
        Some(received) if asked != NONE && received != asked => {
            let next =
                "set MOOV_VERSION to a version that the service supports, such as the one in the response";
            checks.add("version.differs", Verdict::Warn, &found, next)
        }
        _ => checks.ok("version.ok", &found),
    }
}

pub(super) async fn refused(
    checks: &mut Checks<'_>,
    config: &moov::Config,
    scopes: &[Scope],
    error: &Error,
    recorder: &Recorder,
) -> Result<bool, Failure> {
    let is_shape = error.kind() == ErrorKind::InvalidRequest
        && matches!(error.status(), Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY));
    if !is_shape {
        return Ok(false);
    }
    let asked = config.version.as_deref().unwrap_or(DEFAULT);
    let received = received(error.headers(), "x-moov-version");
    let found = |what: &str| format!("{}; {what}: {}", pair(asked, received.as_deref()), chain(error));
    if client_type(config, asked) != "not sent" && issues(config, scopes, None, recorder).await? {
        let found = found("the token call fails with client_type and succeeds without it");
        let next = format!(
            "set MOOV_VERSION to a version that supports client_type ({DEFAULT} or newer); if it already does, report \
             a bug, and set MOOV_ORIGIN as a workaround"
        );
        checks.add("version.field_refused", Verdict::Fail, &found, &next)?;
        return Ok(true);
    }
    if asked != NONE && issues(config, scopes, Some(NONE), recorder).await? {
        let found = found("the token call fails with this version and succeeds without a version");
        let next =
            format!("set MOOV_VERSION to a version that the vendor documents, such as {DEFAULT}, or to none");
        checks.add("version.refused", Verdict::Fail, &found, &next)?;
        return Ok(true);
    }
    Ok(false)
}

async fn issues(
    config: &moov::Config,
    scopes: &[Scope],
    version: Option<&str>,
    recorder: &Recorder,
) -> Result<bool, Failure> {
    let mut plain = config.clone();
    plain.client_type = None;
    plain.version = version.map(str::to_owned).or(plain.version);
    let client = recorder.moov(&plain)?.with_client_type(None).build()?;
    match client.create_access_token(scopes).await {
        Ok(response) => {
            _ = client.revoke(&response.into_body().access_token, None).await;
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

pub(super) fn moneykit(
    checks: &mut Checks<'_>,
    config: &moneykit::Config,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let asked = config.version.as_deref().unwrap_or(moneykit::VERSION);
    let received = received(Some(headers), "moneykit-version");
    let found = pair(asked, received.as_deref());
    if asked != moneykit::VERSION {
        let next =
            format!("unset MONEYKIT_VERSION: this release supports only version {}", moneykit::VERSION);
        return checks.add("version.unknown", Verdict::Warn, &found, &next);
    }
    match received {
        Some(received) if received != asked => {
            let next = "read the vendor's changelog for the versions after the one that was sent, and report anything that does not work";
            checks.add("version.differs", Verdict::Warn, &found, next)
        }
        _ => checks.ok("version.ok", &found),
    }
}
