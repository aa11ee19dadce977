//! Parses the replies of the scripts. Replies are untrusted, because other programs may have
//! written the data.

use std::time::Duration;

use redis::Value;

use super::names::read_id;
use crate::token::{
    id::TokenId,
    store::{Block, Notice, StoreError},
};

#[derive(Debug)]
pub(super) enum Reply {
    Token(Sealed),
    Leased { fence: u64, wait: Duration, parents: Parents, refresh_token: Vec<u8> },
    Granted { wait: Duration },
    Held { left: Duration },
    Blocked(Block),
    None,
}

#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) id: Option<TokenId>,
    pub(super) text: Vec<u8>,
    pub(super) refresh_token_id: Option<TokenId>,
    pub(super) left: Duration,
    /// The time of the Redis server, in microseconds.
    pub(super) now: u64,
}

pub(super) type Parents = (Option<TokenId>, Option<TokenId>);

impl Reply {
    pub(super) fn read(value: Value) -> Result<Self, StoreError> {
        let Value::Array(parts) = value else { return Err(unexpected_reply()) };
        let mut parts = parts.into_iter();
        let word = bytes(parts.next())?;
        Ok(match word.as_slice() {
            b"token" => Self::Token(Sealed {
                id: read_id(&bytes(parts.next())?),
                text: bytes(parts.next())?,
                refresh_token_id: read_id(&bytes(parts.next())?),
                left: millis(parts.next())?,
                now: number(parts.next())?,
            }),
            b"leased" => Self::Leased {
                fence: number(parts.next())?,
                wait: millis(parts.next())?,
                parents: (read_id(&bytes(parts.next())?), read_id(&bytes(parts.next())?)),
                refresh_token: bytes(parts.next())?,
            },
            b"granted" => Self::Granted { wait: millis(parts.next())? },
            b"held" => Self::Held { left: millis(parts.next())? },
            b"closed" => Self::Blocked(Block::CoolDown(millis(parts.next())?)),
            b"refused" => Self::Blocked(Block::Refused(millis(parts.next())?)),
            b"limited" => Self::Blocked(Block::RateLimit(millis(parts.next())?)),
            b"none" => Self::None,
            _ => return Err(unexpected_reply()),
        })
    }
}

pub(super) fn done(value: &Value) -> Result<bool, StoreError> {
    match value {
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        _ => Err(unexpected_reply()),
    }
}

pub(super) fn marks(value: &Value, ids: &[TokenId]) -> Result<Vec<Notice>, StoreError> {
    let Value::Array(marks) = value else { return Err(unexpected_reply()) };
    if marks.len() != ids.len() {
        return Err(unexpected_reply());
    }
    let notice = |(mark, id): (&Value, &TokenId)| match mark {
        Value::Int(0) => Ok(None),
        Value::Int(1) => Ok(Some(Notice::Invalidated(*id))),
        Value::Int(2) => Ok(Some(Notice::Revoked(*id))),
        _ => Err(unexpected_reply()),
    };
    marks.iter().zip(ids).map(notice).filter_map(Result::transpose).collect()
}

pub(super) fn unexpected_reply() -> StoreError {
    StoreError::new("redis: unexpected script reply")
}

fn bytes(value: Option<Value>) -> Result<Vec<u8>, StoreError> {
    match value {
        Some(Value::BulkString(bytes)) => Ok(bytes),
        _ => Err(unexpected_reply()),
    }
}

fn number(value: Option<Value>) -> Result<u64, StoreError> {
    match value {
        Some(Value::Int(number)) => u64::try_from(number).map_err(|_| unexpected_reply()),
        _ => Err(unexpected_reply()),
    }
}

fn millis(value: Option<Value>) -> Result<Duration, StoreError> {
    number(value).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn unexpected_replies_cause_errors_and_no_panic() {
        for value in [
            Value::Nil,
            Value::Int(1),
            text("token"),
            Value::Array(vec![]),
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![text("other")]),
            Value::Array(vec![text("token"), text("00")]),
            Value::Array(vec![text("token"), Value::Int(1), text("x")]),
            Value::Array(vec![text("token"), text("00"), text("x"), text("")]),
            Value::Array(vec![text("leased"), Value::Int(-1), Value::Int(0), text(""), text(""), text("")]),
            Value::Array(vec![text("leased"), Value::Int(1), Value::Int(-1), text(""), text(""), text("")]),
            Value::Array(vec![text("leased"), text("1"), Value::Int(0), text(""), text(""), text("")]),
            Value::Array(vec![text("granted")]),
            Value::Array(vec![text("granted"), text("1")]),
            Value::Array(vec![text("held")]),
            Value::Array(vec![text("closed"), Value::Int(i64::MIN)]),
            Value::Array(vec![Value::Array(vec![text("held")])]),
        ] {
            assert!(Reply::read(value.clone()).is_err(), "{value:?}");
        }
        for value in [Value::Array(vec![Value::Int(3)]), Value::Array(vec![]), Value::Int(1)] {
            assert!(marks(&value, &[TokenId::MIN]).is_err(), "{value:?}");
        }
    }
}
