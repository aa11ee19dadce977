//! How a command fails: the exit code, and what is said. It never holds a secret.

use std::borrow::Cow;

use fintech_auth::{
    Error, ErrorKind,
    emulator::Attempt,
    webhook::{VerifyError, VerifyErrorKind},
};

/// The exit code, by what to do next. 0 is success.
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
    Refused = 9,
    Finding = 10,
    NoRefreshToken = 11,
    NotDelivered = 12,
    NotRefused = 13,
    Hangup = 128 + 1,
    Interrupt = 128 + 2,
    Terminate = 128 + 15,
}

/// All of them, as the help and the docs tell them.
pub(crate) const EXITS: &[(Exit, &str, &str)] = &[
    (Exit::Local, "local", "correct the local file, port or output that the error names"),
    (Exit::Usage, "invalid_config", "correct the arguments or the configuration; nothing was sent"),
    (Exit::Unauthorized, "unauthorized", "correct the credentials, or get a new token"),
    (Exit::InvalidRequest, "rejected", "correct the request: the vendor refuses it as it stands"),
    (Exit::RateLimited, "rate_limited", "wait, then try again"),
    (Exit::Unavailable, "unavailable", "try again later: the vendor, or the way to it, fails"),
    (Exit::Timeout, "timeout", "try again, or allow more time (--timeout)"),
    (Exit::InvalidResponse, "unreadable", "report it: the response is not what the contract says"),
    (Exit::Refused, "webhook_refused", "refuse the webhook: it is not authentic, too old, or not readable"),
    (Exit::Finding, "finding", "correct what doctor found"),
    (Exit::NoRefreshToken, "no_refresh_token", "go on without a refresh token: none was issued or saved"),
    (
        Exit::NotDelivered,
        "not_delivered",
        "correct the handler, its URL or key: no attempt got the right response",
    ),
    (Exit::NotRefused, "not_refused", "correct the handler: it accepted a webhook that it must refuse"),
    (Exit::Hangup, "signal", "nothing: SIGHUP came, and the call was finished first"),
    (Exit::Interrupt, "signal", "nothing: SIGINT came, and the call was finished first"),
    (Exit::Terminate, "signal", "nothing: SIGTERM came, and the call was finished first"),
];

impl Exit {
    fn row(self) -> (&'static str, &'static str) {
        let row = EXITS.iter().find(|(exit, ..)| *exit == self);
        row.map_or(("local", ""), |(_, name, next)| (*name, *next))
    }

    /// As JSON names it.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// What to do next.
    pub(crate) fn next(self) -> &'static str {
        self.row().1
    }

    /// What to do next, with the names of a vendor's settings where they may be wrong.
    pub(crate) fn next_for(self, vendor: &str) -> Cow<'static, str> {
        let vendor = vendor.to_ascii_uppercase();
        let next = match self {
            Self::Unauthorized => format!(
                "correct the credentials ({vendor}_CLIENT_ID and {vendor}_CLIENT_SECRET, or --config), or get a new \
                 token"
            ),
            Self::Timeout => format!("try again, or allow more time (--timeout or {vendor}_TIMEOUT)"),
            Self::InvalidResponse => format!(
                "correct --base-url or {vendor}_BASE_URL if it names another server; otherwise {}",
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
            // A kind that is new here is reported as well.
            _ => Self::InvalidResponse,
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) reason: String,
    /// The errors below it, outermost first.
    pub(crate) causes: Vec<String>,
    pub(crate) error: Option<Error>,
    /// Whose command failed.
    vendor: Option<&'static str>,
}

impl Failure {
    fn new(exit: Exit, reason: impl Into<String>) -> Self {
        Self { exit, reason: reason.into(), causes: Vec::new(), error: None, vendor: None }
    }

    /// Something on this machine.
    pub(crate) fn local(reason: impl Into<String>) -> Self {
        Self::new(Exit::Local, reason)
    }

    /// Arguments that make no sense. The reason shows none of their values.
    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Self::new(Exit::Usage, reason)
    }

    /// `--save` has nothing to save. The access token was told.
    pub(crate) fn no_refresh_token() -> Self {
        Self::new(Exit::NoRefreshToken, "the service issued no refresh token, so none is saved")
    }

    /// A signal came, after which the work was finished.
    pub(crate) fn signal(exit: Exit) -> Self {
        Self::new(exit, "a signal came; the call was finished, and its outcome is kept")
    }

    /// The same failure, and what is to be known beside it.
    pub(crate) fn with_reason(mut self, more: impl std::fmt::Display) -> Self {
        self.reason = format!("{}; {more}", self.reason);
        self
    }

    /// No attempt of a delivery got the response that it must get.
    pub(crate) fn not_delivered(attempts: &[Attempt]) -> Self {
        let last = attempts.last().map(|attempt| match &attempt.result {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        });
        let things = if attempts.len() == 1 { "attempt" } else { "attempts" };
        let reason = format!(
            "not delivered after {} {things}; the last one: {}",
            attempts.len(),
            last.unwrap_or_default()
        );
        Self::new(Exit::NotDelivered, reason)
    }

    /// A webhook was accepted that is forged or old.
    pub(crate) fn not_refused() -> Self {
        Self::new(Exit::NotRefused, "the handler accepted a webhook that it must refuse")
    }

    /// The same failure, of a command of this vendor.
    pub(crate) fn of_vendor(self, vendor: &'static str) -> Self {
        Self { vendor: Some(vendor), ..self }
    }

    /// `doctor` found something. What, it has said already.
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
        let exit = if undecided { Exit::Unavailable } else { Exit::Refused };
        let reason = format!("{error} ({}); respond with {}", error.reason(), error.status().as_u16());
        Self { causes: causes(&error), ..Self::new(exit, reason) }
    }
}

impl Failure {
    /// What to do next. Of a refusal, the vendor's code may say more than its kind does.
    pub(crate) fn next(&self) -> Cow<'static, str> {
        match (self.error.as_ref().and_then(Error::code), self.vendor) {
            (Some("invalid_grant"), _) => {
                "issue a new token: this refresh token was used, revoked or has expired".into()
            }
            (_, Some(vendor)) => self.exit.next_for(vendor),
            (_, None) => self.exit.next().into(),
        }
    }
}

/// The chain below an error. No error of the crate shows a secret.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}

/// An error with the chain below it, on one line.
pub(crate) fn chain(error: &Error) -> String {
    std::iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}
