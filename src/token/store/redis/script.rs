//! The scripts that run atomically in Redis.

use std::sync::OnceLock;

use redis::Cmd;
use ring::digest;

use crate::hex::hex;

pub(crate) struct Script {
    text: &'static str,
    sha1: OnceLock<String>,
}

macro_rules! scripts {
    ($($name:ident $file:literal)*) => {$(
        pub(super) static $name: Script =
            Script::new(concat!(include_str!("scripts/prelude.lua"), include_str!(concat!("scripts/", $file))));
    )*};
}

scripts! {
    ACQUIRE_PERMIT "acquire_permit.lua"
    BLOCK "block.lua"
    CLAIM "claim.lua"
    GET "get.lua"
    INVALIDATE "invalidate.lua"
    LEASE "lease.lua"
    MARKS "marks.lua"
    PUT "put.lua"
    RELEASE "release.lua"
    REMOVE "remove.lua"
    RENEW "renew.lua"
    REVOKE "revoke.lua"
    TAKE "take.lua"
}

impl Script {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, sha1: OnceLock::new() }
    }

    /// Redis identifies scripts by SHA-1. The hash is not used for security.
    fn sha1(&self) -> &str {
        self.sha1.get_or_init(|| {
            let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.text.as_bytes());
            hex(digest.as_ref())
        })
    }

    pub(super) fn command(&'static self, use_eval: bool, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        let mut command = redis::cmd(if use_eval { "EVAL" } else { "EVALSHA" });
        command.arg(if use_eval { self.text } else { self.sha1() }).arg(keys.len()).arg(keys).arg(arguments);
        command
    }
}
