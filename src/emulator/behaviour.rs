//! Where Moov's live service and its documents differ.

/// How Moov behaves where its live service differs from its documents.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Behaviour {
    /// As the live service was seen in September 2026. A token is a JWT that lives an hour, `expires_in` is a Unix
    /// timestamp, and a token is issued for any `Origin` or none: if the origin is not allowed, the JWT's `aud`
    /// lacks it, and later requests with the token get a 401.
    #[default]
    Live,
    /// As the documents say. A token is opaque and lives 900 seconds, `expires_in` is a number of seconds, and a
    /// token of type `web` is refused with 403 without an `Origin` that is allowed.
    Documented,
}

/// How Moov writes `expires_in`: its documents disagree on the meaning, and a numeric string is to
/// be expected as well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ExpiresInStyle {
    /// Seconds of validity: `900`.
    Seconds,
    /// The Unix timestamp of the end: `1736964352`.
    Timestamp,
    /// Seconds of validity in a string: `"900"`.
    SecondsText,
    /// The Unix timestamp of the end in a string: `"1736964352"`.
    TimestampText,
}
