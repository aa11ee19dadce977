//! Shared plumbing for the peer benchmarks: a local token server, the peers
//! themselves (each pointed at that server), and synthetic keys.
//!
//! Nothing here leaves 127.0.0.1.

pub mod keys;
pub mod ours;
pub mod peers;
pub mod server;

use std::{
    future::Future,
    pin::pin,
    sync::{LazyLock, Once},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::runtime::Runtime;

/// The runtime that peers with background tasks live on.
pub static RT: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime")
});

/// rustls is compiled with two providers here, so one must be named.
pub fn init_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

/// Polls a future that must be ready at once (a cache hit), so that no
/// executor is measured.
#[inline]
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a cached token was not ready at once"),
    }
}

/// Makes the calling thread look like one inside [`RT`] from here on, for peers
/// that create a timer on each call. Not to be called inside `RT.block_on`.
#[inline]
pub fn enter_runtime() {
    thread_local! {
        static ENTERED: () = std::mem::forget(RT.enter());
    }
    ENTERED.with(|()| ());
}

/// The median of a non-empty sample.
pub fn median(mut sample: Vec<f64>) -> f64 {
    percentile(&mut sample, 0.5)
}

/// The `q` quantile of a non-empty sample, which is left sorted.
pub fn percentile(sample: &mut [f64], q: f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    sample[((sample.len() - 1) as f64 * q).round() as usize]
}

pub fn micros(d: Duration) -> f64 {
    d.as_secs_f64() * 1e6
}
