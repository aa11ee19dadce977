//! Where client credentials come from.

use std::{fmt::Debug, pin::Pin, sync::Arc};

use super::pair::Credentials;
use crate::Error;

/// What the methods of a [`CredentialsProvider`] return: boxed, so that any provider can be used as `dyn`.
pub type CredentialsFuture<'a> = Pin<Box<dyn Future<Output = Result<Credentials, Error>> + Send + 'a>>;

/// Provides a client with its credentials, which may change while the client runs.
///
/// [`Credentials`] never change, [`FileCredentials`](crate::FileCredentials) are read from files. Implement it for
/// another place, such as a secret manager. The guide [*Rotate credentials*](crate::guide::rotate_credentials) shows one.
///
/// # When it is called
///
/// - [`credentials`](Self::credentials) before each call that sends the credentials: token calls, revocations,
///   introspection by key pair. Requests of your own that an [`Authorizer`](crate::authorize::Authorizer) signs
///   do not call it, unless nothing is known yet.
/// - [`after_refusal`](Self::after_refusal) when the vendor refused the credentials, at most once in 5 s for a
///   client. If it returns others, the refused call is sent once more with them. Otherwise the refusal is remembered
///   ([`TokenOptions::with_negative_cache_ttl`](crate::token::TokenOptions::with_negative_cache_ttl)).
///
/// A client calls it once at a time, on the tokio runtime of the call, and waits for 5 s at most. If it fails, hangs
/// or panics, the client logs a warning, goes on with the last credentials, and calls it again after 10 s. A client
/// that has no credentials yet fails with [`Unavailable`](crate::ErrorKind::Unavailable) until then.
///
/// # Security
///
/// `Debug` and the errors must not show the secret: the client logs them.
pub trait CredentialsProvider: Debug + Send + Sync + 'static {
    /// The credentials to send. They may come from memory.
    fn credentials(&self) -> CredentialsFuture<'_>;

    /// The credentials to send after the vendor refused these. A provider that keeps credentials in memory gets them
    /// anew. Default: [`Self::credentials`].
    fn after_refusal<'a>(&'a self, refused: &'a Credentials) -> CredentialsFuture<'a> {
        let _ = refused;
        self.credentials()
    }

    /// The credentials that are known already, without waiting. `build` checks them. Default: `None`.
    ///
    /// Without them, a client with a [`TokenStore`](crate::token::TokenStore) needs a name for its credentials
    /// (`with_credentials_name` of its builder), because stored tokens are found by the client id otherwise.
    fn known(&self) -> Option<Credentials> {
        None
    }
}

impl CredentialsProvider for Credentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async { Ok(self.clone()) })
    }

    fn known(&self) -> Option<Credentials> {
        Some(self.clone())
    }
}

impl<P: CredentialsProvider + ?Sized> CredentialsProvider for Arc<P> {
    fn credentials(&self) -> CredentialsFuture<'_> {
        (**self).credentials()
    }

    fn after_refusal<'a>(&'a self, refused: &'a Credentials) -> CredentialsFuture<'a> {
        (**self).after_refusal(refused)
    }

    fn known(&self) -> Option<Credentials> {
        (**self).known()
    }
}
