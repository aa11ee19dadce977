//! Measures a cold start: many tasks concurrently request a token from one client. The arguments
//! are the number of tasks and the response delay of the server in milliseconds.

use futures::future::join_all;
use peers::{
    median,
    peers::{
        Aliri, ArcSwapMutex, AwsSmithy, AzureIdentity, GcpAuth, GoogleCloudAuth, Huskarl, MokaFuture, Naive,
        Nobody, Ours, OursKeyed, OursMoneykit, Peer, TameOauth, TokioMutex, TokioOnceCell, YupOauth2,
    },
    server::{ServerProcess, serve_if_asked},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

struct Run {
    tasks: usize,
    delay: Duration,
}

impl Run {
    fn stampede<P: Peer>(&self, rounds: usize) {
        let (hits, wall): (Vec<_>, Vec<_>) = (0..rounds).map(|_| self.round::<P>()).unzip();
        let (hits, wall) = (median(hits), median(wall));
        println!("{:44} {hits:>7.0} requests {wall:>8.1} ms", P::NAME);
    }

    fn round<P: Peer>(&self) -> (f64, f64) {
        let server = ServerProcess::start(self.delay);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        let wall = runtime.block_on(async {
            let peer = Arc::new(P::new(server.addr).await);
            let start = Instant::now();
            let asked = (0..self.tasks).map(|_| {
                let peer = Arc::clone(&peer);
                tokio::spawn(async move { peer.token().await })
            });
            for length in join_all(asked.collect::<Vec<_>>()).await {
                assert!(length.expect("task") >= 900);
            }
            start.elapsed().as_secs_f64() * 1e3
        });
        (server.hits() as f64, wall)
    }
}

fn main() {
    if serve_if_asked() {
        return;
    }
    peers::init_tls();
    let mut numbers = std::env::args()
        .skip(1)
        .map(|n| n.parse().expect("a number"));
    let tasks = numbers.next().unwrap_or(10_000);
    let delay = Duration::from_millis(numbers.next().unwrap_or(20) as u64);
    let run = Run { tasks, delay };
    println!("{tasks} tasks on 2 worker threads, the server responds after {delay:?}");

    run.stampede::<Nobody>(7);
    run.stampede::<Ours>(7);
    run.stampede::<OursKeyed>(7);
    run.stampede::<OursMoneykit>(7);
    run.stampede::<TokioOnceCell>(7);
    run.stampede::<TokioMutex>(7);
    run.stampede::<ArcSwapMutex>(7);
    run.stampede::<MokaFuture>(7);
    run.stampede::<Aliri>(7);
    run.stampede::<GoogleCloudAuth>(7);
    run.stampede::<Huskarl>(7);
    run.stampede::<AwsSmithy>(7);
    run.stampede::<AzureIdentity>(7);
    run.stampede::<GcpAuth>(7);
    run.stampede::<TameOauth>(3);
    run.stampede::<YupOauth2>(3);
    run.stampede::<Naive>(3);
}
