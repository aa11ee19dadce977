//! The error type and the exit codes of all commands. An error never contains a secret.

use std::borrow::Cow;

use fintech_auth::{
    Error, ErrorKind,
    emulator::Attempt,
    webhook::{VerifyError, VerifyErrorKind},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    Local = 1,
    Usage = 2,
    Unauthorized = 3,
    InvalidRequest = 4,
    RateLimited = 5,
    Unavailable = 6,
    Timeout = 7,
    InvalidResponse = 8,
    WebhookRejected = 9,
    Finding = 10,
    NoRefreshToken = 11,
    NotDelivered = 12,
    NotRejected = 13,
    Hangup = 128 + 1,
    Interrupt = 128 + 2,
    Terminate = 128 + 15,
}

pub(crate) const EXITS: &[(Exit, &str, &str)] = &[
    (Exit::Local, "local", "local error: check the file, port or output that the error names"),
    (Exit::Usage, "invalid_config", "correct the arguments or the configuration; no request was sent"),
    (Exit::Unauthorized, "unauthorized", "correct the credentials, or request a new token"),
    (Exit::InvalidRequest, "invalid_request", "correct the request: the vendor rejected it"),
    (Exit::RateLimited, "rate_limited", "too many requests: wait, then try again"),
    (Exit::Unavailable, "unavailable", "try again later: the vendor or the network is unavailable"),
    (Exit::Timeout, "timeout", "try again, or increase the timeout (--timeout)"),
    (Exit::InvalidResponse, "invalid_response", "report a bug: the response does not match the API schema"),
    (
        Exit::WebhookRejected,
        "webhook_rejected",
        "reject the webhook: it is not authentic, too old or malformed",
    ),
    (Exit::Finding, "finding", "fix the problems that doctor reports"),
    (Exit::NoRefreshToken, "no_refresh_token", "continue without a refresh token: the vendor issued none"),
    (
        Exit::NotDelivered,
        "not_delivered",
        "fix the handler, its URL or its key: no delivery attempt succeeded",
    ),
    (Exit::NotRejected, "not_rejected", "fix the handler: it accepted a webhook that it must reject"),
    (Exit::Hangup, "signal", "no action needed: the command got SIGHUP and finished its request"),
    (Exit::Interrupt, "signal", "no action needed: the command got SIGINT and finished its request"),
    (Exit::Terminate, "signal", "no action needed: the command got SIGTERM and finished its request"),
];

impl Exit {
    fn row(self) -> (&'static str, &'static str) {
        let row = EXITS.iter().find(|(exit, ..)| *exit == self);
        row.map_or(("local", ""), |(_, name, next)| (*name, *next))
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    pub(crate) fn next(self) -> &'static str {
        self.row().1
    }

    pub(crate) fn next_for(self, vendor: &str) -> Cow<'static, str> {
        let vendor = vendor.to_ascii_uppercase();
        let next = match self {
            Self::Unauthorized => format!(
                "correct the credentials ({vendor}_CLIENT_ID and {vendor}_CLIENT_SECRET, or --config), or request a \
                 new token"
            ),
            Self::Timeout => format!("try again, or increase the timeout (--timeout or {vendor}_TIMEOUT)"),
            Self::InvalidResponse => format!(
                "check that --base-url or {vendor}_BASE_URL names the right server; if it does, {}",
                self.next()
            ),
            _ => return self.next().into(),
        };
        next.into()
    }

    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidConfig => Self::Usage,
            ErrorKind::Unauthorized => Self::Unauthorized,
            ErrorKind::InvalidRequest => Self::InvalidRequest,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Timeout => Self::Timeout,
            // `ErrorKind` is non-exhaustive, so an unknown kind is reported as an invalid response.
            _ => Self::InvalidResponse,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) reason: String,
    pub(crate) causes: Vec<String>,
    pub(crate) error: Option<Error>,
    vendor: Option<&'static str>,
}

impl Failure {
    fn new(exit: Exit, reason: impl Into<String>) -> Self {
        Self { exit, reason: reason.into(), causes: Vec::new(), error: None, vendor: None }
    }

    pub(crate) fn local(reason: impl Into<String>) -> Self {
        Self::new(Exit::Local, reason)
    }

    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Self::new(Exit::Usage, reason)
    }

    pub(crate) fn no_refresh_token() -> Self {
        Self::new(Exit::NoRefreshToken, "the vendor issued no refresh token, so nothing was saved")
    }

    pub(crate) fn signal(exit: Exit) -> Self {
        Self::new(exit, "received a signal; the request was finished and its result saved")
    }

    pub(crate) fn with_reason(mut self, more: impl std::fmt::Display) -> Self {
        self.reason = format!("{}; {more}", self.reason);
        self
    }

    pub(crate) fn not_delivered(attempts: &[Attempt]) -> Self {
        let last = attempts.last().map(|attempt| match &attempt.result {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        });
        let things = if attempts.len() == 1 { "attempt" } else { "attempts" };
        let reason = format!(
            "not delivered after {} {things}; last result: {}",
            attempts.len(),
            last.unwrap_or_default()
        );
        Self::new(Exit::NotDelivered, reason)
    }

    pub(crate) fn not_rejected() -> Self {
        Self::new(Exit::NotRejected, "the handler accepted a webhook that it must reject")
    }

    pub(crate) fn of_vendor(self, vendor: &'static str) -> Self {
        Self { vendor: Some(vendor), ..self }
    }

    pub(crate) fn finding(count: usize) -> Self {
        let things = if count == 1 { "check" } else { "checks" };
        Self::new(Exit::Finding, format!("{count} {things} failed"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let causes = causes(&error);
        Self { causes, error: Some(error.clone()), ..Self::new(Exit::of(error.kind()), error.to_string()) }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let undecided =
            matches!(error.kind(), VerifyErrorKind::KeysUnavailable | VerifyErrorKind::KeysCoolingDown);
        let exit = if undecided { Exit::Unavailable } else { Exit::WebhookRejected };
        let reason = format!("{error} ({}); respond with status {}", error.reason(), error.status().as_u16());
        Self { causes: causes(&error), ..Self::new(exit, reason) }
    }
}

impl Failure {
    pub(crate) fn next(&self) -> Cow<'static, str> {
        match (self.error.as_ref().and_then(Error::code), self.vendor) {
            (Some("invalid_grant"), _) => {
                "issue a new token: this refresh token was already used or revoked, or has expired".into()
            }
            (_, Some(vendor)) => self.exit.next_for(vendor),
            (_, None) => self.exit.next().into(),
        }
    }
}

pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}

pub(crate) fn chain(error: &Error) -> String {
    std::iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}
