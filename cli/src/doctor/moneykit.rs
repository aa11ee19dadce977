//! The checks for MoneyKit.

use fintech_auth::{
    ErrorKind,
    moneykit::{Config, webhook::VerifyingKeys},
};

use super::{
    check::{Checks, Verdict},
    configured,
    delivery::{self, Delivery},
    network::Route,
    record::Recorder,
    scopes, version,
};
use crate::exit::{Failure, chain};

const ALLOW_SCOPES: &str = "ask MoneyKit to allow them, or request fewer (MONEYKIT_SCOPES)";

pub(super) async fn check(
    checks: &mut Checks<'_>,
    config: Result<Config, Failure>,
    delivery: Option<&Delivery>,
    recorder: &Recorder,
) -> Result<(), Failure> {
    if let (Ok(config), Some(delivery)) = (&config, delivery)
        && config.client_id.is_none()
    {
        return delivery::moneykit(checks, &config.builder_for_webhooks()?.build()?, config, delivery).await;
    }
    let client = |config: &Config| recorder.moneykit(config)?.build();
    let built = configured(checks, config, client, |config| config.client_id.as_deref())?;
    let Some((client, config)) = built else { return Ok(()) };
    let url = config.base_url.as_deref().unwrap_or("https://api.moneykit.com");
    let route = Route::check(checks, url, config.proxy.as_ref())?;

    let requested = config.scopes.as_deref().unwrap_or_default();
    match client.create_access_token(requested).await {
        Ok(response) => {
            route.responded(checks, Some(response.sent_at()), response.date(), config.webhook_tolerance)?;
            checks.ok("credentials.ok", "accepted: a token was issued")?;
            version::moneykit(checks, &config, response.headers())?;
            match client.introspect(&response.body().access_token).await {
                Ok(about) => match about.scope.as_deref() {
                    Some(granted) if requested.is_empty() => {
                        let found = format!(
                            "none requested, so all scopes of the application were granted: {granted}"
                        );
                        checks.ok("scopes.ok", &found)?
                    }
                    granted => scopes(checks, requested, granted, ALLOW_SCOPES)?,
                },
                // The service has just issued this token. If the service still rejects it, the
                // configuration probably mixes two environments.
                Err(error) if error.kind() == ErrorKind::Unauthorized => {
                    let next =
                        "check that MONEYKIT_BASE_URL and MONEYKIT_CLIENT_ID belong to the same environment";
                    checks.add("token.refused", Verdict::Fail, &chain(&error), next)?;
                }
                Err(error) => checks.fail("scopes.failed", &error)?,
            }
            match client.introspect_client().await {
                Ok(_) => checks.ok("key_pair.ok", "accepted without a token on GET /auth/introspect")?,
                Err(error) if error.kind() == ErrorKind::Unauthorized => {
                    let next =
                        "use tokens, or check the permissions of the application of MONEYKIT_CLIENT_ID";
                    checks.add("key_pair.refused", Verdict::Warn, &chain(&error), next)?;
                }
                Err(error) => {
                    checks.add("key_pair.unchecked", Verdict::Warn, &chain(&error), "run doctor again")?;
                }
            }
        }
        Err(error) if route.failed(checks, &error)? => return Ok(()),
        Err(error) => {
            if error.status().is_some() {
                route.responded(checks, None, error.date(), config.webhook_tolerance)?;
            }
            let id = match error.kind() {
                ErrorKind::Unauthorized => "credentials.refused",
                _ => "credentials.failed",
            };
            checks.fail(id, &error)?;
        }
    }
    match client.jwks().await {
        Ok(set) => {
            let (usable, all) = (VerifyingKeys::new(&set).len(), set.keys.len());
            let found = format!("{usable} of {all} webhook keys are usable");
            if usable == 0 {
                let next = "report a bug: no webhook can be verified";
                checks.add("jwks.unusable", Verdict::Fail, &found, next)
            } else {
                checks.ok("jwks.ok", &found)
            }
        }
        Err(error) => checks.fail("jwks.failed", &error),
    }?;
    match delivery {
        Some(delivery) => delivery::moneykit(checks, &client, &config, delivery).await,
        None => Ok(()),
    }
}
