//! `--delivery`: verifies a recorded webhook with the configured secret or keys.

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

/// A recorded webhook is usually old, so a signature of any age is accepted.
const ANY_TIME: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

pub(super) struct Delivery {
    received: Received,
    pub(super) is_moneykit: bool,
}

impl Delivery {
    pub(super) fn read(path: &str) -> Result<Self, Failure> {
        let received = Received::read_whole("--delivery", path)?;
        let is_moneykit = received.headers.contains_key("moneykit-signature");
        if !is_moneykit && !received.headers.contains_key("x-signature") {
            return Err(Failure::usage(
                "the --delivery file has neither a MoneyKit-Signature nor an X-Signature header: it must contain all \
                 headers as received, an empty line and the body",
            ));
        }
        Ok(Self { received, is_moneykit })
    }
}

enum Signed {
    Valid(SystemTime, &'static str),
    Invalid(VerifyError),
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
    if let Err(error) = config.webhooks() {
        return unreadable(checks, &error);
    }
    let headers = &delivery.received.headers;
    let by = |secret: Secret, what| match signed(headers, secret) {
        Ok(Ok(at)) => Ok(Signed::Valid(at, what)),
        Ok(Err(error)) => Ok(Signed::Invalid(error)),
        Err(error) => Err(error),
    };
    let signed = match by(current, "MOOV_WEBHOOK_SECRET") {
        Ok(Signed::Invalid(error)) if error.kind() == VerifyErrorKind::InvalidSignature => {
            match previous(config) {
                Some(previous) => match by(previous, PREVIOUS) {
                    Ok(Signed::Invalid(_)) => Ok(Signed::Invalid(error)),
                    other => other,
                },
                None => Ok(Signed::Invalid(error)),
            }
        }
        other => other,
    };
    let next_for = |kind| match kind {
        VerifyErrorKind::InvalidSignature => Some((
            "delivery.other_secret",
            "the headers were signed with another secret, or one of them was changed",
            "copy the signing secret of this webhook from Moov's dashboard to MOOV_WEBHOOK_SECRET: each webhook has \
             its own secret, and test mode has different ones",
        )),
        _ => None,
    };
    match signed {
        Ok(signed) => report(checks, signed, config.webhook_tolerance, next_for, "; the body is not signed"),
        Err(error) => unreadable(checks, &error),
    }
}

const PREVIOUS: &str = "MOOV_PREVIOUS_WEBHOOK_SECRET";

fn previous(config: &moov::Config) -> Option<Secret> {
    let mut swapped = config.clone();
    swapped.webhook_secret = swapped.previous_webhook_secret.take();
    swapped.webhook_secret_file = swapped.previous_webhook_secret_file.take();
    swapped.current_webhook_secret().ok()
}

/// The outer error means that the secret is invalid. The inner error means that the signature is
/// invalid.
fn signed(headers: &http::HeaderMap, secret: Secret) -> Result<Result<SystemTime, VerifyError>, Error> {
    let secrets = SigningSecrets::new([secret])?;
    let tolerance = Tolerance::new(ANY_TIME);
    Ok(SignedHeaders::read(headers).and_then(|parts| secrets.verify(&parts, SystemTime::now(), tolerance)))
}

fn unreadable(checks: &mut Checks<'_>, error: &Error) -> Result<(), Failure> {
    let next = "set MOOV_WEBHOOK_SECRET or MOOV_WEBHOOK_SECRET_FILE to the webhook's signing secret";
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
        // A text editor may have added a newline at the end of the body.
        Err(error) if error.kind() == VerifyErrorKind::BodyMismatch => {
            let bare = body.strip_suffix(b"\n").map(|body| body.strip_suffix(b"\r").unwrap_or(body));
            match bare.map(by) {
                Some(Ok(at)) => Signed::Valid(at, "one of the service's keys, ignoring the final line end"),
                _ => Signed::Invalid(error),
            }
        }
        Err(error) => Signed::Invalid(error),
        Ok(at) => Signed::Valid(at, "one of the service's keys"),
    };
    let next_for = |kind| match kind {
        VerifyErrorKind::UnknownKey => Some((
            "delivery.other_key",
            "the service has no key with this id",
            "check that MONEYKIT_BASE_URL belongs to the environment that sent it; the key of an old delivery may have \
             been removed",
        )),
        VerifyErrorKind::InvalidSignature => Some((
            "delivery.other_key",
            "the delivery was signed with another key, or the header was changed",
            "copy all headers exactly as received",
        )),
        VerifyErrorKind::BodyMismatch => Some((
            "delivery.body_changed",
            "the signature is valid, but for another body",
            "verify the raw bytes of the body: a framework that parses and reserializes JSON changes them",
        )),
        _ => None,
    };
    report(checks, signed, config.webhook_tolerance, next_for, " and the body")
}

fn report(
    checks: &mut Checks<'_>,
    signed: Signed,
    tolerance: Option<Duration>,
    next_for: impl Fn(VerifyErrorKind) -> Option<(&'static str, &'static str, &'static str)>,
    signs: &str,
) -> Result<(), Failure> {
    let setting = checks.setting("WEBHOOK_TOLERANCE");
    let (at, by) = match signed {
        Signed::Valid(at, by) => (at, by),
        Signed::Invalid(error) => {
            if let Some((id, found, next)) = next_for(error.kind()) {
                return checks.add(id, Verdict::Fail, found, next);
            }
            let found = format!("not verified: {error}");
            let next = "copy all headers exactly as received; if they are complete, reject the delivery: the vendor did \
                        not send it";
            return checks.add("delivery.invalid", Verdict::Fail, &found, next);
        }
    };
    let tolerance = tolerance.unwrap_or(TOLERANCE);
    let valid = format!("the signature is valid, verified with {by}{signs}");
    match SystemTime::now().duration_since(at) {
        Ok(age) if age > tolerance => {
            let found = format!(
                "{valid}; but it is {} s old, and the tolerance is {} s",
                age.as_secs(),
                tolerance.as_secs()
            );
            let next = format!(
                "no action is needed for an old recording; for a webhook that just arrived, correct this machine's clock \
                 or increase {setting}"
            );
            checks.add("delivery.too_old", Verdict::Warn, &found, &next)
        }
        Err(ahead) if ahead.duration() > tolerance => {
            let found = format!("{valid}; but its time is {} s in the future", ahead.duration().as_secs());
            checks.add("delivery.too_new", Verdict::Fail, &found, "synchronize this machine's clock (NTP)")
        }
        _ if by == PREVIOUS => {
            let next = "switch the vendor to the new secret, then unset MOOV_PREVIOUS_WEBHOOK_SECRET";
            checks.add("delivery.previous_secret", Verdict::Warn, &valid, next)
        }
        _ => checks.ok("delivery.ok", &valid),
    }
}
