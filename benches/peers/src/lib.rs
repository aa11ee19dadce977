//! The shared parts of the benchmarks: a token server, the compared clients and caches (peers), and
//! synthetic keys.

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

pub static RT: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime")
});

/// rustls is compiled with two crypto providers here, so one of them must be installed explicitly.
pub fn init_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

#[inline]
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a cached token was not ready at once"),
    }
}

/// Must not be called inside `RT.block_on`.
#[inline]
pub fn enter_runtime() {
    thread_local! {
        static ENTERED: () = std::mem::forget(RT.enter());
    }
    ENTERED.with(|()| ());
}

pub fn median(mut sample: Vec<f64>) -> f64 {
    percentile(&mut sample, 0.5)
}

pub fn percentile(sample: &mut [f64], q: f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    sample[((sample.len() - 1) as f64 * q).round() as usize]
}

pub fn micros(d: Duration) -> f64 {
    d.as_secs_f64() * 1e6
}
