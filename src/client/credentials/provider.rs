//! The trait that provides a client with its credentials.

use std::{fmt::Debug, pin::Pin, sync::Arc};

use super::pair::Credentials;
use crate::Error;

/// The future that the methods of a [`CredentialsProvider`] return. The future is boxed, so that
/// providers can be trait objects.
pub type CredentialsFuture<'a> = Pin<Box<dyn Future<Output = Result<Credentials, Error>> + Send + 'a>>;

/// Provides a client with its credentials, which may change while the client runs.
///
/// [`Credentials`] never change, and [`FileCredentials`](crate::FileCredentials) are read from
/// files. Implement this trait for other sources, such as a secret manager. The guide [*Rotate
/// credentials*](crate::guide::rotate_credentials) has an example.
///
/// # When the client calls the provider
///
/// - The client calls [`credentials`](Self::credentials) before each token request, each
///   revocation, and each call of
///   [`introspect_client`](crate::moneykit::Client::introspect_client). An
///   [`Authorizer`](crate::authorize::Authorizer) that adds the client id and secret to your own
///   requests calls `credentials` only if no credentials are known yet. A client with a
///   [constant](Self::is_constant) provider calls `credentials` only until it has credentials.
/// - The client calls [`after_refusal`](Self::after_refusal) when the vendor has rejected the
///   credentials, at most once every 5 s. If the provider returns different credentials, the client
///   sends the rejected request once more with the new credentials. Otherwise the client caches the
///   rejection
///   ([`TokenOptions::with_negative_cache_ttl`](crate::token::TokenOptions::with_negative_cache_ttl)).
///
/// A client makes one provider call at a time, on the tokio runtime of the caller, with a timeout
/// of 5 s. If the provider fails, hangs or panics, the client logs a warning, uses the last
/// credentials, and calls the provider again after 10 s. During these 10 s, a client that has no
/// credentials yet returns the error of the failed provider call:
/// [`Timeout`](crate::ErrorKind::Timeout), [`InvalidConfig`](crate::ErrorKind::InvalidConfig), or
/// in all other cases [`Unavailable`](crate::ErrorKind::Unavailable).
///
/// # Security
///
/// The provider's `Debug` output and errors must not contain the secret, because the client logs
/// them.
pub trait CredentialsProvider: Debug + Send + Sync + 'static {
    /// Returns the credentials to send. The provider may return credentials from memory.
    fn credentials(&self) -> CredentialsFuture<'_>;

    /// Returns the credentials to send after the vendor rejected `refused`. A provider that caches
    /// credentials must fetch them again. By default, calls [`Self::credentials`].
    fn after_refusal<'a>(&'a self, refused: &'a Credentials) -> CredentialsFuture<'a> {
        let _ = refused;
        self.credentials()
    }

    /// Returns credentials that are already known, without waiting. Default: `None`.
    ///
    /// When you build a client, the builder checks the credentials that this method returns. The
    /// keys of stored tokens contain the client id, or the name that you pass to
    /// `with_credentials_name`. If this method returns `None` and the client has a
    /// [`TokenStore`](crate::token::TokenStore), you must call `with_credentials_name`.
    fn known(&self) -> Option<Credentials> {
        None
    }

    /// Returns `true` if the credentials never change. The client then calls
    /// [`credentials`](Self::credentials) only until it has credentials. Default: `false`.
    fn is_constant(&self) -> bool {
        false
    }
}

impl CredentialsProvider for Credentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async { Ok(self.clone()) })
    }

    fn known(&self) -> Option<Credentials> {
        Some(self.clone())
    }

    fn is_constant(&self) -> bool {
        true
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

    fn is_constant(&self) -> bool {
        (**self).is_constant()
    }
}
