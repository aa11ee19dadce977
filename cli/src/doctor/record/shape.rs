//! Redacts bodies for a transcript.

use std::{
    cell::Cell,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use super::words::{NAMES, SCOPES, TIMES, find, known, length, scopes, values};

const DEPTH: usize = 6;
const MEMBERS: usize = 64;
const ITEMS: usize = 3;
const VALUES: usize = 500;
const MAX_JWT: usize = 16 << 10;
const YEAR: i64 = 366 * 86_400;

pub(super) fn request(headers: &HeaderMap, body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let fields: Vec<(String, String)> = if kind.starts_with("application/json") {
        let object: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
        object.into_iter().map(|(name, value)| (name, text(value))).collect()
    } else {
        let text = String::from_utf8_lossy(body);
        text.split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| {
                (name.to_owned(), value.replace('+', " ").replace("%2F", "/").replace("%3A", ":"))
            })
            .collect()
    };
    let shown = fields.iter().map(|(name, value)| {
        let shown = match find(SCOPES, name) {
            Some(_) => scopes(value.split_whitespace()),
            None => find(values(name), value).unwrap_or("set").into(),
        };
        (known(NAMES, name).to_owned(), shown)
    });
    Value::Object(shown.collect())
}

pub(super) fn response(body: &[u8], origin: Option<&str>) -> Value {
    let text = body.trim_ascii();
    if text.is_empty() {
        return json!({ "kind": "empty", "bytes": body.len() });
    }
    if let Ok(value) = serde_json::from_slice::<Value>(text) {
        let shape = Shape { origin, now: now(), left: Cell::new(VALUES) };
        return json!({ "kind": "json", "bytes": body.len(), "shape": shape.of("", &value, 0) });
    }
    let kind = match std::str::from_utf8(text) {
        Ok(text) if text.starts_with('<') => "markup",
        Ok(_) => "text",
        Err(_) => "binary",
    };
    let code = text.strip_prefix(b"error code: ").filter(|code| code.len() == 4);
    let code = code.and_then(|code| std::str::from_utf8(code).ok()?.parse::<u16>().ok());
    json!({ "kind": kind, "bytes": body.len(), "cloudflare_error": code })
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn seconds(seconds: u64) -> Value {
    json!({ "seconds": seconds })
}

pub(super) fn near(time: i64, now: i64) -> Option<Value> {
    let from_now = time.checked_sub(now).filter(|from_now| from_now.abs() <= YEAR)?;
    Some(json!({ "unix_time_from_now": from_now }))
}

struct Shape<'a> {
    origin: Option<&'a str>,
    now: i64,
    left: Cell<usize>,
}

impl Shape<'_> {
    fn of(&self, name: &str, value: &Value, depth: usize) -> Value {
        let Some(left) = self.left.get().checked_sub(1).filter(|_| depth < DEPTH) else {
            return "more".into();
        };
        self.left.set(left);
        match value {
            Value::Null => "null".into(),
            Value::Bool(_) => "boolean".into(),
            Value::Number(number) => match number.as_i64().filter(|_| TIMES.contains(&name)) {
                Some(time) => json!({ "number": self.time(time) }),
                None if number.is_f64() => "fraction".into(),
                None => "number".into(),
            },
            Value::String(text) => self.string(name, text),
            Value::Array(items) if SCOPES.contains(&name) && items.iter().all(Value::is_string) => {
                scopes(items.iter().filter_map(Value::as_str))
            }
            Value::Array(items) => {
                let shown: Vec<Value> =
                    items.iter().take(ITEMS).map(|item| self.of(name, item, depth + 1)).collect();
                let mut shape = json!({ "items": items.len(), "first": shown });
                if name == "aud" {
                    shape["has_origin"] = self.has_origin(items.iter().filter_map(Value::as_str)).into();
                }
                shape
            }
            Value::Object(members) => self.object(members, depth),
        }
    }

    fn object(&self, members: &Map<String, Value>, depth: usize) -> Value {
        let mut shape = Map::new();
        let mut unknown = Vec::new();
        let shown = MEMBERS.min(self.left.get());
        for (name, value) in members.iter().take(shown) {
            match find(NAMES, name) {
                Some(name) => _ = shape.insert(name.to_owned(), self.of(name, value, depth + 1)),
                None => unknown.push(json!({ "name": length(name), "value": self.of("", value, depth + 1) })),
            }
        }
        if !unknown.is_empty() {
            shape.insert("(unknown)".to_owned(), unknown.into());
        }
        if members.len() > shown {
            shape.insert("(more)".to_owned(), (members.len() - shown).into());
        }
        shape.into()
    }

    fn string(&self, name: &str, text: &str) -> Value {
        if let Some(word) = find(values(name), text) {
            return json!({ "string": word });
        }
        if SCOPES.contains(&name) {
            return json!({ "string": scopes(text.split_whitespace()) });
        }
        if TIMES.contains(&name)
            && let Ok(time) = text.parse::<i64>()
        {
            return json!({ "string": self.time(time) });
        }
        if name == "aud" {
            return json!({ "string": length(text), "has_origin": self.has_origin([text].into_iter()) });
        }
        let mut shape = json!({ "string": length(text) });
        if matches!(name, "access_token" | "refresh_token" | "id_token")
            && let Some(jwt) = self.jwt(text)
        {
            shape["jwt"] = jwt;
        }
        shape
    }

    fn time(&self, time: i64) -> Value {
        match u64::try_from(time) {
            Ok(span) if time <= YEAR => seconds(span),
            _ => near(time, self.now).unwrap_or_else(|| "out of range".into()),
        }
    }

    fn has_origin<'a>(&self, mut audience: impl Iterator<Item = &'a str>) -> Option<bool> {
        self.origin.map(|origin| audience.any(|one| one == origin))
    }

    fn jwt(&self, token: &str) -> Option<Value> {
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [head, claims, _] = parts[..] else { return None };
        if token.len() > MAX_JWT {
            return None;
        }
        let read = |part: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (head, claims) = (read(head)?, read(claims)?);
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        let lifetime = time("exp").zip(time("iat")).and_then(|(exp, iat)| exp.checked_sub(iat));
        let lifetime = lifetime.filter(|lifetime| (0..=YEAR).contains(lifetime));
        Some(json!({
            "header": self.object(&head, DEPTH - 3),
            "claims": self.object(&claims, DEPTH - 3),
            "lifetime": lifetime,
        }))
    }
}
