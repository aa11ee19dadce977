//! The credentials that a client currently sends.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{
    auth::{Auth, Scheme},
    pair::check,
    provider::CredentialsProvider,
    shared::{Outcome, Shared},
};
use crate::{
    Clock, Error, ErrorKind,
    catch_panic::catch_panic,
    single_flight::{Flight, NoRuntime, SingleFlight, Started, Waiter},
    sync::{Mutex, MutexGuard, time},
    token::Fingerprint,
};

const DEADLINE: Duration = Duration::from_secs(5);
const FAILURE_PAUSE: Duration = Duration::from_secs(10);
/// The minimum time between two calls of `after_refusal`. This pause must be shorter than the
/// default TTL of the negative cache, so that the pause has ended when the client sends the
/// rejected credentials again.
const REFUSAL_PAUSE: Duration = Duration::from_secs(5);
/// Without a limit, `renew` could wait forever for calls that concurrent requests have started.
const MAX_WAITS: u32 = 3;

#[derive(Clone)]
pub(crate) struct CurrentCredentials(Arc<Inner>);

struct Inner {
    provider: Arc<dyn CredentialsProvider>,
    is_constant: bool,
    name: Option<String>,
    shared: Shared,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    look: SingleFlight<Outcome>,
    failure: Option<(Error, Duration)>,
    refusal_pause_end: Duration,
}

impl CurrentCredentials {
    pub(crate) fn new(
        provider: Arc<dyn CredentialsProvider>,
        scheme: Scheme,
        name: Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        name.as_deref().map(|name| check("name of the credentials", name)).transpose()?;
        let shared = Shared::new(scheme);
        if let Some(known) = provider.known() {
            shared.install(known)?;
        }
        let is_constant = provider.is_constant();
        Ok(Self(Arc::new(Inner { provider, is_constant, name, shared, clock, state: Mutex::default() })))
    }

    pub(crate) fn known(&self) -> Option<Arc<Auth>> {
        self.0.shared.current()
    }

    pub(crate) fn account(&self) -> Option<Fingerprint> {
        let known = self.known();
        account(self.0.name.as_deref(), known.as_ref().map(|known| known.credentials().client_id()))
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.known().map_or_else(|| Fingerprint::of(["unknown"]), |auth| auth.fingerprint())
    }

    pub(crate) async fn get(&self) -> Outcome {
        match self.known().filter(|_| self.0.is_constant) {
            Some(known) => Ok(known),
            None => self.get_from_provider().await,
        }
    }

    async fn get_from_provider(&self) -> Outcome {
        let running = {
            let mut state = self.0.lock();
            match state.look.running() {
                Some(waiter) => Ok(waiter),
                None => match state.failure_now(|| self.0.clock.monotonic()) {
                    Some(error) => return self.known().ok_or(error),
                    None => Err(state.look.start()),
                },
            }
        };
        let waiter = match running {
            Ok(waiter) => waiter,
            Err(flight) => {
                let inner = self.0.clone();
                let work = async move { Some(inner.look(None).await) };
                // Poll first, because most providers return credentials from memory and need no
                // task.
                match flight.poll_or_spawn(work).map_err(no_runtime)? {
                    Started::Ready(outcome) => return outcome.unwrap_or_else(|| Err(cut_off())),
                    Started::Pending(waiter) => waiter,
                }
            }
        };
        waiter.outcome().await.unwrap_or_else(|| self.known().ok_or_else(cut_off))
    }

    pub(crate) async fn known_or_get(&self) -> Outcome {
        match self.known() {
            Some(known) => Ok(known),
            None => self.get().await,
        }
    }

