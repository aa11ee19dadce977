//! The differences between Moov's live service and its documentation.

/// Selects the emulator's behaviour where Moov's live service and Moov's documentation differ.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Behaviour {
    /// The behaviour of the live service, as users of the service reported it in September 2026.
    ///
    /// Access tokens are JWTs with a lifetime of 1 h, and `expires_in` is a Unix timestamp. The
    /// service issues a token for any `Origin`, and also without an `Origin`. If the origin is not
    /// allowed, the `aud` of the JWT does not contain the origin, and later requests with the token
    /// get a 401.
    #[default]
    Live,
    /// The documented behaviour.
    ///
    /// Access tokens are opaque with a lifetime of 900 s, and `expires_in` is a number of seconds.
    /// A request for a token of type `web` without an allowed `Origin` gets a 403.
    Documented,
}

/// The format of `expires_in` in Moov's responses. Moov's documentation contradicts itself about
/// whether the number is a lifetime or a timestamp. A client should also accept a number in a
/// string.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ExpiresInStyle {
    /// The lifetime in seconds: `900`.
    Seconds,
    /// The Unix timestamp of the expiry: `1736964352`.
    Timestamp,
    /// The lifetime in seconds, as a string: `"900"`.
    SecondsText,
    /// The Unix timestamp of the expiry, as a string: `"1736964352"`.
    TimestampText,
}
