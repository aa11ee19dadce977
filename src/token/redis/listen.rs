//! Hears what the other processes did: one subscription for a store, whatever waits for it.
//!
//! It never asks for anything. While it hears nothing, those who wait look again by themselves, and
//! once it hears again it says that something may have been missed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
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
    time::{sleep, timeout},
};

use super::{
    link::{CONNECT, told},
    names::{KeyId, Message},
    server::Server,
};
use crate::token::{Notice, POLL};

/// After how much silence the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(5);
/// How long it may take to say so.
const PONG: Duration = Duration::from_secs(2);
/// How long to wait between attempts to subscribe: at first, and at the most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How many notices may wait for a cache. It looks at all of its tokens if there are more.
const BACKLOG: usize = 4096;

pub(super) struct Ears {
    notices: broadcast::Sender<Notice>,
    waiting: Mutex<HashMap<KeyId, watch::Sender<()>>>,
    task: Mutex<Option<AbortHandle>>,
}

impl Ears {
    pub(super) fn new() -> Self {
        Self { notices: broadcast::Sender::new(BACKLOG), waiting: Mutex::default(), task: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Begins to listen, unless it does.
    pub(super) fn open(self: &Arc<Self>, server: &Arc<Server>, channel: &str) {
        let Ok(runtime) = runtime::Handle::try_current() else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let (ears, server, channel) = (Arc::downgrade(self), server.clone(), channel.to_owned());
            *task = Some(runtime.spawn(listen(ears, server, channel)).abort_handle());
        }
    }

    /// Waits for word of a key from now on, not from when it is polled.
    pub(super) fn wait(self: &Arc<Self>, key: KeyId) -> Wait {
        let word = self.lock().entry(key).or_insert_with(|| watch::Sender::new(())).subscribe();
        Wait { ears: self.clone(), key, word: Some(word) }
    }

    fn hear(&self, message: &Message) {
        if let Some(waiting) = self.lock().get(&message.key) {
            waiting.send_replace(());
        }
        if let Some(generation) = message.evicted {
            // Without a cache that listens there is nobody to tell.
            let _ = self.notices.send(Notice::Evicted(generation));
        }
    }

    /// Something may have been said while nobody listened.
    fn missed(&self) {
        self.lock().values().for_each(|waiting| waiting.send_replace(()));
        let _ = self.notices.send(Notice::Missed);
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// Somebody who waits for a key.
pub(super) struct Wait {
    ears: Arc<Ears>,
    key: KeyId,
    word: Option<watch::Receiver<()>>,
}

impl Wait {
    /// Ends when something was said of the key, or soon after.
    pub(super) async fn word(mut self) {
        if let Some(word) = &mut self.word {
            let _ = timeout(POLL, word.changed()).await;
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waiting = self.ears.lock();
        self.word = None;
        if waiting.get(&self.key).is_some_and(|waiting| waiting.receiver_count() == 0) {
            waiting.remove(&self.key);
        }
    }
}

async fn listen(ears: Weak<Ears>, server: Arc<Server>, channel: String) {
    let mut pause = PAUSE.0;
    while ears.strong_count() > 0 {
        match timeout(CONNECT, subscribe(&server, &channel)).await {
            Ok(Ok((sink, stream))) => {
                pause = PAUSE.0;
                hear_all(&ears, sink, stream).await;
                tracing::debug!("the subscription to Redis ended; subscribing again");
            }
            Ok(Err(error)) => {
                let error = told(&error);
                tracing::debug!(error = std::error::Error::source(&error), "no subscription to Redis");
            }
            Err(_) => tracing::debug!("no subscription to Redis in time"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

async fn subscribe(server: &Server, channel: &str) -> RedisResult<(PubSubSink, PubSubStream)> {
    let (mut sink, stream) = server.listen().await?.split();
    sink.subscribe(channel).await?;
    Ok((sink, stream))
}

/// Until the connection ends, or the server says nothing when asked.
async fn hear_all(ears: &Weak<Ears>, mut sink: PubSubSink, mut stream: PubSubStream) {
    let Some(missed) = ears.upgrade() else { return };
    missed.missed();
    drop(missed);
    loop {
        match timeout(SILENCE, stream.next()).await {
            Ok(Some(message)) => {
                let Some(ears) = ears.upgrade() else { return };
                if let Some(message) = Message::read(message.get_payload_bytes()) {
                    ears.hear(&message);
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
