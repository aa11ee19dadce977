//! `moov token --accounts`: issues one token per account and stores the tokens in the shared token
//! store.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use fintech_auth::{Error, ErrorKind, Scope, moov};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    exit::Failure,
    fleet, input,
    options::Format,
    output::{self, Output},
    progress::Progress,
    settings::Settings,
    signals::Signals,
};

pub(super) const PLACEHOLDER: &str = "{accountID}";
const AT_A_TIME: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(60);
const SHOWN: usize = 10;

pub(super) async fn run(
    path: &str,
    scopes: &[String],
    config: &moov::Config,
    settings: &Settings,
    format: Format,
) -> Result<(), Failure> {
    let accounts = accounts(&input::bytes("--accounts", path)?)?;
    let patterns: Vec<&str> = scopes.iter().flat_map(|operand| operand.split_whitespace()).collect();
    if !patterns.iter().any(|pattern| pattern.contains(PLACEHOLDER)) {
        return Err(Failure::usage(
            "with --accounts, a scope must contain {accountID}, such as /accounts/{accountID}/cards.read",
        ));
    }
    let fleet = fleet::fleet(settings)?.ok_or_else(|| {
        Failure::usage(
            "--accounts needs a Redis to store the tokens in: set FINTECH_AUTH_REDIS_URL and \
             FINTECH_AUTH_REDIS_SEALING_KEY_FILE",
        )
    })?;
    let store = fleet.store()?;
    store.check().await.map_err(|error| {
        let reason = "cannot use the Redis of the fleet; run fintech-auth doctor redis to find out why";
        Failure::from(Error::new(ErrorKind::Unavailable, reason).with_source(error))
    })?;
    let client = config
        .builder()?
        .with_tokens(|tokens| tokens.with_store(Arc::new(store)).with_max_wait(MAX_WAIT))
        .build()?;

    let mut signals = Signals::new()?;
    let mut progress = Progress::new("tokens", accounts.len() as u64, format);
    let mut waiting = accounts.iter();
    let (mut tasks, mut failures, mut signal) = (JoinSet::new(), Vec::new(), None);
    loop {
        // Stop if the store is not available, because new tokens would be lost.
        let goes_on = signal.is_none() && !is_hopeless(&failures) && !client.stats().store_circuit_open;
        while goes_on && tasks.len() < AT_A_TIME {
            let Some(account) = waiting.next() else { break };
            let (client, account, scopes) = (client.clone(), *account, scopes_of(&patterns, *account)?);
            tasks.spawn(
                async move { client.token(&scopes).await.map(drop).map_err(|error| (account, error)) },
            );
        }
        tokio::select! {
            ended = signals.ended(), if signal.is_none() => signal = Some(ended),
            done = tasks.join_next() => match done {
                None => break,
                Some(done) => {
                    progress.add_one();
                    let done = done.map_err(|error| Failure::local(format!("a token task failed: {error}")))?;
                    failures.extend(done.err());
                }
            },
        }
    }
    drop(progress);
    let stats = client.stats();
    print(format, accounts.len(), (stats.refreshes, stats.shared), &failures)?;
    match (signal, failures.into_iter().next()) {
        (Some(signal), _) => Err(Failure::signal(signal)),
        (None, Some((_, error))) => Err(Failure::from(error).with_reason("not all tokens were issued")),
        (None, None) if stats.store_failures > 0 => {
            let reason =
                "the Redis of the fleet failed during the run and may lack tokens; run the command again";
            Err(Error::new(ErrorKind::Unavailable, reason).into())
        }
        (None, None) => Ok(()),
    }
}

/// Returns `true` if at least one of the `failures` would also occur for all other accounts. A 403
/// does not count, because it may concern only one account.
fn is_hopeless(failures: &[(Uuid, Error)]) -> bool {
    failures.iter().any(|(_, error)| {
        error.kind() == ErrorKind::InvalidConfig
            || error.status() == Some(StatusCode::UNAUTHORIZED)
            || error.code() == Some("invalid_client")
    })
}

fn accounts(bytes: &[u8]) -> Result<BTreeSet<Uuid>, Failure> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| Failure::usage("the --accounts file is not valid UTF-8"))?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let id = |(number, line): (usize, &str)| {
        let wrong =
            |_| Failure::usage(format!("line {} of the --accounts file is not an account id", number + 1));
        line.parse().map_err(wrong)
    };
    let accounts: BTreeSet<Uuid> = lines.map(id).collect::<Result<_, _>>()?;
    if accounts.is_empty() {
        Err(Failure::usage("the --accounts file contains no account id"))
    } else {
        Ok(accounts)
    }
}

fn scopes_of(patterns: &[&str], account: Uuid) -> Result<Vec<Scope>, Failure> {
    let account = account.to_string();
    let scopes = patterns.iter().map(|pattern| Scope::new(&pattern.replace(PLACEHOLDER, &account)));
    Ok(scopes.collect::<Result<_, _>>()?)
}

fn print(
    format: Format,
    accounts: usize,
    (issued, shared): (u64, u64),
    failures: &[(Uuid, Error)],
) -> Result<(), Failure> {
    let failed: Vec<Value> = failures
        .iter()
        .map(|(account, error)| json!({ "account": account.to_string(), "error": error.to_string() }))
        .collect();
    let output = Output::new(format).with("accounts", accounts).with("issued", issued);
    let output = output.with("in_store", shared).with_words("failed", failed, failures.len().to_string());
    let mut text = output.text();
    if !format.json {
        for (account, error) in failures.iter().take(SHOWN) {
            text += &format!("  {account}: {}\n", output::visible(&error.to_string()));
        }
        if failures.len() > SHOWN {
            text += &format!("  and {} more; --json lists all\n", failures.len() - SHOWN);
        }
    }
    output::print(&text)
}
