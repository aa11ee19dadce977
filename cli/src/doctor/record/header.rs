//! Redacts headers for a transcript.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    shape::{near, seconds},
    words::{ERRORS, find, length},
};

#[derive(Clone, Copy)]
enum Kind {
    Words(&'static [&'static str]),
    Scheme,
    Challenge,
    Id,
    Time,
    Number,
    Version,
    Set,
}

const HEADERS: &[(&str, Kind)] = &[
    ("accept", Kind::Words(MEDIA)),
    ("age", Kind::Number),
    ("authorization", Kind::Scheme),
    ("cache-control", Kind::Words(CACHE)),
    ("cf-cache-status", Kind::Words(&["BYPASS", "DYNAMIC", "HIT", "MISS"])),
    ("cf-mitigated", Kind::Words(&["challenge"])),
    ("cf-ray", Kind::Id),
    ("connection", Kind::Words(&["close", "keep-alive"])),
    ("content-encoding", Kind::Words(&["br", "gzip", "identity", "zstd"])),
    ("content-length", Kind::Number),
    ("content-type", Kind::Words(MEDIA)),
    ("date", Kind::Time),
    ("location", Kind::Set),
    ("moneykit-version", Kind::Version),
    ("origin", Kind::Set),
    ("pragma", Kind::Words(&["no-cache"])),
    ("ratelimit-limit", Kind::Number),
    ("ratelimit-remaining", Kind::Number),
    ("ratelimit-reset", Kind::Time),
    ("referer", Kind::Set),
    ("retry-after", Kind::Time),
    ("server", Kind::Words(SERVERS)),
    ("set-cookie", Kind::Set),
    ("strict-transport-security", Kind::Set),
    ("transfer-encoding", Kind::Words(&["chunked"])),
    ("vary", Kind::Set),
    ("via", Kind::Set),
    ("www-authenticate", Kind::Challenge),
    ("x-client-id", Kind::Set),
    ("x-client-secret", Kind::Set),
    ("x-moov-version", Kind::Version),
    ("x-powered-by", Kind::Set),
    ("x-ratelimit-limit", Kind::Number),
    ("x-ratelimit-remaining", Kind::Number),
    ("x-ratelimit-reset", Kind::Time),
    ("x-request-id", Kind::Id),
    ("x-retry-in", Kind::Number),
];

const MEDIA: &[&str] = &[
    "*/*",
    "application/json",
    "application/jwt",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "charset",
    "text/html",
    "text/plain",
    "utf-8",
    "UTF-8",
];

const CACHE: &[&str] =
    &["max-age", "must-revalidate", "no-cache", "no-store", "no-transform", "private", "public", "s-maxage"];

const SERVERS: &[&str] = &[
    "Caddy",
    "cloudflare",
    "CloudFront",
    "envoy",
    "Google Frontend",
    "gunicorn",
    "istio-envoy",
    "nginx",
    "openresty",
    "uvicorn",
    "Varnish",
];

const SCHEMES: &[&str] = &["Basic", "Bearer", "Digest", "Negotiate", "basic", "bearer"];

pub(super) fn all(headers: &HeaderMap) -> Value {
    let mut shown = Map::new();
    for (name, kind) in HEADERS {
        let mut values = headers.get_all(*name).iter();
        let Some(first) = values.next() else { continue };
        let more = values.count();
        let value = match first.to_str() {
            Ok(text) => show(*kind, text),
            Err(_) => json!("not ASCII"),
        };
        let value = if more == 0 { value } else { json!({ "first": value, "more": more }) };
        shown.insert((*name).to_owned(), value);
    }
    let is_listed = |name: &str| HEADERS.iter().any(|(listed, _)| *listed == name);
    let others = headers.keys().filter(|name| !is_listed(name.as_str())).count();
    shown.insert("(others)".to_owned(), others.into());
    shown.into()
}

fn show(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Words(list) => words(list, text).map_or_else(|| length(text), Value::from),
        Kind::Scheme => find(SCHEMES, scheme(text)).unwrap_or("other").into(),
        Kind::Challenge => {
            let error = ERRORS.iter().find(|error| text.contains(&format!("error=\"{error}\"")));
            json!({ "scheme": find(SCHEMES, scheme(text)).unwrap_or("other"), "error": error })
        }
        Kind::Id if Uuid::parse_str(text).is_ok() => "uuid".into(),
        Kind::Id => length(text),
        Kind::Number => number(text).map_or_else(|| length(text), Value::from),
        Kind::Time => time(text).unwrap_or_else(|| length(text)),
        Kind::Version => version(text).unwrap_or_else(|| length(text)),
        Kind::Set => "set".into(),
    }
}

fn scheme(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn words(list: &[&'static str], text: &str) -> Option<String> {
    let mut shown = Vec::new();
    for part in text.split([',', ';', '=']).map(str::trim) {
        match find(list, part) {
            Some(word) => shown.push(word.to_owned()),
            None => shown.push(number(part)?.to_string()),
        }
    }
    (shown.len() <= 8).then(|| shown.join(" "))
}

/// Accepts at most one year in seconds, because a larger number could contain a secret.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number <= 366 * 86_400 && text.len() <= 8)
}

fn time(text: &str) -> Option<Value> {
    if let Some(span) = number(text) {
        return Some(seconds(span));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    near(date.timestamp(), i64::try_from(now.as_secs()).ok()?)
}

fn version(text: &str) -> Option<Value> {
    let named = find(&["dev", "latest"], text).map(Value::from);
    named.or_else(|| {
        let (prefix, separator, rest) = match text.strip_prefix('v') {
            Some(rest) => ("v", '.', rest),
            None => ("", '-', text),
        };
        let parts: Vec<&str> = rest.split(separator).collect();
        let [year, month, last] = parts[..] else { return None };
        let is_plain = parts
            .iter()
            .zip([4, 2, 2])
            .all(|(part, digits)| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()));
        let (year, month): (u16, u8) = (year.parse().ok()?, month.parse().ok()?);
        let last: u8 = last.parse().ok()?;
        let is_credible = is_plain && (2015..2100).contains(&year) && (1..=12).contains(&month) && last <= 31;
        is_credible.then(|| format!("{prefix}{year:04}{separator}{month:02}{separator}{last:02}").into())
    })
}
