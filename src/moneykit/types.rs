//! Types of MoneyKit's response bodies and error bodies, generated from
//! `specs/moneykit/openapi.yaml`.
//!
//! The types are non-exhaustive and follow the API schema. If the vendor adds a field, a minor
//! release of this crate adds the field. If the vendor removes a field or changes the type of a
//! field, only a breaking release of this crate makes the same change. The types of request bodies
//! are not public, because the methods of the client create the request bodies. To get an error
//! body, call [`Error::body`](crate::Error::body).
//!
//! # Security
//!
//! Types that hold a token do not implement `Serialize`, so that your HTTP handler cannot return a
//! token by mistake.

pub use crate::generated::moneykit::types::{
    AppClientResponse, AppResponse, CreateAccessTokenResponse, ErrorResponse, JwkSet, ValidationErrorItem,
    ValidationErrorItemLocationItem, ValidationErrorResponse,
};
