//! The API clients that `build.rs` generates from `specs/`.
//!
//! The module is private, because the generator's error type prints response bodies, which may
//! contain secrets.

#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    missing_docs,
    rustdoc::all,
    unreachable_pub,
    unused_imports
)]

use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};

use crate::transport::Call;

macro_rules! vendor {
    ($name:ident) => {
        pub mod $name {
            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".rs"));
        }

        impl $name::Client {
            pub(crate) fn of(call: &Call) -> Self {
                let (base_url, http) = call.http().parts();
                Self::new_with_client(base_url, http, call.clone())
            }
        }

        impl ClientHooks<Call> for $name::Client {
            async fn pre<E>(
                &self,
                request: &mut reqwest::Request,
                _: &OperationInfo,
            ) -> Result<(), Error<E>> {
                self.inner().prepare(request);
                Ok(())
            }

            fn exec(
                &self,
                request: reqwest::Request,
                _: &OperationInfo,
            ) -> impl Future<Output = reqwest::Result<reqwest::Response>> {
                self.inner().exec(request)
            }

            /// Returns an error for every response, so that the generated method does not read the
            /// body. `Call` has already read the body.
            async fn post<E>(
                &self,
                result: &reqwest::Result<reqwest::Response>,
                _: &OperationInfo,
            ) -> Result<(), Error<E>> {
                match result {
                    Ok(_) => Err(Error::Custom(String::new())),
                    Err(_) => Ok(()),
                }
            }
        }
    };
}

vendor!(moneykit);
vendor!(moov);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::{Value, json};

    use super::{
        moneykit::types::CreateAccessTokenRequest,
        moov::types::{AuthTokenRequest, RevokeTokenRequest},
    };

    fn check<T: Debug + DeserializeOwned + Serialize>(fields: Value) {
        let request: T = serde_json::from_value(fields.clone()).unwrap();
        let text = format!("{request:?} {request:#?}");
        assert!(!text.contains("MARK") && text.contains("[redacted]"), "{text}");
        assert_eq!(serde_json::to_value(&request).unwrap(), fields);
    }

    #[test]
    fn request_sends_its_secrets_but_debug_does_not_show_them() {
        check::<CreateAccessTokenRequest>(json!({ "client_id": "id", "client_secret": "MARK" }));
        let grant =
            json!({ "grant_type": "refresh_token", "client_secret": "MARK", "refresh_token": "MARK-2" });
        check::<AuthTokenRequest>(grant);
        check::<RevokeTokenRequest>(json!({ "token": "MARK", "client_secret": "MARK-2" }));
        check::<RevokeTokenRequest>(json!({ "token": "MARK" }));
    }
}
