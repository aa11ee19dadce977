//! What MoneyKit responds with, generated from `specs/moneykit/openapi.yaml`: the bodies of its responses, and those of
//! its errors for [`Error::body`](crate::Error::body).
//!
//! They follow the contract and are non-exhaustive: a field that the vendor adds is a new field here,
//! in a minor release; one that it drops or retypes is a breaking change here as well. Request bodies are not
//! public: the client's methods write them.
//!
//! # Security
//!
//! A type that holds a token does not implement `Serialize`, so a handler cannot hand out a refresh token by
//! responding with it.

pub use crate::generated::moneykit::types::{
    AppClientResponse, AppResponse, CreateAccessTokenResponse, ErrorResponse, JwkSet, ValidationErrorItem,
    ValidationErrorItemLocationItem, ValidationErrorResponse,
};
