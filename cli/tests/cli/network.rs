//! Tests the checks of `doctor` for the network path to a service.

use std::process::Command;

use fintech_auth::emulator::Emulator;

use crate::{
    program::{Ran, configured, emulator, program, run, without_ids},
    tls::{Authority, Proxy},
};

const LATER: i32 = 4096;

fn doctor(emulator: &Emulator, roots: &str, url: &str) -> Command {
    let mut command = configured(emulator, "doctor moov");
    command.env("MOOV_BASE_URL", url).env("SSL_CERT_FILE", roots);
    command
}

fn steady(ran: &Ran, ports: &[u16]) -> String {
    let text = without_ids(&ran.all());
    let text = ports.iter().fold(text, |text, port| text.replace(&format!(":{port}"), ":PORT"));
    let lines = text.lines().map(|line| match line.starts_with("  ok    clock ") {
        true => "  ok    clock        a moment",
        false => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_certificate_is_reported_for_both_vendors() {
    let emulator = emulator().await;
    let authority = Authority::new("good");
    let port = authority.front(emulator.url(), "localhost", LATER).await;
    let url = format!("https://localhost:{port}");
    let ran = run(configured(&emulator, "doctor")
        .env("MONEYKIT_BASE_URL", &url)
        .env("MOOV_BASE_URL", &url)
        .env("SSL_CERT_FILE", &authority.file));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let report = "  ok    tls          the connection is encrypted and the certificate is trusted\n";
    assert_eq!(ran.out.matches(report).count(), 2, "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tls_failure_names_the_cause_and_the_next_step() {
    let emulator = emulator().await;
    let (authority, stranger) = (Authority::new("known"), Authority::new("stranger"));
    let roots = authority.file.to_str().unwrap();
    let good = authority.front(emulator.url(), "localhost", LATER).await;
    let unknown = stranger.front(emulator.url(), "localhost", LATER).await;
    let expired = authority.front(emulator.url(), "localhost", 2020).await;
    let other = authority.front(emulator.url(), "other.example", LATER).await;
    let plain: u16 = emulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let ports = [good, unknown, expired, other, plain];
    let mut report = Vec::new();
    for (what, roots, url) in [
        ("an unknown issuer", roots, format!("https://localhost:{unknown}")),
        ("an end that has passed", roots, format!("https://localhost:{expired}")),
        ("another host's certificate", roots, format!("https://localhost:{other}")),
        ("https to a port of plain http", roots, format!("https://localhost:{plain}")),
        ("plain http to a port of https", roots, format!("http://localhost:{good}")),
        ("plain http to another machine", roots, "http://api.moov.example".to_owned()),
        ("no roots", "/nowhere", format!("https://localhost:{good}")),
    ] {
        let ran = run(&mut doctor(&emulator, roots, &url));
        assert_eq!(ran.code, Some(10), "{what}: {}", ran.all());
        report.push(format!("{what}\n{}\n", steady(&ran, &ports)));
    }
    assert!(emulator.requests().is_empty(), "{:?}", emulator.requests());
    insta::assert_snapshot!(report.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_does_not_fetch_moneykit_keys_when_tls_fails() {
    let emulator = emulator().await;
    let port = Authority::new("unknown").front(emulator.url(), "localhost", LATER).await;
    let ran = run(configured(&emulator, "doctor moneykit")
        .env("MONEYKIT_BASE_URL", format!("https://localhost:{port}"))
        .env("SSL_CERT_FILE", Authority::new("other").file));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(ran.out.contains("fail  tls ") && !ran.out.contains(" jwks "), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_uses_and_reports_the_proxy_from_the_environment() {
    let emulator = emulator().await;
    let authority = Authority::new("proxied");
    let behind = authority.front(emulator.url(), "api.moov.io", LATER).await;
    let doctor = |proxy: &Proxy| {
        run(configured(&emulator, "doctor moov")
            .env_remove("MOOV_BASE_URL")
            .env("SSL_CERT_FILE", &authority.file)
            .env("HTTPS_PROXY", format!("http://user:MARK-0123456789@127.0.0.1:{}", proxy.port)))
    };
    let proxy = Proxy::start("200 OK", behind).await;
    let ran = doctor(&proxy);
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let report = format!("  ok    proxy        127.0.0.1:{}, from HTTPS_PROXY\n", proxy.port);
    assert!(ran.out.contains(&report) && ran.out.contains("  ok    tls "), "{}", ran.out);
    assert!(!ran.all().contains("MARK"), "{}", ran.all());
    let heads = proxy.heads();
    assert!(heads.iter().all(|head| head.starts_with("CONNECT api.moov.io:443 ")), "{heads:?}");
    assert!(!heads.is_empty());
    assert!(emulator.requests().iter().all(|request| !request.headers.contains_key("proxy-authorization")));

    let refusing = Proxy::start("407 Proxy Authentication Required", behind).await;
    let ran = doctor(&refusing);
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(!ran.all().contains("MARK"), "{}", ran.all());
    insta::assert_snapshot!(steady(&ran, &[refusing.port]));
}

/// A connection to 0.0.0.0 reaches this machine, but the client treats 0.0.0.0 as a remote host.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_a_host_listed_in_no_proxy() {
    let emulator = emulator().await;
    let authority = Authority::new("excepted");
    let port = authority.front(emulator.url(), "0.0.0.0", LATER).await;
    let url = format!("https://0.0.0.0:{port}");
    let proxy = Proxy::start("200 OK", port).await;
    let roots = authority.file.to_str().unwrap();
    let ran = run(doctor(&emulator, roots, &url)
        .env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port))
        .env("NO_PROXY", "other.example,0.0.0.0"));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(
        ran.out.contains("  ok    proxy        not used, because NO_PROXY excludes this host\n"),
        "{}",
        ran.out
    );
    assert!(proxy.heads().is_empty());
    let ran = run(doctor(&emulator, roots, &url).env("HTTPS_PROXY", "://"));
    assert!(
        ran.out.contains(
            "  warn  proxy        not used, because the value of HTTPS_PROXY is not a proxy address"
        ),
        "{}",
        ran.out
    );
}

#[test]
fn unreachable_proxy_is_reported_without_its_password() {
    let ran = run(program("doctor moov --timeout 2s")
        .env("MOOV_CLIENT_ID", "id")
        .env("MOOV_CLIENT_SECRET", "secret")
        .env("MOOV_ATTEMPTS", "1")
        .env("HTTPS_PROXY", "http://user:MARK-0123456789@127.0.0.1:9"));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(ran.out.contains("ok    proxy        127.0.0.1:9, from HTTPS_PROXY"), "{}", ran.all());
    assert!(ran.out.contains("-> check that the proxy (HTTPS_PROXY) is running"), "{}", ran.all());
    assert!(!ran.all().contains("MARK"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_prefers_the_configured_proxy_over_the_environment() {
    let emulator = emulator().await;
    let authority = Authority::new("configured");
    let behind = authority.front(emulator.url(), "api.moov.io", LATER).await;
    let doctor = |proxy: u16| {
        run(configured(&emulator, "doctor moov")
            .env_remove("MOOV_BASE_URL")
            .env("MOOV_ATTEMPTS", "1")
            .env("MOOV_ROOT_CERTIFICATE_FILE", &authority.file)
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("MOOV_PROXY", format!("http://user:MARK-0123456789@127.0.0.1:{proxy}")))
    };
    let proxy = Proxy::start("200 OK", behind).await;
    let ran = doctor(proxy.port);
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let report = format!("  ok    proxy        127.0.0.1:{}, from MOOV_PROXY\n", proxy.port);
    assert!(ran.out.contains(&report) && ran.out.contains("  ok    tls "), "{}", ran.out);
    assert!(!ran.all().contains("MARK") && !proxy.heads().is_empty(), "{}", ran.all());
    let ran = doctor(9);
    assert!(ran.out.contains("-> check that the proxy (MOOV_PROXY) is running"), "{}", ran.all());
    assert!(!ran.out.contains("NO_PROXY") && !ran.all().contains("MARK"), "{}", ran.all());
}
