//! `--delivery`: whether the configured webhook secret or keys verify a delivery that somebody pasted, and if not, why.
//! The signature and the time are checked separately, because a pasted delivery is usually old.

use std::time::{Duration, SystemTime};

use fintech_auth::{
    Error, Secret,
    moneykit::{
        self,
        webhook::{VerifierOptions, VerifyingKeys, signature, verify},
    },
    moov::{
        self,
        webhook::{SignedHeaders, SigningSecrets},
    },
    webhook::{Tolerance, VerifyError, VerifyErrorKind},
};

use super::{
    check::{Checks, Verdict},
    network::TOLERANCE,
};
use crate::{
    exit::{Failure, chain},
    received::Received,
};

/// Longer than any delivery is kept: a hundred years.
const ANY_TIME: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A pasted delivery. Its headers say whose it is.
pub(super) struct Delivery {
    received: Received,
    pub(super) is_moneykit: bool,
}

impl Delivery {
    /// # Errors
    ///
    /// For a file that cannot be read, or is no delivery of either vendor.
    pub(super) fn read(path: &str) -> Result<Self, Failure> {
        let received = Received::read_whole("--delivery", path)?;
        let is_moneykit = received.headers.contains_key("moneykit-signature");
        if !is_moneykit && !received.headers.contains_key("x-signature") {
            return Err(Failure::usage(
                "the file of --delivery has neither a MoneyKit-Signature nor an X-Signature header: give all headers \
                 as they came, an empty line, and the body",
            ));
        }
        Ok(Self { received, is_moneykit })
    }
}

