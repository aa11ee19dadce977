//! What the scripts answer, read as what anybody could have written.
//!
//! Any other shape is an error, and nothing of it is shown.

use std::{num::NonZeroU64, time::Duration};

use redis::Value;

use crate::token::{Stop, StoreError};

/// What there is of a key.
#[derive(Debug)]
pub(super) enum Reply {
    Token { generation: Option<NonZeroU64>, sealed: Vec<u8> },
    Leased { fence: u64, generation: Option<NonZeroU64>, refresh_token: Vec<u8> },
    Held,
    Stopped(Stop),
    None,
}

impl Reply {
    pub(super) fn read(value: Value) -> Result<Self, StoreError> {
        let Value::Array(parts) = value else { return Err(foreign()) };
        let mut parts = parts.into_iter();
        let word = bytes(parts.next())?;
        Ok(match word.as_slice() {
            b"token" => {
                Self::Token { generation: generation(&bytes(parts.next())?), sealed: bytes(parts.next())? }
            }
            b"leased" => Self::Leased {
                fence: number(parts.next())?,
                generation: generation(&bytes(parts.next())?),
                refresh_token: bytes(parts.next())?,
            },
            b"held" => Self::Held,
            b"closed" => Self::Stopped(Stop::CoolDown(Duration::from_millis(number(parts.next())?))),
            b"refused" => Self::Stopped(Stop::Refused(Duration::from_millis(number(parts.next())?))),
            b"none" | b"open" => Self::None,
            _ => return Err(foreign()),
        })
    }
}

/// Whether a script did what it was asked.
pub(super) fn done(value: &Value) -> Result<bool, StoreError> {
    match value {
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        _ => Err(foreign()),
    }
}

/// The same for each of some.
pub(super) fn each_done(value: &Value, count: usize) -> Result<Vec<bool>, StoreError> {
    match value {
        Value::Array(values) if values.len() == count => values.iter().map(done).collect(),
        _ => Err(foreign()),
    }
}

pub(super) fn foreign() -> StoreError {
    StoreError::new("redis: an answer of another shape")
}

fn bytes(value: Option<Value>) -> Result<Vec<u8>, StoreError> {
    match value {
        Some(Value::BulkString(bytes)) => Ok(bytes),
        _ => Err(foreign()),
    }
}

fn number(value: Option<Value>) -> Result<u64, StoreError> {
    match value {
        Some(Value::Int(number)) => u64::try_from(number).map_err(|_| foreign()),
        _ => Err(foreign()),
    }
}

/// `None` for what is none of ours; the entry is overwritten then.
fn generation(text: &[u8]) -> Option<NonZeroU64> {
    let text = std::str::from_utf8(text).ok()?;
    NonZeroU64::new(u64::from_str_radix(text, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn no_other_shape_is_taken_and_none_makes_it_panic() {
        for value in [
            Value::Nil,
            Value::Int(1),
            text("token"),
            Value::Array(vec![]),
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![text("other")]),
            Value::Array(vec![text("token"), text("00")]),
            Value::Array(vec![text("token"), Value::Int(1), text("x")]),
            Value::Array(vec![text("leased"), Value::Int(-1), text(""), text("")]),
            Value::Array(vec![text("leased"), text("1"), text(""), text("")]),
            Value::Array(vec![text("closed"), Value::Int(i64::MIN)]),
            Value::Array(vec![Value::Array(vec![text("held")])]),
        ] {
            assert!(Reply::read(value.clone()).is_err(), "{value:?}");
        }
        assert!(each_done(&Value::Array(vec![Value::Int(2)]), 1).is_err());
        assert!(each_done(&Value::Array(vec![]), 1).is_err());
    }
}