    pub(crate) async fn renew(&self, refused: &Fingerprint) -> bool {
        for _ in 0..MAX_WAITS {
            let known = self.known();
            if known.as_ref().is_some_and(|known| known.fingerprint() != *refused) {
                return true;
            }
            let (waiter, is_ours) = {
                let mut state = self.0.lock();
                let now = self.0.clock.monotonic();
                match state.look.running() {
                    // The running call may have started before the rejection, so its result may be
                    // too old.
                    Some(waiter) => (waiter, false),
                    None if now < state.refusal_pause_end || state.failure_now(|| now).is_some() => {
                        return false;
                    }
                    None => {
                        state.refusal_pause_end = now.saturating_add(REFUSAL_PAUSE);
                        let Ok(waiter) = self.look(&mut state, known) else { return false };
                        (waiter, true)
                    }
                }
            };
            waiter.outcome().await;
            if is_ours {
                break;
            }
        }
        self.known().is_some_and(|known| known.fingerprint() != *refused)
    }

    fn look(&self, state: &mut State, refused: Option<Arc<Auth>>) -> Result<Waiter<Outcome>, Error> {
        let flight: Flight<Outcome> = state.look.start();
        let (waiter, inner) = (flight.waiter(), self.0.clone());
        let started = flight.spawn(async move { Some(inner.look(refused).await) });
        started.map_err(no_runtime)?;
        Ok(waiter)
    }
}

impl State {
    fn failure_now(&self, now: impl FnOnce() -> Duration) -> Option<Error> {
        let (error, pause_end) = self.failure.as_ref()?;
        (now() < *pause_end).then(|| error.clone())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, refused: Option<Arc<Auth>>) -> Outcome {
        let asked = catch_panic(async {
            match &refused {
                Some(refused) => self.provider.after_refusal(refused.credentials()).await,
                None => self.provider.credentials().await,
            }
        });
        let found = match time::timeout(DEADLINE, asked).await {
            Ok(Some(Ok(found))) => self.shared.install(found),
            Ok(Some(Err(error))) => Err(error),
            Ok(None) => Err(Error::new(ErrorKind::Unavailable, "the credentials provider panicked")),
            Err(_) => {
                Err(Error::new(ErrorKind::Timeout, "the credentials provider did not respond within 5 s"))
            }
        };
        let outcome = found.map_err(failed);
        let mut state = self.lock();
        state.look.clear();
        match outcome {
            Ok(found) => {
                state.failure = None;
                Ok(found)
            }
            Err(error) => {
                let pause_end = self.clock.monotonic().saturating_add(FAILURE_PAUSE);
                state.failure = Some((error.clone(), pause_end));
                drop(state);
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                let known = self.shared.current();
                tracing::warn!(
                    "error.type" = error.kind().as_str(),
                    %error,
                    fintech_auth.cause = cause,
                    fintech_auth.keeps_last_credentials = known.is_some(),
                    "credentials provider failed"
                );
                known.ok_or(error)
            }
        }
    }
}

/// The name of the credentials takes precedence over the client id, so that the fingerprint stays
/// the same when the client id is replaced.
pub(crate) fn account(name: Option<&str>, client_id: Option<&str>) -> Option<Fingerprint> {
    match (name, client_id) {
        (Some(name), _) => Some(Fingerprint::of(["name", name])),
        (None, client_id) => client_id.map(|id| Fingerprint::of(["id", id])),
    }
}

/// Most errors become `Unavailable`. Otherwise callers would mistake an error of the provider for
/// an error of the vendor, such as rejected credentials.
fn failed(error: Error) -> Error {
    let kind = match error.kind() {
        kind @ (ErrorKind::InvalidConfig | ErrorKind::Timeout) => kind,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "the client credentials could not be obtained").with_source(error)
}

fn cut_off() -> Error {
    Error::new(ErrorKind::Unavailable, "the credentials provider was cancelled")
}

fn no_runtime(_: NoRuntime) -> Error {
    Error::new(ErrorKind::InvalidConfig, "no tokio runtime; call this inside one")
}

