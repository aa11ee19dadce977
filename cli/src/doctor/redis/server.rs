//! Checks a Redis: whether it responds, what it is, and whether a store may do there what it does for a token.

use std::{
    error::Error as _,
    time::{Duration, Instant, UNIX_EPOCH},
};

use fintech_auth::{
    Error, HttpOptions,
    redis::{AsyncConnectionConfig, Client, ConnectionAddr, RedisResult, aio::MultiplexedConnection, cmd},
    token::{
        StoreError,
        redis::{RedisStore, SealingKey},
    },
};
use tokio::time::timeout;

use super::{
    super::{
        check::{Checks, Verdict},
        network::{clock, misconfigured},
    },
    finding::{self, Finding},
};
use crate::{exit::Failure, fleet::Fleet};

/// The first version that the store's scripts run on.
const MAJOR: u32 = 6;

pub(in crate::doctor) async fn check(
    checks: &mut Checks<'_>,
    fleet: &Fleet,
    time: Duration,
) -> Result<(), Failure> {
    let (store, client) = match opened(fleet, time) {
        Ok(opened) => opened,
        Err(error) => return misconfigured(checks, &error.into()),
    };
    let address = client.get_connection_info().addr();
    checks.ok("configured", &format!("{address}, namespace {}", fleet.namespace))?;
    let is_tls = matches!(address, ConnectionAddr::TcpTls { .. });

    let (mut connection, took) = match within(time, is_tls, connected(&client)).await {
        Ok(connected) => connected,
        Err((found, next)) => return checks.add("reached", Verdict::Fail, &found, next),
    };
    checks.ok("reached", &format!("it responds in {} ms", took.as_millis()))?;
    tls(checks, address)?;
    match within(time, is_tls, cmd("INFO").query_async::<String>(&mut connection)).await {
        Ok(text) => {
            for (name, (verdict, found, next)) in
                [("version", version(&Info(&text))), ("memory", memory(&Info(&text)))]
            {
                checks.add(name, verdict, &found, next)?;
            }
        }
        Err((found, _)) => {
            let found = format!("{found} to INFO, which a store does not need");
            checks.add("version", Verdict::Skip, &found, "")?;
        }
    }
    if let Ok((seconds, _)) =
        within(time, is_tls, cmd("TIME").query_async::<(u64, u64)>(&mut connection)).await
    {
        // A server may say anything.
        if let Some(now) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
            clock(checks, now, "that of Redis")?;
        }
    }
    match store.check().await {
        Ok(()) => checks.ok("rights", "a token is leased, kept, read and revoked, and messages are heard"),
        Err(error) => {
            let (found, next) = failed(error);
            checks.add("rights", Verdict::Fail, &found, next)
        }
    }
}

fn opened(fleet: &Fleet, time: Duration) -> Result<(RedisStore, Client), Error> {
    // Any key will do: no token is sealed with it.
    let store = RedisStore::builder([SealingKey::new(&[0; 32]).unwrap()])
        .with_namespace(&fleet.namespace)
        .with_timeout(time)
        .open(fleet.url.expose_secret())?;
    let client = Client::open(fleet.url.expose_secret());
    Ok((
        store,
        client.map_err(|_| Error::new(fintech_auth::ErrorKind::InvalidConfig, "no address of a Redis"))?,
    ))
}

async fn within<T>(
    time: Duration,
    is_tls: bool,
    reply: impl Future<Output = RedisResult<T>>,
) -> Result<T, Finding> {
    match timeout(time, reply).await {
        Ok(response) => response.map_err(|error| finding::of(&error, is_tls)),
        Err(_) => Err(finding::late(is_tls)),
    }
}

/// Connects, and measures how long a `PING` takes.
async fn connected(client: &Client) -> RedisResult<(MultiplexedConnection, Duration)> {
    // As the store does: the client panics where several providers are compiled in and none was chosen.
    _ = rustls::crypto::ring::default_provider().install_default();
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let start = Instant::now();
    cmd("PING").query_async::<()>(&mut connection).await?;
    Ok((connection, start.elapsed()))
}

fn tls(checks: &mut Checks<'_>, address: &ConnectionAddr) -> Result<(), Failure> {
    match address {
        ConnectionAddr::TcpTls { .. } => {
            checks.ok("tls", "the connection is encrypted, and the certificate trusted")
        }
        ConnectionAddr::Tcp(host, _) if !HttpOptions::is_loopback(host) => {
            let found = "none: whoever is on the way reads the password, and can delete tokens";
            checks.add("tls", Verdict::Warn, found, "have Redis speak TLS, and write rediss:// in the url")
        }
        _ => checks.add("tls", Verdict::Skip, "plain, to this machine", ""),
    }
}

/// The response to `INFO`.
struct Info<'a>(&'a str);

impl Info<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

type CheckResult = (Verdict, String, &'static str);

fn version(info: &Info<'_>) -> CheckResult {
    let (name, version) = match info.value("valkey_version") {
        Some(version) => ("Valkey", version),
        None => ("Redis", info.value("redis_version").unwrap_or("of no known version")),
    };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let found = format!("{name} {version}");
    if major.is_some_and(|major| major < MAJOR) {
        return (Verdict::Fail, found, "the store needs Redis 6 or newer, or Valkey");
    }
    (Verdict::Ok, found, "")
}

fn memory(info: &Info<'_>) -> CheckResult {
    let limit = info.value("maxmemory").and_then(|bytes| bytes.parse::<u64>().ok()).unwrap_or(0);
    let policy = info.value("maxmemory_policy").unwrap_or("noeviction");
    if limit == 0 || policy == "noeviction" {
        return (Verdict::Ok, "nothing is dropped before its time".to_owned(), "");
    }
    let found =
        format!("when {} MiB are full, tokens and marks of revoked ones are dropped ({policy})", limit >> 20);
    (Verdict::Warn, found, "set maxmemory-policy to noeviction, or use a Redis for this alone")
}

/// What to do about an error of the store.
fn failed(error: StoreError) -> Finding {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    match cause.strip_prefix("redis: ").filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase())) {
        Some(word) => finding::by_word(word),
        None => (cause, "see the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_says_of_itself_is_judged() {
        let old = (Verdict::Fail, "Redis 5.0.14", "the store needs Redis 6 or newer, or Valkey");
        for (text, expected) in [
            ("redis_version:5.0.14\r\n", old),
            ("redis_version:6.0.0\r\n", (Verdict::Ok, "Redis 6.0.0", "")),
            ("redis_version:10.1.0\r\n", (Verdict::Ok, "Redis 10.1.0", "")),
            ("redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n", (Verdict::Ok, "Valkey 8.1.0", "")),
            ("# Server\r\n", (Verdict::Ok, "Redis of no known version", "")),
        ] {
            let (verdict, found, next) = version(&Info(text));
            assert_eq!((verdict, found.as_str(), next), expected);
        }
        for (text, verdict) in [
            ("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", Verdict::Ok),
            ("maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n", Verdict::Ok),
            ("maxmemory:1048576\r\nmaxmemory_policy:volatile-ttl\r\n", Verdict::Warn),
        ] {
            assert_eq!(memory(&Info(text)).0, verdict, "{text}");
        }
    }
}
