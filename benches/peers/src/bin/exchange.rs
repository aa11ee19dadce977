//! Measures sequential and concurrent client-credentials exchanges on loopback. `exchange [ROUNDS]`
//! measures all clients in each round.

use fintech_auth::token::{TokenCache, TokenOptions};
use futures::future::{BoxFuture, join_all};
use huskarl::prelude::*;
use peers::{
    RT, median, micros,
    peers::{
        FORM, FetchSource, TokenResponse, aliri_source, huskarl_grant, huskarl_parameters, moneykit, moov,
        scopes, token_url,
    },
    percentile, server,
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const ONE_BY_ONE: usize = 2_000;
const TOGETHER: usize = 8_000;
const CLIENTS: usize = 32;

type Exchange = Arc<dyn Fn() -> BoxFuture<'static, usize> + Send + Sync>;

#[derive(Default)]
struct Sample {
    p50: Vec<f64>,
    p99: Vec<f64>,
    alone: Vec<f64>,
    together: Vec<f64>,
}

fn parse(body: &[u8]) -> usize {
    let token: TokenResponse = serde_json::from_slice(body).expect("token response");
    assert!(token.expires_in > 0);
    token.access_token.len()
}

fn form_body() -> String {
    let pairs: Vec<_> = FORM
        .iter()
        .map(|(k, v)| format!("{k}={}", v.replace('/', "%2F")))
        .collect();
    pairs.join("&")
}

fn raw_socket(addr: SocketAddr) -> impl FnMut() -> usize {
    let mut stream = TcpStream::connect(addr).expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let body = form_body();
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: {addr}\r\naccept: */*\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut buffer = vec![0; 8192];
    move || {
        stream.write_all(request.as_bytes()).expect("request");
        let mut filled = 0;
        loop {
            filled += stream.read(&mut buffer[filled..]).expect("response");
            let response = &buffer[..filled];
            let Some(head) = response.windows(4).position(|w| w == b"\r\n\r\n") else {
                continue;
            };
            let headers = std::str::from_utf8(&response[..head]).expect("ascii");
            let length: usize = headers
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .and_then(|n| n.parse().ok())
                .expect("length");
            if filled == head + 4 + length {
                return parse(&response[head + 4..]);
            }
        }
    }
}

async fn hyper_client(addr: SocketAddr) -> impl FnMut() -> BoxFuture<'static, usize> {
    use http_body_util::{BodyExt, Full};
    let stream = tokio::net::TcpStream::connect(addr).await.expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let io = hyper_util::rt::TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http1::handshake::<_, Full<&'static [u8]>>(io)
        .await
        .expect("hello");
    tokio::spawn(connection);
    let sender = Arc::new(tokio::sync::Mutex::new(sender));
    let body: &'static [u8] = form_body().leak().as_bytes();
    move || {
        let sender = Arc::clone(&sender);
        let request = http::Request::post("/oauth2/token")
            .header("host", "localhost")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(body))
            .expect("request");
        Box::pin(async move {
            let mut sender = sender.lock().await;
            sender.ready().await.expect("ready");
            let response = sender.send_request(request).await.expect("response");
            parse(
                &response
                    .into_body()
                    .collect()
                    .await
                    .expect("body")
                    .to_bytes(),
            )
        })
    }
}

fn shareable(addr: SocketAddr) -> Vec<(&'static str, Exchange)> {
    let url = token_url(addr);
    let mut all: Vec<(&'static str, Exchange)> = Vec::new();

    let (http, to) = (reqwest::Client::new(), url.clone());
    all.push((
        "reqwest 0.13 form + serde_json",
        Arc::new(move || {
            let request = http.post(&to).form(&FORM);
            Box::pin(async move {
                let response = request.send().await.expect("response");
                let response = response.error_for_status().expect("status");
                parse(&response.bytes().await.expect("body"))
            })
        }),
    ));

    let (http, to) = (reqwest::Client::new(), format!("http://{addr}/auth/token"));
    all.push((
        "reqwest 0.13, MoneyKit's request",
        Arc::new(move || {
            let request = http
                .post(&to)
                .basic_auth("client", Some("secret"))
                .header("accept", "application/json")
                .header("moneykit-version", "2023-02-18")
                .header("user-agent", "fintech-auth/0.1.0")
                .timeout(Duration::from_secs(15))
                .form(&[("grant_type", "client_credentials"), ("scope", "/accounts.read")]);
            Box::pin(async move {
                let response = request.send().await.expect("response");
                let response = response.error_for_status().expect("status");
                parse(&response.bytes().await.expect("body"))
            })
        }),
    ));

    let client = moneykit(addr);
    all.push((
        "fintech-auth moneykit create_access_token",
        Arc::new(move || {
            let client = client.clone();
            Box::pin(async move {
                let response = client.create_access_token(&scopes()).await.expect("token");
                response.access_token.expose_secret().len()
            })
        }),
    ));

    let client = moov(addr);
    all.push((
        "fintech-auth moov create_access_token",
        Arc::new(move || {
            let client = client.clone();
            Box::pin(async move {
                let response = client.create_access_token(&scopes()).await.expect("token");
                response.access_token.expose_secret().len()
            })
        }),
    ));

    let source = FetchSource::new(addr);
    all.push((
        "fintech-auth cache.token() of reqwest 0.13 form",
        Arc::new(move || {
            let cache = TokenCache::new(source.clone(), TokenOptions::default());
            Box::pin(async move {
                let token = cache.token(&scopes()).await.expect("token");
                token.expose_secret().len()
            })
        }),
    ));

    let (http, to) = (reqwest012::Client::new(), url.clone());
    all.push((
        "reqwest 0.12 form + serde_json",
        Arc::new(move || {
            let request = http.post(&to).form(&FORM);
            Box::pin(async move {
                let response = request.send().await.expect("response");
                let response = response.error_for_status().expect("status");
                parse(&response.bytes().await.expect("body"))
            })
        }),
    ));

    let grant = Arc::new(huskarl_grant(addr));
    all.push((
        "huskarl ClientCredentialsGrant",
        Arc::new(move || {
            let grant = Arc::clone(&grant);
            Box::pin(async move {
                let response = grant.exchange(huskarl_parameters()).await.expect("token");
                response.access_token().token().expose_secret().len()
            })
        }),
    ));

    use oauth2::{AuthType, ClientId, ClientSecret, Scope, TokenResponse as _, TokenUrl};
    let client = oauth2::basic::BasicClient::new(ClientId::new("client".into()))
        .set_client_secret(ClientSecret::new("secret".into()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::new(url).expect("url"));
    let (client, http) = (Arc::new(client), Arc::new(reqwest012::Client::new()));
    all.push((
        "oauth2 5.0 on reqwest 0.12",
        Arc::new(move || {
            let (client, http) = (Arc::clone(&client), Arc::clone(&http));
            Box::pin(async move {
                let token = client
                    .exchange_client_credentials()
                    .add_scope(Scope::new("/accounts.read".into()))
                    .request_async(&*http)
                    .await
                    .expect("token");
                token.access_token().secret().len()
            })
        }),
    ));
    all
}

async fn one_by_one<F: Future<Output = usize>>(sample: &mut Sample, mut one: impl FnMut() -> F) {
    for _ in 0..100 {
        one().await;
    }
    let mut each = Vec::with_capacity(ONE_BY_ONE);
    let start = Instant::now();
    for _ in 0..ONE_BY_ONE {
        let start = Instant::now();
        assert_eq!(one().await, 900);
        each.push(micros(start.elapsed()));
    }
    sample
        .alone
        .push(ONE_BY_ONE as f64 / start.elapsed().as_secs_f64());
    sample.p50.push(percentile(&mut each, 0.5));
    sample.p99.push(percentile(&mut each, 0.99));
}

async fn together(exchange: Exchange) -> Duration {
    let left = Arc::new(AtomicUsize::new(TOGETHER));
    let start = Instant::now();
    let tasks = (0..CLIENTS).map(|_| {
        let (left, exchange) = (Arc::clone(&left), Arc::clone(&exchange));
        tokio::spawn(async move {
            while left
                .fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                .is_ok()
            {
                exchange().await;
            }
        })
    });
    for task in join_all(tasks.collect::<Vec<_>>()).await {
        task.expect("task");
    }
    start.elapsed()
}

async fn round(
    addr: SocketAddr,
    shareable: &[(&'static str, Exchange)],
    samples: &mut [(&'static str, Sample)],
) {
    let mut turn = samples.iter_mut().map(|(_, sample)| sample);
    let mut next = || turn.next().expect("a sample for each client");

    let mut socket = raw_socket(addr);
    one_by_one(next(), || std::future::ready(socket())).await;

    let hyper = hyper_client(addr).await;
    one_by_one(next(), hyper).await;

    for (_, exchange) in shareable {
        let sample = next();
        one_by_one(sample, || exchange()).await;
        let wall = together(Arc::clone(exchange)).await;
        sample.together.push(TOGETHER as f64 / wall.as_secs_f64());
    }

    let source = tokio::sync::Mutex::new(aliri_source(addr));
    let aliri = || async {
        use aliri_tokens::sources::AsyncTokenSource;
        let token = source.lock().await.request_token().await.expect("token");
        token.access_token().as_str().len()
    };
    one_by_one(next(), aliri).await;
}

fn main() {
    peers::init_tls();
    let rounds = std::env::args()
        .nth(1)
        .map_or(7, |n| n.parse().expect("rounds"));
    let addr = server::start();
    let shareable = shareable(addr);
    let names = [
        "floor: blocking socket + serde_json",
        "floor: hyper + serde_json",
    ]
    .into_iter()
    .chain(shareable.iter().map(|(name, _)| *name))
    .chain(["aliri_tokens ClientCredentialsTokenSource"]);
    let mut samples: Vec<(_, Sample)> = names.map(|name| (name, Sample::default())).collect();

    let samples = RT.block_on(async move {
        // Run the rounds in a spawned task, so that they share a worker with the connection.
        let rounds = async move {
            for _ in 0..rounds {
                round(addr, &shareable, &mut samples).await;
            }
            samples
        };
        tokio::spawn(rounds).await.expect("rounds")
    });

    println!("{rounds} rounds of {ONE_BY_ONE} one by one and {TOGETHER} by {CLIENTS} tasks");
    for (name, sample) in samples {
        print!(
            "{name:48} p50 {:>6.1} us  p99 {:>6.1} us  {:>7.0}/s alone",
            median(sample.p50),
            median(sample.p99),
            median(sample.alone),
        );
        match sample.together.is_empty() {
            true => println!(),
            false => println!("  {:>7.0}/s by {CLIENTS}", median(sample.together)),
        }
    }
}
