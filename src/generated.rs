//! The clients that `build.rs` generated from `specs/`, and the hooks by which we send their calls.
//!
//! Private, because the generator's error type prints response bodies; its types are public as
//! `moneykit::types` and `moov::types`. Lints are relaxed here alone.

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
            /// A client that sends this one call.
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

            async fn exec(
                &self,
                request: reqwest::Request,
                _: &OperationInfo,
            ) -> reqwest::Result<reqwest::Response> {
                self.inner().exec(request).await
            }
        }
    };
}

vendor!(moneykit);
vendor!(moov);
