//! Measures whether two tasks on two cores slow each other down. Processor time is measured,
//! because other programs also use the second core.

use arc_swap::ArcSwap;
use peers::{
    RT, median,
    peers::{Aliri, Entry, GoogleCloudAuth, Nobody, Ours, OursKeyed, Peer, TokioOnceCell},
    server,
};
use rustix::{
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use std::{hint::black_box, net::SocketAddr, sync::Barrier};

const CALLS: u32 = 2_000_000;
const ROUNDS: usize = 15;

fn main() {
    peers::init_tls();
    let addr = server::start();
    let slot = ArcSwap::from_pointee(Entry::new(&server::ACCESS_TOKEN));
    print("floor: ArcSwap guard", || async { black_box(&slot).load().header.len() });
    peer::<Nobody>(addr);
    peer::<Ours>(addr);
    peer::<OursKeyed>(addr);
    peer::<Aliri>(addr);
    peer::<TokioOnceCell>(addr);
    peer::<GoogleCloudAuth>(addr);
}

fn peer<P: Peer>(addr: SocketAddr) {
    let peer = RT.block_on(async {
        let peer = P::new(addr).await;
        peer.token().await;
        peer
    });
    print(P::NAME, || black_box(&peer).token());
}

fn print<F: Future<Output = usize>>(name: &str, call: impl Fn() -> F + Sync) {
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.extend(on_threads(1, &call));
        beside.extend(on_threads(2, &call));
    }
    let (alone, beside) = (median(alone), median(beside));
    println!("{name:44} alone {alone:>6.1} ns  beside another {beside:>6.1} ns  {:.2}x", beside / alone);
}

fn on_threads<F: Future<Output = usize>>(threads: usize, call: &(impl Fn() -> F + Sync)) -> Vec<f64> {
    let together = Barrier::new(threads);
    let one = &|core| {
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only).expect("a core for each thread");
        RT.block_on(async {
            together.wait();
            let start = cpu_nanos();
            for _ in 0..CALLS {
                black_box(call().await);
            }
            (cpu_nanos() - start) / f64::from(CALLS)
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|core| scope.spawn(move || one(core))).collect();
        threads.into_iter().map(|thread| thread.join().expect("thread")).collect()
    })
}

fn cpu_nanos() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
