//! Checks whether the store can use a Redis server.

use std::{
    error::Error as _,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
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
        network::{TOLERANCE, clock},
    },
    finding::{self, Finding},
};
use crate::{
    exit::{Failure, chain},
    fleet::Fleet,
};

/// The oldest version that can run the store's scripts.
const OLDEST: (u32, u32) = (6, 2);

/// Keep this list equal to the list in the docs of `token::redis`.
const COMMANDS: &str = "+evalsha +eval +subscribe +ping +del +get +hdel +hget +hset +hstrlen +lindex +lpush +ltrim \
                        +pexpire +pttl +publish +set +strlen +time +type +zadd +zrem +zremrangebyscore +zscore";

pub(in crate::doctor) async fn check(
    checks: &mut Checks<'_>,
    fleet: &Fleet,
    time: Duration,
) -> Result<(), Failure> {
    let (store, client) = match opened(fleet, time) {
        Ok(opened) => opened,
        Err(error) => {
            let next = "correct FINTECH_AUTH_REDIS_URL, or the file of FINTECH_AUTH_REDIS_URL_FILE";
            return checks.add("configured.invalid", Verdict::Fail, &chain(&error), next);
        }
    };
    let address = client.get_connection_info().addr();
    checks.ok("configured.ok", &format!("{address}, namespace {}", fleet.namespace))?;
    let is_tls = matches!(address, ConnectionAddr::TcpTls { .. });

    let (mut connection, took) = match within(time, is_tls, connected(&client)).await {
        Ok(connected) => connected,
        Err((found, next)) => return checks.add("reached.failed", Verdict::Fail, &found, next),
    };
    checks.ok("reached.ok", &format!("responded in {} ms", took.as_millis()))?;
    tls(checks, address)?;
    match within(time, is_tls, cmd("INFO").query_async::<String>(&mut connection)).await {
        Ok(text) => {
            for (id, verdict, found, next) in [version(&Info(&text)), memory(&Info(&text))] {
                checks.add(id, verdict, &found, next)?;
            }
        }
        Err((found, _)) => {
            let found = format!("INFO failed: {found}; the store works without it");
            checks.add("version.unknown", Verdict::Skip, &found, "")?;
        }
    }
    let sent = SystemTime::now();
    if let Ok((seconds, _)) =
        within(time, is_tls, cmd("TIME").query_async::<(u64, u64)>(&mut connection)).await
        && let Some(now) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    {
        clock(checks, Some(sent), now, "the clock of Redis", TOLERANCE, "MOOV_WEBHOOK_TOLERANCE")?;
    }
    match store.check().await {
        Ok(()) => {
            checks.ok("rights.ok", "the store can lock, save, read and revoke a token, and receives messages")
        }
        Err(error) => match lacks_rights(&error) {
            true => {
                let found = "the user lacks permission for a command, a key or the channel of the store";
                checks.add(
                    "rights.missing",
                    Verdict::Fail,
                    found,
                    &acl_rule(&fleet.namespace, client_db(&client)),
                )
            }
            false => {
                let (found, next) = failed(error);
                checks.add("rights.failed", Verdict::Fail, &found, next)
            }
        },
    }
}

fn acl_rule(namespace: &str, database: i64) -> String {
    let select = if database == 0 { "" } else { " +select" };
    format!(
        "run: ACL SETUSER USER ~{{fintech-auth:{namespace}:* &fintech-auth:{namespace} {COMMANDS}{select}"
    )
}

fn client_db(client: &Client) -> i64 {
    client.get_connection_info().redis_settings().db()
}