/// What came of the signature alone.
enum Signed {
    Right(SystemTime, &'static str),
    Wrong(VerifyError),
}

pub(super) fn moov(
    checks: &mut Checks<'_>,
    config: &moov::Config,
    delivery: &Delivery,
) -> Result<(), Failure> {
    let current = match config.current_webhook_secret() {
        Ok(current) => current,
        Err(error) => return unreadable(checks, &error),
    };
    // The verifier reads the previous one, and says what is wrong with it.
    if let Err(error) = config.webhooks() {
        return unreadable(checks, &error);
    }
    let headers = &delivery.received.headers;
    let by = |secret: Secret, what| match signed(headers, secret) {
        Ok(Ok(at)) => Ok(Signed::Right(at, what)),
        Ok(Err(error)) => Ok(Signed::Wrong(error)),
        Err(error) => Err(error),
    };
    let signed = match by(current, "MOOV_WEBHOOK_SECRET") {
        Ok(Signed::Wrong(error)) if error.kind() == VerifyErrorKind::InvalidSignature => {
            match previous(config) {
                Some(previous) => match by(previous, PREVIOUS) {
                    Ok(Signed::Wrong(_)) => Ok(Signed::Wrong(error)),
                    other => other,
                },
                None => Ok(Signed::Wrong(error)),
            }
        }
        other => other,
    };
    let next_for = |kind| match kind {
        VerifyErrorKind::InvalidSignature => Some((
            "delivery.other_secret",
            "the headers are whole, but another secret signed them, or one of them was changed",
            "copy the signing secret of this very webhook from Moov's dashboard into MOOV_WEBHOOK_SECRET: each webhook \
             has its own, and the test mode has others",
        )),
        _ => None,
    };
    match signed {
        Ok(signed) => report(checks, signed, config.webhook_tolerance, next_for, "; the body is not signed"),
        Err(error) => unreadable(checks, &error),
    }
}

const PREVIOUS: &str = "MOOV_PREVIOUS_WEBHOOK_SECRET";

/// The secret before the current one, if it is set and readable.
fn previous(config: &moov::Config) -> Option<Secret> {
    let mut swapped = config.clone();
    swapped.webhook_secret = swapped.previous_webhook_secret.take();
    swapped.webhook_secret_file = swapped.previous_webhook_secret_file.take();
    swapped.current_webhook_secret().ok()
}

/// The time at which this secret signed the headers, however long ago.
fn signed(headers: &http::HeaderMap, secret: Secret) -> Result<Result<SystemTime, VerifyError>, Error> {
    let secrets = SigningSecrets::new([secret])?;
    let tolerance = Tolerance::new(ANY_TIME);
    Ok(SignedHeaders::read(headers).and_then(|parts| secrets.verify(&parts, SystemTime::now(), tolerance)))
}

fn unreadable(checks: &mut Checks<'_>, error: &Error) -> Result<(), Failure> {
    let next = "set MOOV_WEBHOOK_SECRET or MOOV_WEBHOOK_SECRET_FILE to the signing secret of the webhook";
    checks.add("delivery.no_secret", Verdict::Fail, &chain(error), next)
}

pub(super) async fn moneykit(
    checks: &mut Checks<'_>,
    client: &moneykit::Client,
    config: &moneykit::Config,
    delivery: &Delivery,
) -> Result<(), Failure> {
    let keys = match client.jwks().await {
        Ok(set) => VerifyingKeys::new(&set),
        Err(error) => return checks.fail("delivery.no_keys", &error),
    };
    let Received { headers, body } = &delivery.received;
    let options =
        VerifierOptions::default().with_tolerance(Tolerance::new(ANY_TIME)).with_expiry_leeway(ANY_TIME);
    let by = |body: &[u8]| -> Result<SystemTime, VerifyError> {
        Ok(verify(signature(headers)?, body, &keys, SystemTime::now(), &options)?.signed_at())
    };
    let signed = match by(body) {
        // Pasting adds the end of the last line.
        Err(error) if error.kind() == VerifyErrorKind::BodyMismatch => {
            let bare = body.strip_suffix(b"\n").map(|body| body.strip_suffix(b"\r").unwrap_or(body));
            match bare.map(by) {
                Some(Ok(at)) => Signed::Right(at, "one of the service's keys, without the last line end"),
                _ => Signed::Wrong(error),
            }
        }
        Err(error) => Signed::Wrong(error),
        Ok(at) => Signed::Right(at, "one of the service's keys"),
    };
    let next_for = |kind| match kind {
        VerifyErrorKind::UnknownKey => Some((
            "delivery.other_key",
            "the service has no key of this id",
            "see that MONEYKIT_BASE_URL is of the environment that sent it; an old delivery may be of a key that is gone",
        )),
        VerifyErrorKind::InvalidSignature => Some((
            "delivery.other_key",
            "another key signed it, or the header was changed",
            "paste it as it came",
        )),
        VerifyErrorKind::BodyMismatch => Some((
            "delivery.body_changed",
            "the signature is right, but for another body",
            "verify the raw bytes: a framework that parses JSON and writes it again changes them",
        )),
        _ => None,
    };
    report(checks, signed, config.webhook_tolerance, next_for, " and the body")
}

/// Prints the finding. `next_for` is what a vendor says about an error of its own.
fn report(
    checks: &mut Checks<'_>,
    signed: Signed,
    tolerance: Option<Duration>,
    next_for: impl Fn(VerifyErrorKind) -> Option<(&'static str, &'static str, &'static str)>,
    signs: &str,
) -> Result<(), Failure> {
    let setting = checks.setting("WEBHOOK_TOLERANCE");
    let (at, by) = match signed {
        Signed::Right(at, by) => (at, by),
        Signed::Wrong(error) => {
            if let Some((id, found, next)) = next_for(error.kind()) {
                return checks.add(id, Verdict::Fail, found, next);
            }
            let found = format!("not verified: {error}");
            let next = "paste all headers as they came; if they are whole, refuse the delivery, which is not the vendor's";
            return checks.add("delivery.invalid", Verdict::Fail, &found, next);
        }
    };
    let tolerance = tolerance.unwrap_or(TOLERANCE);
    let right = format!("the signature is right, by {by}{signs}");
    match SystemTime::now().duration_since(at) {
        Ok(age) if age > tolerance => {
            let found = format!(
                "{right}; but it is {} s old, and {} s are tolerated",
                age.as_secs(),
                tolerance.as_secs()
            );
            let next = format!(
                "nothing, if it was recorded then; if it had just come, set this machine's clock or raise {setting}"
            );
            checks.add("delivery.too_old", Verdict::Warn, &found, &next)
        }
        Err(ahead) if ahead.duration() > tolerance => {
            let found = format!("{right}; but it is {} s in the future", ahead.duration().as_secs());
            checks.add("delivery.too_new", Verdict::Fail, &found, "set this machine's clock, by NTP")
        }
        _ if by == PREVIOUS => {
            let next =
                "sign with the new secret at the vendor, and drop MOOV_PREVIOUS_WEBHOOK_SECRET afterwards";
            checks.add("delivery.previous_secret", Verdict::Warn, &right, next)
        }
        _ => checks.ok("delivery.ok", &right),
    }
}
