//! MoneyKit's checks.

use fintech_auth::moneykit::{Config, webhook::VerifyingKeys};

use super::{
    check::{Checks, Verdict},
    configured,
    network::Route,
    scopes,
};
use crate::exit::{Failure, chain};

const ALLOW_SCOPES: &str = "have the vendor allow them, or request fewer (MONEYKIT_SCOPES)";

pub(super) async fn check(checks: &mut Checks<'_>, config: Result<Config, Failure>) -> Result<(), Failure> {
    let built = configured(checks, config, Config::client, |config| config.client_id.as_deref())?;
    let Some((client, config)) = built else { return Ok(()) };
    let url = config.base_url.as_deref().unwrap_or("https://api.moneykit.com");
    let route = Route::check(checks, url)?;

    let requested = config.scopes.as_deref().unwrap_or_default();
    match client.create_access_token(requested).await {
        Ok(response) => {
            route.responded(checks, response.date())?;
            checks.ok("credentials", "accepted: a token was issued")?;
            match client.introspect(&response.body().access_token).await {
                Ok(about) => match about.scope.as_deref() {
                    Some(granted) if requested.is_empty() => {
                        let found = format!("none requested, so all that the application may: {granted}");
                        checks.ok("scopes", &found)?
                    }
                    granted => scopes(checks, requested, granted, ALLOW_SCOPES)?,
                },
                Err(error) => checks.fail("scopes", &error)?,
            }
            match client.introspect_client().await {
                Ok(_) => checks.ok("key pair", "accepted without a token, on GET /auth/introspect")?,
                Err(error) => {
                    let next = "send tokens, or see what the application may do";
                    checks.add("key pair", Verdict::Warn, &chain(&error), next)?;
                }
            }
        }
        Err(error) if route.failed(checks, &error)? => return Ok(()),
        Err(error) => checks.fail("credentials", &error)?,
    }
    match client.jwks().await {
        Ok(set) => {
            let (usable, all) = (VerifyingKeys::new(&set).len(), set.keys.len());
            let found = format!("{usable} of {all} webhook keys verify");
            if usable == 0 {
                checks.add("jwks", Verdict::Fail, &found, "report it: no webhook can be verified")
            } else {
                checks.ok("jwks", &found)
            }
        }
        Err(error) => checks.fail("jwks", &error),
    }
}