impl fmt::Debug for CurrentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentCredentials")
            .field("provider", &self.0.provider)
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::{
        ManualClock,
        client::credentials::{Credentials, CredentialsFuture, auth::basic_header},
    };

    #[derive(Debug, Default)]
    struct Hangs {
        calls: atomic::AtomicUsize,
        hangs_at_once: bool,
    }

    impl CredentialsProvider for Hangs {
        fn credentials(&self) -> CredentialsFuture<'_> {
            let calls = self.calls.fetch_add(1, atomic::Ordering::Relaxed);
            Box::pin(async move {
                if self.hangs_at_once || calls > 0 {
                    return pending().await;
                }
                time::sleep(Duration::from_secs(1)).await;
                Ok(Credentials::new("id", "secret"))
            })
        }
    }

    fn current(provider: &Arc<Hangs>, clock: &ManualClock) -> CurrentCredentials {
        let scheme = Scheme { own: basic_header, key_pair: basic_header };
        CurrentCredentials::new(provider.clone(), scheme, None, Arc::new(clock.clone())).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn callers_share_one_provider_call_and_its_timeout() {
        let (provider, clock) = (Arc::new(Hangs::default()), ManualClock::new(std::time::SystemTime::now()));
        let current = current(&provider, &clock);
        let asked = || provider.calls.load(atomic::Ordering::Relaxed);
        for (calls, waits) in [(1, 1), (2, 5)] {
            let start = time::Instant::now();
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..1_000 {
                let current = current.clone();
                callers.spawn(async move { current.get().await.map(|auth| auth.fingerprint()) });
            }
            for known in callers.join_all().await {
                assert_eq!(known.unwrap(), Credentials::new("id", "secret").fingerprint());
            }
            assert_eq!((asked(), start.elapsed().as_secs()), (calls, waits));
        }
        let start = time::Instant::now();
        current.get().await.unwrap();
        assert!(!current.renew(&current.fingerprint()).await);
        assert_eq!((asked(), start.elapsed()), (2, Duration::ZERO));
        clock.advance(FAILURE_PAUSE);
        assert!(!current.renew(&current.fingerprint()).await);
        assert_eq!(asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_caller_does_not_cancel_the_provider() {
        let (provider, clock) = (Arc::new(Hangs::default()), ManualClock::new(std::time::SystemTime::now()));
        let current = current(&provider, &clock);
        time::timeout(Duration::from_millis(10), current.get()).await.unwrap_err();
        current.get().await.unwrap();
        assert_eq!(provider.calls.load(atomic::Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_provider_causes_a_timeout_if_no_credentials_are_cached() {
        let provider = Arc::new(Hangs { hangs_at_once: true, ..Hangs::default() });
        let current = current(&provider, &ManualClock::new(std::time::SystemTime::now()));
        for _ in 0..2 {
            let error = current.get().await.unwrap_err();
            assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Timeout, None));
        }
        assert_eq!((provider.calls.load(atomic::Ordering::Relaxed), current.account()), (1, None));
    }

    #[derive(Debug, Default)]
    struct InMemory {
        calls: atomic::AtomicUsize,
        known: Option<Credentials>,
        is_constant: bool,
    }

    impl CredentialsProvider for InMemory {
        fn credentials(&self) -> CredentialsFuture<'_> {
            self.calls.fetch_add(1, atomic::Ordering::Relaxed);
            Box::pin(async { Ok(Credentials::new("id", "secret")) })
        }

        fn known(&self) -> Option<Credentials> {
            self.known.clone()
        }

        fn is_constant(&self) -> bool {
            self.is_constant
        }
    }

    #[tokio::test]
    async fn constant_credentials_are_fetched_at_most_once_and_without_waiting() {
        let known = Some(Credentials::new("id", "secret"));
        for (is_constant, known, calls) in
            [(false, None, 3), (false, known.clone(), 3), (true, None, 1), (true, known, 0)]
        {
            let scheme = Scheme { own: basic_header, key_pair: basic_header };
            let clock = Arc::new(ManualClock::new(std::time::SystemTime::now()));
            let provider = Arc::new(InMemory { known, is_constant, ..InMemory::default() });
            let current = CurrentCredentials::new(provider.clone(), scheme, None, clock).unwrap();
            for _ in 0..3 {
                let mut get = Box::pin(current.get());
                let polled = get.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(polled, Poll::Ready(Ok(_))));
            }
            assert_eq!(provider.calls.load(atomic::Ordering::Relaxed), calls, "constant: {is_constant}");
        }
    }
}
