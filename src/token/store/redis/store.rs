//! Implements [`TokenStore`] for Redis.

use std::time::Duration;

use tokio::sync::broadcast;

use super::{
    RedisStore, entry,
    names::{self, KeyId, Message, Names, OfSource},
    reply::{self, Parents, Reply, Sealed},
    script,
};
use crate::{
    Secret,
    token::{
        fingerprint::Fingerprint,
        id::TokenId,
        refresh::cool_down::MAX_COOL_DOWN,
        store::{
            Block, Claim, Lease, Notice, Permit, RateLimit, StoreError, StoreFuture, StoreKey, StoredToken,
            TokenStore,
        },
    },
};

const OVERWRITE: usize = 5;
/// The longest wait for the rate limit. A lease must last longer than this wait, but at most one
/// hour. The scripts treat a longer lease as invalid data and delete it.
const MAX_WAIT: Duration = Duration::from_secs(45 * 60);

struct RedisKey {
    id: KeyId,
    names: OfSource,
}

impl RedisKey {
    fn entry(&self) -> String {
        self.names.entry(&self.id)
    }

    fn lease(&self) -> String {
        self.names.lease(&self.id)
    }

    fn changed(&self) -> Vec<u8> {
        Message::Changed(self.id).write().into()
    }
}

impl RedisStore {
    fn redis_key(&self, key: &StoreKey) -> RedisKey {
        RedisKey { id: Names::id(key), names: self.names.of(&key.source) }
    }

    fn held(&self, lease: &Lease) -> Vec<u8> {
        format!("{}{}", self.holder, lease.fence).into()
    }

    fn channel(&self) -> Vec<u8> {
        self.names.channel.as_str().into()
    }

    fn listen(&self) {
        self.subscription.open(&self.server, &self.names.channel);
    }

    fn about_refresh(&self, key: &StoreKey, token: TokenId) -> Fingerprint {
        self.names.about(&format!("refresh {:016x}", token.get()), key)
    }

    pub(super) fn token(&self, key: &StoreKey, sealed: &Sealed) -> Option<StoredToken> {
        let text = self.keys.open(&self.names.about("access", key), &sealed.text)?;
        let mut token = entry::read(&text, sealed.left, sealed.now)?;
        token.refresh_token_id = sealed.refresh_token_id;
        Some(token).filter(|token| Some(token.id) == sealed.id)
    }

    pub(super) fn refresh_token(&self, key: &StoreKey, id: Option<TokenId>, sealed: &[u8]) -> Option<Secret> {
        let text = self.keys.open(&self.about_refresh(key, id?), sealed)?;
        Some(Secret::from(std::str::from_utf8(&text).ok()?))
    }

