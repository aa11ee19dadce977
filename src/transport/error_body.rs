//! Reads the error bodies of both vendors: RFC 6749 errors, MoneyKit's own format, FastAPI's
//! `detail`, and Moov's messages about rejected fields.

use http::StatusCode;
use serde_json::{Map, Value};

use super::{json, redact::is_code};
use crate::{FieldError, error::ErrorBody};

const MAX_FIELDS: usize = 16;

pub(super) fn may_have_code(body: &[u8]) -> bool {
    // A member name may contain escapes, for example `\u0065rror`. So a body with a backslash is
    // always treated as if it may contain an error code. The loops do not return early, so that
    // the compiled code checks 16 bytes at a time.
    let has_escape = body.iter().fold(false, |any, byte| any | (*byte == b'\\'));
    let triples = body.iter().zip(body.iter().skip(1)).zip(body.iter().skip(2));
    has_escape | triples.fold(false, |any, ((a, b), c)| any | ((*a == b'"') & (*b == b'e') & (*c == b'r')))
}

pub(super) fn read(status: StatusCode, body: &[u8], fields: &[&str]) -> ErrorBody {
    let Some(body) = json::object(body) else { return ErrorBody::default() };
    let text = |name: &str| body.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    // Only gateways send a title or a numeric status, for example in problem JSON (RFC 9457). The
    // vendors send neither a title nor a numeric status.
    let is_gateway = body.contains_key("title") || body.get("status").is_some_and(Value::is_number);
    let vendors = |text: &String| !is_gateway || is_code(text);
    let mut found = ErrorBody {
        code: text("error_code").or_else(|| text("error")).filter(vendors),
        message: text("error_description").or_else(|| text("error_message")),
        fields: Vec::new(),
    };
    found.message = found.message.or_else(|| text("detail")).filter(|_| !is_gateway);
    for list in ["validation_errors", "detail"].map(|name| body.get(name).and_then(Value::as_array)) {
        found.fields.extend(list.into_iter().flatten().filter_map(located));
    }
    if status == StatusCode::UNPROCESSABLE_ENTITY && !is_gateway {
        found.fields.extend(fields.iter().filter_map(|field| named(field, &body)));
    }
    found.fields.truncate(MAX_FIELDS);
    found
}

fn located(item: &Value) -> Option<FieldError> {
    let path = item.get("location").or_else(|| item.get("loc"))?.as_array()?;
    let path = path.iter().take(MAX_FIELDS).map(|step| match step {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    });
    let message = item.get("message").or_else(|| item.get("msg")).and_then(Value::as_str);
    let field = path.collect::<Vec<_>>().join(".");
    Some(FieldError { field, message: message.unwrap_or_default().to_owned() })
}

fn named(field: &str, body: &Map<String, Value>) -> Option<FieldError> {
    let message = match body.get(field)? {
        Value::String(message) => message.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        _ => return None,
    };
    Some(FieldError { field: field.to_owned(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_422(body: &str) -> ErrorBody {
        read(StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes(), &["scope", "token"])
    }

    fn code_and_message(body: &str) -> (Option<String>, Option<String>) {
        let details = read_422(body);
        (details.code, details.message)
    }

    fn fields(body: &str) -> Vec<(String, String)> {
        read_422(body).fields.into_iter().map(|field| (field.field, field.message)).collect()
    }

    #[test]
    fn error_code_and_message_are_read_from_each_error_format() {
        let some = |text: &str| Some(text.to_owned());
        for (body, code, message) in [
            (r#"{"error":"invalid_client","error_description":"no"}"#, some("invalid_client"), some("no")),
            (
                "\u{feff}{\"error_code\":\"api_error.x\",\"error_message\":\"m\"}",
                some("api_error.x"),
                some("m"),
            ),
            (r#"{"detail":"Not authenticated"}"#, None, some("Not authenticated")),
            (r#"{"error":"","detail":7}"#, None, None),
            (r#"{"error":{"code":1},"error_code":1010}"#, None, None),
            (r#"{"type":"x","title":"Error 1010","status":403,"detail":"blocked"}"#, None, None),
            (r#"{"status":403,"error":"Forbidden","path":"/"}"#, None, None),
            (r#"{"status":400,"error":"invalid_grant"}"#, some("invalid_grant"), None),
            (r#"{"message":"Forbidden"}"#, None, None),
            (r#"{"\u0065rror":"invalid_grant"}"#, some("invalid_grant"), None),
            ("<html>", None, None),
        ] {
            assert!(code.is_none() || may_have_code(body.as_bytes()), "{body}");
            assert_eq!(code_and_message(body), (code, message), "{body}");
        }
    }

    #[test]
    fn names_of_invalid_fields_are_read_from_each_error_format() {
        let field = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        for (body, read) in [
            (r#"{"scope":"bad","other":"x"}"#, vec![field("scope", "bad")]),
            (r#"{"scope":["a",1,"b"],"token":7}"#, vec![field("scope", "a; b")]),
            (r#"{"detail":[{"loc":["body","grant_type"],"msg":"m"}]}"#, vec![field("body.grant_type", "m")]),
            (
                r#"{"validation_errors":[{"location":["body",0],"message":"m"},null,7,{"location":7}]}"#,
                vec![field("body.0", "m")],
            ),
        ] {
            assert_eq!(fields(body), read, "{body}");
        }
        let many = format!(r#"{{"detail":[{}{{}}]}}"#, r#"{"loc":["a"],"msg":"m"},"#.repeat(1000));
        assert_eq!(fields(&many).len(), MAX_FIELDS);
    }
}