fn opened(fleet: &Fleet, time: Duration) -> Result<(RedisStore, Client), Error> {
    // Any sealing key works here, because no real token is sealed with it.
    let store = RedisStore::builder([SealingKey::new(&[0; 32]).unwrap()])
        .with_namespace(&fleet.namespace)
        .with_timeout(time)
        .open(fleet.url.expose_secret())?;
    let client = Client::open(fleet.url.expose_secret());
    Ok((store, client.map_err(|_| Error::new(fintech_auth::ErrorKind::InvalidConfig, "invalid redis url"))?))
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

async fn connected(client: &Client) -> RedisResult<(MultiplexedConnection, Duration)> {
    // The client panics if several TLS providers are compiled in and no default provider is
    // installed.
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
            checks.ok("tls.ok", "the connection is encrypted and the certificate is trusted")
        }
        ConnectionAddr::Tcp(host, _) if !HttpOptions::is_loopback(host) => {
            let found = "no encryption: anyone on the network path can read the password and delete tokens";
            checks.add(
                "tls.plain",
                Verdict::Warn,
                found,
                "enable TLS in Redis, and use rediss:// in FINTECH_AUTH_REDIS_URL",
            )
        }
        _ => checks.add("tls.none", Verdict::Skip, "plain connection to this machine", ""),
    }
}

struct Info<'a>(&'a str);

impl Info<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

type CheckResult = (&'static str, Verdict, String, &'static str);

fn version(info: &Info<'_>) -> CheckResult {
    let (name, version) = match info.value("valkey_version") {
        Some(version) => ("Valkey", version),
        None => ("Redis", info.value("redis_version").unwrap_or("of unknown version")),
    };
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let is_old = match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), minor) => (major, minor.unwrap_or(u32::MAX)) < OLDEST,
        (None, _) => false,
    };
    let found = format!("{name} {version}");
    if is_old {
        return ("version.old", Verdict::Fail, found, "upgrade to Redis 6.2 or newer, or to Valkey");
    }
    ("version.ok", Verdict::Ok, found, "")
}

fn memory(info: &Info<'_>) -> CheckResult {
    let limit = info.value("maxmemory").and_then(|bytes| bytes.parse::<u64>().ok()).unwrap_or(0);
    let policy = info.value("maxmemory_policy").unwrap_or("noeviction");
    if limit == 0 || policy == "noeviction" {
        return ("memory.ok", Verdict::Ok, "no key is evicted before it expires".to_owned(), "");
    }
    let found =
        format!("above {} MiB, tokens and records of revoked tokens are evicted ({policy})", limit >> 20);
    ("memory.evicts", Verdict::Warn, found, "set maxmemory-policy to noeviction, or use a dedicated Redis")
}

fn cause(error: &StoreError) -> (String, Option<String>) {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let word =
        cause.strip_prefix("redis: ").filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase()));
    let word = word.map(str::to_owned);
    (cause, word)
}

/// Redis responds with `ERR` and not with `NOPERM` if a script lacks the permission for a command.
fn lacks_rights(error: &StoreError) -> bool {
    matches!(cause(error).1.as_deref(), Some("NOPERM" | "ERR"))
}

fn failed(error: StoreError) -> Finding {
    match cause(&error) {
        (_, Some(word)) => finding::by_word(&word),
        (cause, None) => (cause, "check the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_versions_before_6_2_fail_the_check() {
        let old = "upgrade to Redis 6.2 or newer, or to Valkey";
        let ok = |found| ("version.ok", Verdict::Ok, found, "");
        for (text, expected) in [
            ("redis_version:5.0.14\r\n", ("version.old", Verdict::Fail, "Redis 5.0.14", old)),
            ("redis_version:6.0.0\r\n", ("version.old", Verdict::Fail, "Redis 6.0.0", old)),
            ("redis_version:6.2.0\r\n", ok("Redis 6.2.0")),
            ("redis_version:10.1.0\r\n", ok("Redis 10.1.0")),
            ("redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n", ok("Valkey 8.1.0")),
            ("# Server\r\n", ok("Redis of unknown version")),
        ] {
            let (id, verdict, found, next) = version(&Info(text));
            assert_eq!((id, verdict, found.as_str(), next), expected);
        }
        for (text, verdict) in [
            ("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", Verdict::Ok),
            ("maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n", Verdict::Ok),
            ("maxmemory:1048576\r\nmaxmemory_policy:volatile-ttl\r\n", Verdict::Warn),
        ] {
            assert_eq!(memory(&Info(text)).1, verdict, "{text}");
        }
    }
}