    async fn write(
        &self,
        key: &StoreKey,
        token: &StoredToken,
        lease: &Lease,
        release: bool,
    ) -> Result<bool, StoreError> {
        let redis_key = self.redis_key(key);
        let names = &redis_key.names;
        let keys = [redis_key.entry(), redis_key.lease(), names.revoked(), names.invalid()];
        // The fence is the time at which the Redis server granted the lease. `until_requested`
        // counts from the later time at which this process received the grant. So if the token was
        // requested after the grant, `end` is not later than the actual expiry of the token.
        let end = lease.until_requested(token).saturating_add(token.lifetime);
        let end = lease.fence.saturating_add(entry::micros(end));
        let sealed = self.keys.seal(&self.names.about("access", key), &entry::write(token, end))?;
        let refresh_token = match &token.refresh_token {
            Some(text) => {
                self.keys.seal(&self.about_refresh(key, token.id), text.expose_secret().as_bytes())?
            }
            None => Vec::new(),
        };
        let mut arguments = vec![
            self.held(lease),
            lease.fence.to_string().into(),
            names::id(&token.id).into(),
            sealed,
            refresh_token,
            token.refresh_token_id.as_ref().map(names::id).unwrap_or_default().into(),
            millis(token.remaining()).into(),
            self.channel(),
            redis_key.changed(),
            if release { b"1" } else { b"0" }.to_vec(),
        ];
        arguments.extend(lease.parents.iter().map(|id| names::id(id).into()));
        reply::done(&self.link.call(&script::PUT, &keys, &arguments).await?)
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<StoredToken>, StoreError> {
        let redis_key = self.redis_key(key);
        let keys = [redis_key.entry(), redis_key.names.revoked(), redis_key.names.invalid()];
        match Reply::read(self.link.call(&script::GET, &keys, &[]).await?)? {
            Reply::Token(sealed) => Ok(self.token(key, &sealed)),
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
            let redis_key = self.redis_key(key);
            let keys =
                [redis_key.entry(), redis_key.lease(), redis_key.names.revoked(), redis_key.names.invalid()];
            match Reply::read(self.link.call(&script::TAKE, &keys, &[self.held(lease)]).await?)? {
                Reply::Token(Sealed { id, text, .. }) => Ok(self.refresh_token(key, id, &text)),
                _ => Ok(None),
            }
        })
    }

    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let keys = [self.names.of(source).revoked()];
            for ids in ids.chunks(names::MAX_IDS) {
                let message = Message::Revoked(ids.to_vec()).write().into();
                let mut arguments = vec![millis(time).into(), self.channel(), message];
                arguments.extend(ids.iter().map(|id| names::id(id).into()));
                reply::done(&self.link.call(&script::REVOKE, &keys, &arguments).await?)?;
            }
            Ok(())
        })
    }

    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let redis_key = self.redis_key(key);
            let names = &redis_key.names;
            let keys = [redis_key.entry(), names.fence(), names.revoked(), names.invalid()];
            let message = Message::Invalidated(id).write().into();
            let arguments = [names::id(&id).into(), self.channel(), message];
            reply::done(&self.link.call(&script::INVALIDATE, &keys, &arguments).await?).map(drop)
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        Box::pin(async move {
            let redis_key = self.redis_key(key);
            let names = &redis_key.names;
            let keys =
                [redis_key.lease(), names.fence(), redis_key.entry(), names.revoked(), names.invalid()];
            let arguments = [self.holder.as_str().into(), millis(time).into()];
            match Reply::read(self.link.call(&script::LEASE, &keys, &arguments).await?)? {
                Reply::Leased { fence, parents, .. } => Ok(Some(leased(fence, parents))),
                _ => Ok(None),
            }
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let redis_key = self.redis_key(key);
            let arguments = [self.held(lease), self.channel(), redis_key.changed()];
            let response = self.link.call(&script::RELEASE, &[redis_key.lease()], &arguments).await?;
            reply::done(&response).map(drop)
        })
    }

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        self.listen();
        let wait = self.subscription.wait(Names::id(key));
        Box::pin(async move {
            wait.changed(within).await;
            Ok(())
        })
    }

    fn claim<'a>(
        &'a self,
        key: &'a StoreKey,
        credentials: &'a Fingerprint,
        except: &'a [TokenId],
        time: Duration,
        limit: Option<RateLimit>,
        max_wait: Duration,
    ) -> StoreFuture<'a, Claim<'a>> {
        self.listen();
        // Register before the call, so that no change after the call is missed.
        let wait = self.subscription.wait(Names::id(key));
        Box::pin(async move {
            let redis_key = self.redis_key(key);
            let names = &redis_key.names;
            let keys = [
                redis_key.entry(),
                redis_key.lease(),
                names.fence(),
                names.closed(),
                names.refused(credentials),
                names.sent(),
                names.revoked(),
                names.invalid(),
            ];
            let mut arguments: Vec<Vec<u8>> = vec![self.holder.as_str().into(), millis(time).into()];
            arguments.extend(reservation(limit, max_wait));
            arguments.push(Vec::new());
            arguments.extend(except.iter().map(|id| names::id(id).into()));
            // If no sealing key can decrypt the entry, run the script again to delete the entry.
            for _ in 0..2 {
                match Reply::read(self.link.call(&script::CLAIM, &keys, &arguments).await?)? {
                    Reply::Token(sealed) => match self.token(key, &sealed) {
                        Some(token) => return Ok(Claim::Token(token)),
                        None => arguments[OVERWRITE] = sealed.text,
                    },
                    Reply::Leased { fence, wait, parents, refresh_token } => {
                        let refresh_token = self.refresh_token(key, parents.0, &refresh_token);
                        let (lease, permit) = (leased(fence, parents), Permit::Granted(wait));
                        return Ok(Claim::Leased { lease, refresh_token, permit });
                    }
                    Reply::Held { left } => return Ok(Claim::Held(Box::pin(wait.changed(left)))),
                    Reply::Blocked(block) => return Ok(Claim::Blocked(block)),
                    Reply::Granted { .. } | Reply::None => return Err(reply::unexpected_reply()),
                }
                tracing::warn!("overwriting a Redis entry that no sealing key can decrypt");
            }
            Err(StoreError::new("redis: no sealing key can decrypt the entry"))
        })
    }

    fn put_and_release<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(self.write(key, token, lease, true))
    }

    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let arguments = [self.held(lease), millis(time).into()];
            reply::done(&self.link.call(&script::RENEW, &[self.redis_key(key).lease()], &arguments).await?)
        })
    }

    fn acquire_permit<'a>(
        &'a self,
        source: &'a Fingerprint,
        credentials: &'a Fingerprint,
        limit: Option<RateLimit>,
        max_wait: Duration,
    ) -> StoreFuture<'a, Permit> {
        Box::pin(async move {
            let names = self.names.of(source);
            let keys = [names.closed(), names.refused(credentials), names.sent()];
            let arguments = reservation(limit, max_wait);
            match Reply::read(self.link.call(&script::ACQUIRE_PERMIT, &keys, &arguments).await?)? {
                Reply::Granted { wait } => Ok(Permit::Granted(wait)),
                Reply::Blocked(block) => Ok(Permit::Denied(block)),
                _ => Err(reply::unexpected_reply()),
            }
        })
    }

    fn block<'a>(
        &'a self,
        source: &'a Fingerprint,
        credentials: &'a Fingerprint,
        block: Block,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let names = self.names.of(source);
            let (key, time) = match block {
                Block::CoolDown(time) => (names.closed(), time),
                Block::Refused(time) => (names.refused(credentials), time),
                Block::RateLimit(_) => return Ok(()),
            };
            let time = millis(time.min(MAX_COOL_DOWN));
            reply::done(&self.link.call(&script::BLOCK, &[key], &[time.into()]).await?).map(drop)
        })
    }

    fn marks<'a>(&'a self, source: &'a Fingerprint, ids: &'a [TokenId]) -> StoreFuture<'a, Vec<Notice>> {
        Box::pin(async move {
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let names = self.names.of(source);
            let arguments: Vec<Vec<u8>> = ids.iter().map(|id| names::id(id).into()).collect();
            let keys = [names.revoked(), names.invalid()];
            reply::marks(&self.link.call(&script::MARKS, &keys, &arguments).await?, ids)
        })
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        let notices = self.subscription.notices();
        self.listen();
        Some(notices)
    }
}

