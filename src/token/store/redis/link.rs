//! The connection that all calls share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::time::{Instant, timeout};

use super::{
    script::Script,
    server::{Connection, Server},
};
use crate::{
    single_flight::{SingleFlight, Waiter},
    token::store::StoreError,
};

pub(super) const CONNECT: Duration = Duration::from_secs(5);

pub(super) struct Link {
    server: Arc<Server>,
    timeout: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    made: u64,
    current: Option<NumberedConnection>,
    connecting: SingleFlight<Made>,
}

type Made = Result<NumberedConnection, Arc<RedisError>>;

#[derive(Clone)]
struct NumberedConnection {
    number: u64,
    connection: Connection,
}

impl Link {
    pub(super) fn new(server: Arc<Server>, timeout: Duration) -> Self {
        Self { server, timeout, state: Arc::default() }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn close(&self) {
        lock(&self.state).current = None;
    }

    pub(super) async fn call(
        &self,
        script: &'static Script,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> Result<Value, StoreError> {
        match timeout(self.timeout, self.attempt(script, keys, arguments)).await {
            Ok(result) => result.map_err(|error| redact_error(&error)),
            Err(_) => Err(StoreError::new("redis: response timed out")),
        }
    }

    async fn attempt(
        &self,
        script: &'static Script,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> Result<Value, Arc<RedisError>> {
        let (mut use_eval, mut may_retry) = (false, true);
        loop {
            let NumberedConnection { number, mut connection } = self.connection().await?;
            let watched = InFlightGuard { link: self, number, since: Some(Instant::now()) };
            let command = script.command(use_eval, keys, arguments);
            let result = connection.send(&command).await;
            watched.done();
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) && !use_eval {
                use_eval = true;
                continue;
            }
            let (broken, lost) = (needs_reconnect(&error), error.is_connection_dropped());
            if broken || lost {
                discard(&self.state, number);
            }
            // An idle connection may be stale, so retry once.
            if !(lost && may_retry) {
                return Err(Arc::new(error));
            }
            may_retry = false;
        }
    }

    async fn connection(&self) -> Made {
        let waiter = {
            let mut state = lock(&self.state);
            if let Some(current) = &state.current {
                return Ok(current.clone());
            }
            state.connecting.running().unwrap_or_else(|| self.connect(&mut state))
        };
        waiter
            .outcome()
            .await
            .unwrap_or_else(|| Err(Arc::new((ErrorKind::Client, "the tokio runtime was shut down").into())))
    }

    /// Connects in a separate task, so that the connection is kept even if callers stop waiting.
    fn connect(&self, state: &mut State) -> Waiter<Made> {
        let flight = state.connecting.start();
        let waiter = flight.waiter();
        state.made += 1;
        let (server, shared, number) = (self.server.clone(), self.state.clone(), state.made);
        let work = async move {
            let made = match timeout(CONNECT, server.connect()).await {
                Ok(Ok(connection)) => Ok(NumberedConnection { number, connection }),
                Ok(Err(error)) => Err(Arc::new(error)),
                Err(_) => Err(Arc::new((ErrorKind::Client, "timed out connecting").into())),
            };
            let mut state = lock(&shared);
            state.connecting.clear();
            state.current = made.as_ref().ok().cloned();
            Some(made)
        };
        // Without a runtime, the task does not start. The waiter then gets no outcome, and the call
        // fails.
        let _ = flight.spawn(work);
        waiter
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn discard(state: &Mutex<State>, number: u64) {
    let mut state = lock(state);
    if state.current.as_ref().is_some_and(|current| current.number == number) {
        state.current = None;
    }
}

/// These errors mean that the connection is broken, or that the server may no longer be the master.
/// In both cases, a new connection may help.
fn needs_reconnect(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};
    error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly))
}

/// Keeps the error code of Redis, but no other text from Redis, because such text is untrusted. If
/// there is no valid code, the error category that the Redis client reports is used instead.
pub(super) fn redact_error(error: &RedisError) -> StoreError {
    let is_plain = |code: &&str| code.len() <= 32 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    match (error.is_connection_refusal(), error.code().filter(is_plain)) {
        (true, _) => StoreError::new("redis: connection refused"),
        (_, Some(code)) => StoreError::new(format!("redis: {code}")),
        (_, None) => StoreError::new(format!("redis: {}", error.category())),
    }
}

/// If a call is cancelled or times out, and Redis has not responded for at least half of the
/// timeout, the connection may be dead. The guard then discards the connection.
struct InFlightGuard<'a> {
    link: &'a Link,
    number: u64,
    since: Option<Instant>,
}

impl InFlightGuard<'_> {
    fn done(mut self) {
        self.since = None;
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= self.link.timeout / 2) {
            discard(&self.link.state, self.number);
        }
    }
}
