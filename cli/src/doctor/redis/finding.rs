//! Explains Redis errors and suggests fixes. Never shows the address of the server. Shows the error
//! code that the server sent, but no other text from the server.

use fintech_auth::redis::{ErrorKind, RedisError};

use crate::doctor::tls;

pub(super) type Finding = (String, &'static str);

/// A wrong URL scheme can cause a timeout, because a server without TLS does not respond to a TLS
/// handshake.
pub(super) fn late(is_tls: bool) -> Finding {
    let next = if is_tls {
        "check that the server uses TLS (otherwise FINTECH_AUTH_REDIS_URL must begin with redis://), and that no \
         firewall blocks this machine"
    } else {
        "check that no firewall blocks this machine, or increase the timeout (--timeout)"
    };
    ("timed out waiting for a response".to_owned(), next)
}

pub(super) fn of(error: &RedisError, is_tls: bool) -> Finding {
    if let Some(finding) = tls::finding(error) {
        return finding;
    }
    let plain = |found: &str, next| (found.to_owned(), next);
    if error.is_connection_refusal() {
        return plain("connection refused", "start Redis, or correct FINTECH_AUTH_REDIS_URL");
    }
    if error.kind() == ErrorKind::AuthenticationFailed {
        let next = "correct them in FINTECH_AUTH_REDIS_URL: redis://USER:PASSWORD@HOST:PORT, with special characters \
                    percent-encoded";
        return plain("the server rejects the user and password", next);
    }
    if let Some(word) = word(error) {
        return by_word(word);
    }
    if error.kind() == ErrorKind::Parse || error.is_connection_dropped() {
        let next = if is_tls {
            "correct the port in FINTECH_AUTH_REDIS_URL; if the server does not use TLS, the URL must begin with redis://"
        } else {
            "correct the port in FINTECH_AUTH_REDIS_URL; if the server uses TLS, the URL must begin with rediss://"
        };
        return plain("the server at this address is not a Redis, or it expects TLS", next);
    }
    if error.is_io_error() {
        // The text of an I/O error comes from the operating system and not from the server, so it
        // may be shown.
        let next = "correct the host in FINTECH_AUTH_REDIS_URL, and check that this machine can resolve and reach it";
        return (format!("cannot connect: {error}"), next);
    }
    plain(error.category(), "correct FINTECH_AUTH_REDIS_URL")
}

fn word(error: &RedisError) -> Option<&str> {
    let is_word = |word: &&str| word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    error.code().filter(is_word)
}

pub(super) fn by_word(word: &str) -> Finding {
    let next = match word {
        "NOAUTH" => "add a user and password to FINTECH_AUTH_REDIS_URL: redis://USER:PASSWORD@HOST:PORT",
        "WRONGPASS" => "correct the user and password in FINTECH_AUTH_REDIS_URL",
        "NOPERM" | "ERR" => "grant the user the permissions that the docs of the module token::redis list",
        "READONLY" => {
            "this server is a replica: use the primary's address, or RedisStoreBuilder::with_sentinels"
        }
        "MOVED" | "CLUSTERDOWN" => "this server is a cluster node: use RedisStoreBuilder::open_cluster",
        "OOM" => "the server's memory is full: increase maxmemory",
        "LOADING" | "BUSY" | "MASTERDOWN" => "wait until the server is ready",
        _ => "check the server's log",
    };
    (format!("the server responds with the error {word}"), next)
}
