//! The allow-lists for a transcript.

use fintech_auth::{HttpOptions, moneykit, moov, reqwest::Url};
use serde_json::{Value, json};

pub(super) const METHODS: &[&str] = &["GET", "POST"];

const PATHS: &[&str] = &[
    "/.well-known/jwks.json",
    "/accounts",
    "/auth/introspect",
    "/auth/token",
    "/oauth2/revoke",
    "/oauth2/token",
];

const HOSTS: &[&str] = &["api.moneykit.com", "api.moov.io"];

pub(super) const NAMES: &[&str] = &[
    "access_token",
    "accountID",
    "account_id",
    "alg",
    "api_version",
    "app",
    "app_id",
    "app_name",
    "aud",
    "audience",
    "azp",
    "cid",
    "client_id",
    "client_name",
    "client_secret",
    "client_type",
    "cloudflare_error",
    "code",
    "created_at",
    "createdOn",
    "crv",
    "detail",
    "details",
    "disabled_at",
    "documentation_url",
    "e",
    "environment",
    "error",
    "error_code",
    "error_category",
    "error_description",
    "error_message",
    "error_name",
    "error_uri",
    "errors",
    "exp",
    "expires",
    "expires_at",
    "expires_in",
    "extras",
    "field",
    "fields",
    "grant_type",
    "iat",
    "id",
    "id_token",
    "instance",
    "ip",
    "isFacilitator",
    "iss",
    "issued_at",
    "issued_token_type",
    "jti",
    "key_ops",
    "keys",
    "kid",
    "kty",
    "loc",
    "location",
    "message",
    "mode",
    "msg",
    "n",
    "name",
    "nbf",
    "not_before",
    "origin",
    "owner_error",
    "partner_id",
    "permissions",
    "platform",
    "ray_id",
    "ray_name",
    "realm",
    "refresh_expires_in",
    "refresh_token",
    "refresh_token_expires_in",
    "request_id",
    "requestID",
    "retry_after",
    "retryable",
    "role",
    "roles",
    "scope",
    "scopes",
    "scp",
    "session_state",
    "status",
    "statusCode",
    "sub",
    "success",
    "tenant",
    "test_mode",
    "tid",
    "timestamp",
    "title",
    "token",
    "token_type",
    "token_type_hint",
    "tokenType",
    "trace_id",
    "type",
    "typ",
    "url",
    "use",
    "user_id",
    "validation_errors",
    "ver",
    "version",
    "what_you_should_do",
    "x",
    "x5c",
    "x5t",
    "y",
    "zone",
];

pub(super) const TIMES: &[&str] = &[
    "exp",
    "expires",
    "expires_at",
    "expires_in",
    "iat",
    "issued_at",
    "nbf",
    "not_before",
    "refresh_expires_in",
    "refresh_token_expires_in",
    "retry_after",
    "timestamp",
];

pub(super) const SCOPES: &[&str] = &["scope", "scopes", "scp"];

pub(super) fn values(name: &str) -> &'static [&'static str] {
    match name {
        "token_type" | "tokenType" => &["Bearer", "bearer", "BEARER", "jwt", "JWT", "opaque"],
        "grant_type" => &["client_credentials", "refresh_token"],
        "client_type" => &["d", "device", "s", "service", "w", "web"],
        "token_type_hint" => &["access_token", "refresh_token"],
        "alg" => &["ES256", "ES384", "EdDSA", "HS256", "HS512", "PS256", "RS256", "RS512", "none"],
        "typ" => &["JWT", "at+jwt", "jwt"],
        "kty" => &["EC", "OKP", "RSA", "oct"],
        "crv" => &["Ed25519", "P-256", "P-384", "P-521"],
        "use" => &["enc", "sig"],
        "iss" => &["https://api.moneykit.com", "https://api.moov.io", "https://api.moov.io#applications"],
        "mode" | "environment" => &["live", "production", "sandbox", "test"],
        "error" | "error_code" | "code" => ERRORS,
        _ => &[],
    }
}

/// The error codes of RFC 6749 section 5.2 and RFC 6750 section 3.1, and known codes of MoneyKit.
pub(super) const ERRORS: &[&str] = &[
    "access_denied",
    "api_error.auth.expired_access_token",
    "api_error.auth.unauthorized",
    "api_error.rate_limit_exceeded",
    "api_error.request.validation_failed",
    "insufficient_scope",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_token",
    "server_error",
    "temporarily_unavailable",
    "unauthorized",
    "unauthorized_client",
    "unsupported_grant_type",
];

pub(super) fn find(list: &[&'static str], text: &str) -> Option<&'static str> {
    list.iter().find(|known| **known == text).copied()
}

pub(super) fn known(list: &[&'static str], text: &str) -> &'static str {
    find(list, text).unwrap_or("other")
}

pub(super) fn path(path: &str) -> &'static str {
    PATHS.iter().find(|known| path.ends_with(**known)).copied().unwrap_or("another path")
}

pub(super) fn host(url: &Url) -> &'static str {
    match url.host_str() {
        Some(host) if HttpOptions::is_loopback(host) => "this machine",
        Some(host) => find(HOSTS, host).unwrap_or("another host"),
        None => "another host",
    }
}

pub(super) fn scopes<'a>(scopes: impl Iterator<Item = &'a str>) -> Value {
    const MOST: usize = 50;
    let all: Vec<&str> = scopes.collect();
    let shown: Vec<Value> = all.iter().take(MOST).map(|scope| self::scope(scope)).collect();
    json!({ "scopes": shown, "count": all.len() })
}

fn scope(text: &str) -> Value {
    match moov::NamedScope::parse_list(text).into_iter().next() {
        Some(moov::NamedScope::Other { .. }) | None => {}
        Some(moov::NamedScope::Account { account_id, scope }) => {
            let whole = scope.of(account_id).to_string();
            return whole.replace(&account_id.to_string(), "{accountID}").into();
        }
        Some(scope) => return scope.to_string().into(),
    }
    match moneykit::NamedScope::parse_list(text).into_iter().next() {
        Some(moneykit::NamedScope::Other { .. }) | None => length(text),
        Some(scope) => scope.to_string().into(),
    }
}

pub(super) fn length(text: &str) -> Value {
    json!({ "characters": text.chars().count() })
}
