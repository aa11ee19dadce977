//! Receives notices from other processes. Each store has one subscription.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use redis::{
    RedisResult,
    aio::{PubSubSink, PubSubStream},
};
use tokio::{
    runtime,
    sync::{broadcast, watch},
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    link::{CONNECT, redact_error},
    names::{KeyId, Message},
    server::Server,
};
use crate::{
    retry::{backoff, random},
    token::store::Notice,
};

const SILENCE: Duration = Duration::from_secs(5);
const PONG: Duration = Duration::from_secs(2);
const BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// A waiting caller checks its key after this time even if the subscription is active, because the
/// process may not notice a dead subscription.
const SUBSCRIBED_POLL: Duration = Duration::from_secs(10);
const UNSUBSCRIBED_POLL: Duration = Duration::from_secs(2);
const BACKLOG: usize = 4096;

pub(super) struct Subscription {
    notices: broadcast::Sender<Notice>,
    waiting: Mutex<HashMap<KeyId, watch::Sender<()>>>,
    task: Mutex<Option<AbortHandle>>,
    subscribed: AtomicBool,
}

impl Subscription {
    pub(super) fn new() -> Self {
        Self {
            notices: broadcast::Sender::new(BACKLOG),
            waiting: Mutex::default(),
            task: Mutex::default(),
            subscribed: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    pub(super) fn open(self: &Arc<Self>, server: &Arc<Server>, channel: &str) {
        let Ok(runtime) = runtime::Handle::try_current() else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let (subscription, server, channel) = (Arc::downgrade(self), server.clone(), channel.to_owned());
            *task = Some(runtime.spawn(listen(subscription, server, channel)).abort_handle());
        }
    }

    pub(super) fn close(&self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }

    pub(super) fn wait(self: &Arc<Self>, key: KeyId) -> Wait {
        let receiver = self.lock().entry(key).or_insert_with(|| watch::Sender::new(())).subscribe();
        Wait { subscription: self.clone(), key, receiver: Some(receiver) }
    }

    fn handle(&self, message: Message) {
        match message {
            Message::Changed(key) => {
                if let Some(waiting) = self.lock().get(&key) {
                    waiting.send_replace(());
                }
            }
            Message::Revoked(ids) => {
                ids.into_iter().for_each(|id| drop(self.notices.send(Notice::Revoked(id))));
            }
            Message::Invalidated(id) => drop(self.notices.send(Notice::Invalidated(id))),
        }
    }

    fn wake_all(&self) {
        self.lock().values().for_each(|waiting| waiting.send_replace(()));
    }

    fn is_subscribed(&self) -> bool {
        self.subscribed.load(Ordering::Relaxed)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.close();
    }
}

pub(super) struct Wait {
    subscription: Arc<Subscription>,
    key: KeyId,
    receiver: Option<watch::Receiver<()>>,
}

impl Wait {
    pub(super) async fn changed(mut self, within: Duration) {
        let most = if self.subscription.is_subscribed() { SUBSCRIBED_POLL } else { UNSUBSCRIBED_POLL };
        if let Some(receiver) = &mut self.receiver {
            let _ = timeout(most.min(within), receiver.changed()).await;
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waiting = self.subscription.lock();
        self.receiver = None;
        if waiting.get(&self.key).is_some_and(|waiting| waiting.receiver_count() == 0) {
            waiting.remove(&self.key);
        }
    }
}

async fn listen(subscription: Weak<Subscription>, server: Arc<Server>, channel: String) {
    let mut failures = 0_u32;
    while subscription.strong_count() > 0 {
        match timeout(CONNECT, subscribe(&server, &channel)).await {
            Ok(Ok((sink, stream))) => {
                let start = Instant::now();
                receive_messages(&subscription, sink, stream).await;
                // A server may close every new subscription immediately. So a subscription counts
                // as a success only if it lasted longer than `MAX_BACKOFF`.
                if start.elapsed() > MAX_BACKOFF {
                    failures = 0;
                }
                tracing::debug!("the subscription to Redis ended; subscribing again");
            }
            Ok(Err(error)) => {
                let error = redact_error(&error);
                tracing::debug!(error = std::error::Error::source(&error), "redis: subscribing failed");
            }
            Err(_) => tracing::debug!("redis: subscribing timed out"),
        }
        failures = failures.saturating_add(1);
        sleep(backoff(BACKOFF, MAX_BACKOFF, failures, random())).await;
    }
}

pub(super) async fn subscribe(server: &Server, channel: &str) -> RedisResult<(PubSubSink, PubSubStream)> {
    let (mut sink, stream) = server.listen().await?.split();
    sink.subscribe(channel).await?;
    Ok((sink, stream))
}

struct Subscribed(Weak<Subscription>);

impl Subscribed {
    fn new(subscription: &Arc<Subscription>) -> Self {
        subscription.subscribed.store(true, Ordering::Relaxed);
        subscription.wake_all();
        // This process missed the messages that were sent before the subscription. So its caches
        // must check all their tokens.
        let _ = subscription.notices.send(Notice::Missed);
        Self(Arc::downgrade(subscription))
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        if let Some(subscription) = self.0.upgrade() {
            subscription.subscribed.store(false, Ordering::Relaxed);
            // Wake the waiting callers, because without a subscription they may not receive the
            // message that they wait for.
            subscription.wake_all();
        }
    }
}

async fn receive_messages(subscription: &Weak<Subscription>, mut sink: PubSubSink, mut stream: PubSubStream) {
    let _subscribed = match subscription.upgrade() {
        Some(subscription) => Subscribed::new(&subscription),
        None => return,
    };
    loop {
        match timeout(SILENCE, stream.next()).await {
            Ok(Some(message)) => {
                let Some(subscription) = subscription.upgrade() else { return };
                if let Some(message) = Message::read(message.get_payload_bytes()) {
                    subscription.handle(message);
                }
            }
            Ok(None) => return,
            Err(_) => match timeout(PONG, sink.ping::<redis::Value>()).await {
                Ok(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
