//! The contract of a store, word for word in scripts.
//!
//! It decides nothing: what a script says is what happens.

use std::{num::NonZeroU64, time::Duration};

use tokio::sync::broadcast;

use super::{
    RedisStore, entry,
    names::{KeyId, Message, Names, OfSource},
    reply::{self, Reply},
    script,
};
use crate::{
    Secret,
    token::{
        Claim, Fingerprint, Lease, MAX_COOL_DOWN, Notice, RateLimit, Stop, StoreError, StoreFuture, StoreKey,
        StoredToken, TokenStore,
    },
};

/// How long it is remembered that a token was evicted, unless it lives for longer still: as long as a
/// token is believed by default.
const GONE: Duration = Duration::from_secs(24 * 60 * 60);
/// The argument of a claim that is an entry to overwrite.
const FOREIGN: usize = 4;

/// A key as the scripts know it.
struct Keyed {
    id: KeyId,
    names: OfSource,
}

impl RedisStore {
    fn keyed(&self, key: &StoreKey) -> Keyed {
        Keyed { id: Names::id(key), names: self.names.of(&key.source) }
    }

    fn held(&self, lease: &Lease) -> String {
        format!("{}{}", self.holder, lease.fence)
    }

    fn changed_message(key: &Keyed) -> String {
        Message { key: key.id, evicted: None }.write()
    }

    fn listen(&self) {
        self.ears.open(&self.server, &self.names.channel);
    }

    fn about_refresh(&self, key: &StoreKey, generation: NonZeroU64) -> Fingerprint {
        self.names.about(&format!("refresh {generation:016x}"), key)
    }

    /// The token in an entry, if it is one of ours.
    fn token(&self, key: &StoreKey, generation: Option<NonZeroU64>, sealed: &[u8]) -> Option<StoredToken> {
        let text = self.keys.open(&self.names.about("access", key), sealed)?;
        entry::read(&text).filter(|token| Some(token.generation) == generation)
    }

    fn refresh_token(&self, key: &StoreKey, generation: Option<NonZeroU64>, sealed: &[u8]) -> Option<Secret> {
        let text = self.keys.open(&self.about_refresh(key, generation?), sealed)?;
        Some(Secret::from(std::str::from_utf8(&text).ok()?))
    }

    async fn write(
        &self,
        key: &StoreKey,
        token: &StoredToken,
        lease: &Lease,
        settle: bool,
    ) -> Result<bool, StoreError> {
        let keyed = self.keyed(key);
        let keys = [
            keyed.names.entry(&keyed.id),
            keyed.names.lease(&keyed.id),
            keyed.names.gone(token.generation),
            keyed.names.refused(),
        ];
        let sealed = self.keys.seal(&self.names.about("access", key), &entry::write(token))?;
        let refresh_token = match &token.refresh_token {
            Some(text) => {
                self.keys.seal(&self.about_refresh(key, token.generation), text.expose().as_bytes())?
            }
            None => Vec::new(),
        };
        let arguments = [
            self.held(lease).into(),
            format!("{:016x}", token.generation).into(),
            sealed,
            refresh_token,
            millis(token.lifetime).into(),
            self.names.channel.as_str().into(),
            Self::changed_message(&keyed).into(),
            if settle { b"1" } else { b"0" }.to_vec(),
        ];
        reply::done(&self.link.call(&script::PUT, &keys, &arguments).await?)
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<StoredToken>, StoreError> {
        let keyed = self.keyed(key);
        match Reply::read(self.link.call(&script::GET, &[keyed.names.entry(&keyed.id)], &[]).await?)? {
            Reply::Token { generation, sealed } => Ok(self.token(key, generation, &sealed)),
            _ => Ok(None),
        }
    }
}

impl TokenStore for RedisStore {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        Box::pin(self.read(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(self.write(key, token, lease, false))
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        Box::pin(async move {
            let keyed = self.keyed(key);
            let keys = [keyed.names.entry(&keyed.id), keyed.names.lease(&keyed.id)];
            let answer = self.link.call(&script::TAKE, &keys, &[self.held(lease).into()]).await?;
            match Reply::read(answer)? {
                Reply::Token { generation, sealed } => Ok(self.refresh_token(key, generation, &sealed)),
                _ => Ok(None),
            }
        })
    }

    fn evict<'a>(&'a self, key: &'a StoreKey, generation: NonZeroU64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let keyed = self.keyed(key);
            let keys =
                [keyed.names.entry(&keyed.id), keyed.names.lease(&keyed.id), keyed.names.gone(generation)];
            let arguments = [
                format!("{generation:016x}").into(),
                millis(GONE).into(),
                self.names.channel.as_str().into(),
                Message { key: keyed.id, evicted: Some(generation) }.write().into(),
            ];
            reply::done(&self.link.call(&script::EVICT, &keys, &arguments).await?).map(drop)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        Box::pin(async move {
            let keyed = self.keyed(key);
            let keys = [keyed.names.lease(&keyed.id), keyed.names.fence()];
            let arguments = [self.holder.as_str().into(), millis(time).into()];
            match Reply::read(self.link.call(&script::LEASE, &keys, &arguments).await?)? {
                Reply::Leased { fence, .. } => Ok(Some(Lease { fence })),
                _ => Ok(None),
            }
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let keyed = self.keyed(key);
            let keys = [keyed.names.lease(&keyed.id)];
            let message = Self::changed_message(&keyed);
            let arguments = [self.held(lease).into(), self.names.channel.as_str().into(), message.into()];
            reply::done(&self.link.call(&script::RELEASE, &keys, &arguments).await?).map(drop)
        })
    }

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        self.listen();
        let wait = self.ears.wait(Names::id(key));
        Box::pin(async move {
            let _ = tokio::time::timeout(within, wait.word()).await;
            Ok(())
        })
    }

