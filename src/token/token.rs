//! An access token with its header value, its expiry and its id.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::Guard;
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::{
    Error, ErrorKind, Secret,
    clock::{FOREVER, millis},
    token::{
        id::{TokenId, token_id},
        lifetime::{
            age::Life,
            expiry::{ExpiryRule, audience},
        },
        syntax::{MAX_KEPT, check_issued},
    },
};

const BEARER: &str = "Bearer ";

/// An access token that is expected to be valid. A token is cheap to clone and to send to other
/// threads.
///
/// `Debug` shows the expiry and its rule, not the token.
pub struct Token(Guard<Arc<Issued>>);

/// Keep this type small, because one process may have 100,000 tokens.
pub(crate) struct Issued {
    header: HeaderValue,
    pub(super) scope: Option<Box<str>>,
    pub(super) id: Option<TokenId>,
    pub(super) scopes_hash: u64,
    pub(super) life: Life,
}

impl Token {
    /// Creates a token for tests of a service, for example for a
    /// [`StaticTokenProvider`](super::StaticTokenProvider). No server has issued this token.
    ///
    /// The token is valid for `lifetime` from now, and no cache renews it. For a token that a
    /// server issued, use [`IssuedToken::into_token`](super::IssuedToken::into_token).
    ///
    /// # Errors
    ///
    /// Returns [`InvalidConfig`](ErrorKind::InvalidConfig) if the token is longer than 16 KiB or is
    /// not a bearer token (RFC 6750 section 2.1). A bearer token consists of letters, digits and
    /// `-._~+/`, and may end with `=`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use fintech_auth::Token;
    ///
    /// let token = Token::new("test-token", Duration::from_secs(60))?;
    /// assert_eq!(token.authorization(), "Bearer test-token");
    /// assert!(Token::new("two words", Duration::from_secs(60)).is_err());
    /// # Ok::<(), fintech_auth::Error>(())
    /// ```
    pub fn new(secret: impl Into<Secret>, lifetime: Duration) -> Result<Self, Error> {
        let secret = secret.into();
        let invalid = |reason: Cow<'static, str>| Error::new(ErrorKind::InvalidConfig, reason);
        check_issued(&secret, None, &mut None).map_err(invalid)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let end = millis(now.saturating_add(lifetime.min(FOREVER)));
        let life = Life { stale: end, wall_stale: end, window: 0, rule: ExpiryRule::Seconds };
        let issued = Issued::new(&secret, None, token_id(&secret), 0, life)
            .map_err(|error| invalid(error.to_string().into()))?;
        Ok(Self::from_arc(Arc::new(issued)))
    }

    pub(super) fn from_guard(guard: Guard<Arc<Issued>>) -> Self {
        Self(guard)
    }

    pub(super) fn from_arc(issued: Arc<Issued>) -> Self {
        Self(Guard::from_inner(issued))
    }

    pub(super) fn issued(&self) -> &Arc<Issued> {
        &self.0
    }

    /// Returns the token as a string, without copying it.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the value of the `Authorization` header (RFC 6750 section 2.1).
    ///
    /// The value is marked as sensitive, so that HTTP stacks do not log it. Cloning the value does
    /// not copy the token.
    pub fn authorization(&self) -> &HeaderValue {
        &self.0.header
    }

    /// Copies the token into a [`Secret`].
    pub fn to_secret(&self) -> Secret {
        Secret::new(self.expose_secret())
    }

    /// Returns the granted scopes, separated by spaces. Returns `None` if the token response did
    /// not contain the scopes.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    /// Returns the `aud` claim of a JWT. Returns `None` for an opaque token, and for a JWT without
    /// this claim.
    ///
    /// The JWT is not verified. Moov issues tokens even for an origin that is not allowed. The
    /// audience of such a token lacks the origin. Requests with such a token fail with a 401
    /// response that does not state the reason.
    pub fn audience(&self) -> Option<Vec<String>> {
        audience(self.expose_secret())
    }

    /// Returns the wall-clock time at which the cache stops using the token.
    pub fn expires_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.life.wall_end())
    }

    /// Returns the rule that determined [`Self::expires_at`].
    pub fn expiry_rule(&self) -> ExpiryRule {
        self.0.life.rule
    }
}

impl Issued {
    pub(super) fn new(
        token: &Secret,
        scope: Option<String>,
        id: TokenId,
        scopes_hash: u64,
        life: Life,
    ) -> Result<Self, Error> {
        if token.expose_secret().len() > MAX_KEPT {
            let reason = "the issued token is longer than 16 KiB";
            return Err(Error::new(ErrorKind::InvalidResponse, reason).with_sent(true));
        }
        let printable =
            !token.is_empty() && token.expose_secret().bytes().all(|byte| matches!(byte, 0x21..=0x7e));
        let bytes = Zeroizing::new([BEARER, token.expose_secret()].concat().into_bytes().into_boxed_slice());
        let header = printable.then(|| HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).ok());
        let mut header = header.flatten().ok_or_else(|| {
            Error::new(ErrorKind::InvalidResponse, "the issued token is empty or contains invalid characters")
        })?;
        header.set_sensitive(true);
        let scope = scope.filter(|scope| scope.len() <= MAX_KEPT).map(String::into_boxed_str);
        Ok(Self { header, scope, id: Some(id), scopes_hash, life })
    }

    pub(super) fn none() -> Self {
        let life = Life { stale: 0, wall_stale: 0, window: 0, rule: ExpiryRule::Absent };
        let header = HeaderValue::from_static("");
        Self { header, scope: None, id: None, scopes_hash: 0, life }
    }

    pub(super) fn expose_secret(&self) -> &str {
        self.header.to_str().unwrap_or_default().get(BEARER.len()..).unwrap_or_default()
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        Self(Guard::from_inner(Arc::clone(&self.0)))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("token", &"[redacted]")
            .field("scope", &self.scope)
            .field("expires_at", &(SystemTime::UNIX_EPOCH + Duration::from_millis(self.life.wall_end())))
            .field("rule", &self.life.rule)
            .field("id", &self.id)
            .finish()
    }
}