fn leased(fence: u64, (token, refresh_token): Parents) -> Lease {
    Lease::new(fence).with_parents(token.into_iter().chain(refresh_token))
}

/// Returns at least 1, because Redis rejects an expiry of 0.
fn millis(span: Duration) -> String {
    span.as_millis().clamp(1, 1 << 50).to_string()
}

fn reservation(limit: Option<RateLimit>, max_wait: Duration) -> [Vec<u8>; 3] {
    let (calls, per) = limit
        .map_or((0, 0), |limit| (limit.calls.clamp(1, 100_000), limit.per.min(MAX_WAIT).as_micros().max(1)));
    let max_wait = max_wait.min(MAX_WAIT).as_millis();
    [calls.to_string().into(), per.to_string().into(), max_wait.to_string().into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hex::unhex_all,
        token::{id::token_id, redis::SealingKey},
    };

    fn store() -> RedisStore {
        RedisStore::builder([SealingKey::new(&[1; 32]).unwrap()]).open("redis://127.0.0.1:1").unwrap()
    }

    fn key() -> StoreKey {
        StoreKey { source: Fingerprint::of(["source"]), scopes: "a b".into() }
    }

    /// If this test fails, processes of the previous release and of this release do not share
    /// tokens. If you changed the format on purpose, increase `VERSION` of the seal, and replace
    /// these values.
    #[test]
    fn entry_written_by_an_earlier_build_is_parsed() {
        const NAME: &str = "{fintech-auth:default:c0d98bfc0d1dafc7905b63b52c95999c}:token:2:ab1824375b49b051d46e7d961c75006f";
        const TOKEN: &str = "02db8378bdac1e89374fec6d1442e8c97e43aaaee290ae031739015fae4b4efd765bb5d4d8fa2d30f4778d\
            259768a914ca2275c9a93580364550757352b41e";
        const REFRESH_TOKEN: &str = "02db8378bdac1e8937831ab275e8bca5560ef27253ad96237c77130b5ece1667915fc760eaa6e30e\
            272d23c5";
        let (store, key, id) = (store(), key(), token_id(&"token".into()));
        assert_eq!(store.redis_key(&key).entry(), NAME);
        let sealed = Sealed {
            id: Some(id),
            text: unhex_all(TOKEN),
            refresh_token_id: None,
            left: Duration::from_secs(800),
            now: 4_200_000_000,
        };
        let token = store.token(&key, &sealed).expect("it is read");
        assert_eq!((token.access_token.expose_secret(), token.scope.as_deref()), ("token", Some("a")));
        assert_eq!((token.lifetime, token.age), (Duration::from_secs(900), Duration::from_secs(100)));
        let refresh_token = store.refresh_token(&key, Some(id), &unhex_all(REFRESH_TOKEN));
        assert_eq!(refresh_token.expect("it is read").expose_secret(), "refresh");
    }
}