    fn claim<'a>(
        &'a self,
        key: &'a StoreKey,
        except: &'a [NonZeroU64],
        time: Duration,
        limit: Option<RateLimit>,
    ) -> StoreFuture<'a, Claim<'a>> {
        self.listen();
        // From before the question, so that no answer to it is missed.
        let wait = self.ears.wait(Names::id(key));
        Box::pin(async move {
            let keyed = self.keyed(key);
            let names = &keyed.names;
            let keys = [
                names.entry(&keyed.id),
                names.lease(&keyed.id),
                names.fence(),
                names.closed(),
                names.refused(),
                names.sent(),
            ];
            let (calls, per) = limited(limit);
            let mut arguments: Vec<Vec<u8>> =
                vec![self.holder.as_str().into(), millis(time).into(), calls.into(), per.into(), Vec::new()];
            arguments.extend(except.iter().map(|generation| format!("{generation:016x}").into()));
            // A second time if there is something that is none of ours.
            for _ in 0..2 {
                match Reply::read(self.link.call(&script::CLAIM, &keys, &arguments).await?)? {
                    Reply::Token { generation, sealed } => match self.token(key, generation, &sealed) {
                        Some(token) => return Ok(Claim::Token(token)),
                        None => arguments[FOREIGN] = sealed,
                    },
                    Reply::Leased { fence, generation, refresh_token } => {
                        let refresh_token = self.refresh_token(key, generation, &refresh_token);
                        return Ok(Claim::Leased(Lease { fence }, refresh_token));
                    }
                    Reply::Held => return Ok(Claim::Held(Box::pin(wait.word()))),
                    Reply::Stopped(stop) => return Ok(Claim::Stopped(stop)),
                    Reply::None => return Err(reply::foreign()),
                }
                tracing::warn!("an entry in Redis is none of ours; it is overwritten");
            }
            Err(StoreError::new("redis: the entry is none of ours"))
        })
    }

    fn settle<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(self.write(key, token, lease, true))
    }

    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let keyed = self.keyed(key);
            let keys = [keyed.names.lease(&keyed.id)];
            let arguments = [self.held(lease).into(), millis(time).into()];
            reply::done(&self.link.call(&script::RENEW, &keys, &arguments).await?)
        })
    }

    fn admit<'a>(
        &'a self,
        source: &'a Fingerprint,
        limit: Option<RateLimit>,
    ) -> StoreFuture<'a, Option<Stop>> {
        Box::pin(async move {
            let names = self.names.of(source);
            let keys = [names.closed(), names.refused(), names.sent()];
            let (calls, per) = limited(limit);
            let answer = self.link.call(&script::ADMIT, &keys, &[calls.into(), per.into()]).await?;
            match Reply::read(answer)? {
                Reply::Stopped(stop) => Ok(Some(stop)),
                _ => Ok(None),
            }
        })
    }

    fn stop<'a>(&'a self, source: &'a Fingerprint, stop: Stop) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let names = self.names.of(source);
            let (key, time) = match stop {
                Stop::CoolDown(time) => (names.closed(), time),
                Stop::Refused(time) => (names.refused(), time),
            };
            let time = millis(time.min(MAX_COOL_DOWN));
            reply::done(&self.link.call(&script::STOP, &[key], &[time.into()]).await?).map(drop)
        })
    }

    fn evicted<'a>(
        &'a self,
        source: &'a Fingerprint,
        generations: &'a [NonZeroU64],
    ) -> StoreFuture<'a, Vec<NonZeroU64>> {
        Box::pin(async move {
            let names = self.names.of(source);
            let keys: Vec<String> = generations.iter().map(|generation| names.gone(*generation)).collect();
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let gone = reply::each_done(&self.link.call(&script::EVICTED, &keys, &[]).await?, keys.len())?;
            Ok(generations
                .iter()
                .zip(gone)
                .filter_map(|(generation, gone)| gone.then_some(*generation))
                .collect())
        })
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        let notices = self.ears.notices();
        self.listen();
        Some(notices)
    }
}

/// Milliseconds for a script: at least one, or the call would be an error.
fn millis(span: Duration) -> String {
    span.as_millis().clamp(1, 1 << 50).to_string()
}

fn limited(limit: Option<RateLimit>) -> (String, String) {
    match limit {
        Some(limit) => (limit.calls.clamp(1, 100_000).to_string(), millis(limit.per)),
        None => ("0".to_owned(), "0".to_owned()),
    }
}
