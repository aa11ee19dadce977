//! Explains an error of Redis and what to do about it. Of the server's text only the word for the error is shown,
//! and nothing of the address.

use fintech_auth::redis::{ErrorKind, RedisError};

use crate::doctor::tls;

/// What was found and what to do next.
pub(super) type Finding = (String, &'static str);

/// For a call that got no response. A server that speaks no TLS waits for more where TLS begins.
pub(super) fn late(is_tls: bool) -> Finding {
    let next = if is_tls {
        "see that the server speaks TLS (else FINTECH_AUTH_REDIS_URL begins with redis://), and that a firewall lets this machine \
         through"
    } else {
        "see that a firewall lets this machine through, or allow more time (--timeout)"
    };
    ("no response in time".to_owned(), next)
}

/// For a connection that failed or broke.
pub(super) fn of(error: &RedisError, is_tls: bool) -> Finding {
    if let Some(finding) = tls::finding(error) {
        return finding;
    }
    let plain = |found: &str, next| (found.to_owned(), next);
    if error.is_connection_refusal() {
        return plain("nobody listens there", "start Redis, or correct FINTECH_AUTH_REDIS_URL");
    }
    if error.kind() == ErrorKind::AuthenticationFailed {
        let next = "correct them in FINTECH_AUTH_REDIS_URL: redis://USER:PASSWORD@HOST:PORT, with %-escapes for what no url has";
        return plain("the user and password are not accepted", next);
    }
    if let Some(word) = word(error) {
        return by_word(word);
    }
    if error.kind() == ErrorKind::Parse || error.is_connection_dropped() {
        let next = if is_tls {
            "correct the port in FINTECH_AUTH_REDIS_URL; if the server speaks no TLS, FINTECH_AUTH_REDIS_URL begins with redis://"
        } else {
            "correct the port in FINTECH_AUTH_REDIS_URL; if the server speaks TLS, FINTECH_AUTH_REDIS_URL begins with rediss://"
        };
        return plain("what responds there is no Redis, or not one in plain text", next);
    }
    if error.is_io_error() {
        // In the words of this machine: no such host, no such file.
        let next =
            "correct the host in FINTECH_AUTH_REDIS_URL, and see that this machine resolves and reaches it";
        return (format!("no connection: {error}"), next);
    }
    plain(error.category(), "correct FINTECH_AUTH_REDIS_URL")
}

/// The first word of the server's error, if it looks like an error code.
fn word(error: &RedisError) -> Option<&str> {
    let is_word = |word: &&str| word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    error.code().filter(is_word)
}

/// What to do about an error code.
pub(super) fn by_word(word: &str) -> Finding {
    let next = match word {
        "NOAUTH" => "give user and password in FINTECH_AUTH_REDIS_URL: redis://USER:PASSWORD@HOST:PORT",
        "WRONGPASS" => "correct the user and password in FINTECH_AUTH_REDIS_URL",
        "NOPERM" | "ERR" => "give the user the rights that the docs of the module token::redis list",
        "READONLY" => {
            "this is a replica: give the master's address, or use RedisStoreBuilder::with_sentinels"
        }
        "MOVED" | "CLUSTERDOWN" => "this is a node of a cluster: use RedisStoreBuilder::open_cluster",
        "OOM" => "its memory is full: give it more",
        "LOADING" | "BUSY" | "MASTERDOWN" => "wait until it is up",
        _ => "see the server's log",
    };
    (format!("it responds with {word}"), next)
}
