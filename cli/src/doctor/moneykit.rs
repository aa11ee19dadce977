//! MoneyKit's checks.

use fintech_auth::moneykit::{Config, webhook::VerifyingKeys};

use super::{
    check::{Checks, Verdict},
    missing,
    network::{self, Route},
};
use crate::exit::{Failure, chain};

pub(super) async fn check(checks: &mut Checks<'_>, config: Result<Config, Failure>) -> Result<(), Failure> {
    let built = config.and_then(|config| Ok((config.client()?, config)));
    let (client, config) = match built {
        Ok(built) => built,
        Err(failure) => {
            return network::misconfigured(checks, &failure);
        }
    };
    let id = config.client_id.as_deref().unwrap_or_default();
    checks.ok("configured", &format!("client {id}, and a secret"))?;
    let url = config.base_url.as_deref().unwrap_or("https://api.moneykit.com");
    let route = Route::tell(checks, url)?;

    let asked = config.scopes.as_deref().unwrap_or_default();
    match client.create_access_token(asked).await {
        Ok(response) => {
            route.answered(checks, response.date())?;
            checks.ok("credentials", "accepted: a token was issued")?;
            match client.introspect(&response.body().access_token).await {
                Ok(about) => scopes(checks, asked, about.scope.as_deref())?,
                Err(error) => checks.fail("scopes", &error)?,
            }
            match client.introspect_client().await {
                Ok(_) => checks.ok("key pair", "accepted without a token, on GET /auth/introspect")?,
                Err(error) => {
                    let next = "send tokens, or see what the application may do";
                    checks.tell("key pair", Verdict::Warn, &chain(&error), next)?;
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
                checks.tell("jwks", Verdict::Fail, &found, "report it: no webhook can be verified")
            } else {
                checks.ok("jwks", &found)
            }
        }
        Err(error) => checks.fail("jwks", &error),
    }
}

fn scopes(
    checks: &mut Checks<'_>,
    asked: &[fintech_auth::Scope],
    granted: Option<&str>,
) -> Result<(), Failure> {
    let Some(granted) = granted else {
        return checks.tell("scopes", Verdict::Skip, "the response does not name the granted scopes", "");
    };
    let missing = missing(asked, granted);
    if asked.is_empty() {
        return checks.ok("scopes", &format!("none asked for, so all that the application may: {granted}"));
    }
    if missing.is_empty() {
        return checks.ok("scopes", &format!("all {} granted", asked.len()));
    }
    let next = "have the vendor allow them, or ask for less (MONEYKIT_SCOPES)";
    checks.tell("scopes", Verdict::Fail, &format!("not granted: {}", missing.join(" ")), next)
}
