//! Four processes share tokens through Redis. The example starts a `redis-server`, unless
//! `REDIS_URL` names a running server.
//!
//! ```sh
//! cargo run --example fleet --features redis
//! ```

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use fintech_auth::{
    Credentials,
    emulator::{Emulator, Operation, moov::CLIENT_ID, moov::CLIENT_SECRET},
    moov,
    token::redis::{RedisStore, SealingKey},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1) {
        Some(name) => process(&name).await,
        None => fleet().await,
    }
}

/// Each process of your service runs this code. Only the addresses are specific to this example.
async fn process(name: &str) -> Result<(), Box<dyn Error>> {
    // In production, create the key with SealingKey::from_base64. Use 32 random bytes that all
    // processes share.
    let store = RedisStore::builder([SealingKey::new(&[42; 32]).unwrap()])
        .with_namespace("example")
        .open(&env::var("REDIS_URL")?)?;
    let client = moov::Client::builder(Credentials::new(CLIENT_ID, CLIENT_SECRET))
        .with_base_url(env::var("EMULATOR_URL")?)
        .with_tokens(|tokens| tokens.with_store(Arc::new(store)))
        .build()?;
    let scopes = ["/accounts.read".parse()?];

    let tell = |what: &str| {
        let stats = client.tokens().stats();
        println!("{name}: {what}: asked the vendor {} time(s), shared {}", stats.refreshes, stats.shared);
    };
    let token = client.token(&scopes).await?;
    tell("at the start");
    if name == "first" {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.invalidate(&token).await;
    } else {
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    client.token(&scopes).await?;
    tell("after the first rejected its token");
    Ok(())
}

async fn fleet() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().with_system_clock().start().await?;
    let redis = Redis::start()?;
    let processes: Result<Vec<Child>, _> = ["first", "second", "third", "fourth"]
        .into_iter()
        .map(|name| {
            Command::new(env::current_exe()?)
                .arg(name)
                .envs([("EMULATOR_URL", emulator.url()), ("REDIS_URL", &redis.url)])
                .stdout(Stdio::piped())
                .spawn()
        })
        .collect();
    for mut process in processes? {
        if let Some(words) = process.stdout.take() {
            // Reading the output of a process blocks the thread. The threads of this runtime also
            // run the emulator, so read in a separate thread.
            let print = move || {
                BufReader::new(words).lines().try_for_each(|line| line.map(|line| println!("{line}")))
            };
            tokio::task::spawn_blocking(print).await??;
        }
        process.wait()?;
    }
    println!("the vendor counted {} token call(s), for two tokens", emulator.count(Operation::MoovToken));
    Ok(())
}

struct Redis {
    url: String,
    server: Option<Child>,
}

impl Redis {
    fn start() -> Result<Self, Box<dyn Error>> {
        if let Ok(url) = env::var("REDIS_URL") {
            return Ok(Self { url, server: None });
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let arguments = ["--bind", "127.0.0.1", "--save", "", "--port"];
        let server =
            Command::new("redis-server").args(arguments).arg(port.to_string()).stdout(Stdio::null()).spawn();
        let server = server.map_err(|error| {
            format!("redis-server does not start ({error}); install it, or set REDIS_URL to one that runs")
        })?;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { url: format!("redis://127.0.0.1:{port}"), server: Some(server) })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
