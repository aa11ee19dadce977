//! Tests that traces show what happened and contain no secrets. This is a separate binary, because
//! the first subscriber decides for the whole process which spans are enabled.

use std::{
    io,
    sync::{Arc, Mutex},
};

use fintech_auth::{HttpOptions, Scope, emulator::Emulator, moneykit, moov};

#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<u8>>>);

impl io::Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn traces_show_no_secrets() {
    let trace = Trace::default();
    let writer = trace.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let scopes = ["/ping.read".parse::<Scope>().unwrap()];
    let emulator = Emulator::start().await.unwrap();
    let secret = emulator.moov_credentials().client_secret().expose_secret().to_owned();
    let mut secrets = vec![secret, "Basic ".to_owned()];
    for way in [moov::ClientAuth::Basic, moov::ClientAuth::Body] {
        let client = emulator.moov().with_client_auth(way);
        let client = client.build().unwrap();
        let token = client.create_access_token(&scopes).await.unwrap();
        secrets.push(token.access_token.expose_secret().to_owned());
        let refresh_token = token.refresh_token.clone().unwrap();
        secrets.push(refresh_token.expose_secret().to_owned());
        let new = client.refresh(&refresh_token, &[]).await.unwrap().into_body();
        secrets.push(new.access_token.expose_secret().to_owned());
        secrets.push(new.refresh_token.unwrap().expose_secret().to_owned());
        client.refresh(&refresh_token, &[]).await.unwrap_err();
        client.revoke(&token.access_token, None).await.unwrap();
    }
    secrets.push(emulator.moneykit_credentials().client_secret().expose_secret().to_owned());
    for way in [moneykit::ClientAuth::Basic, moneykit::ClientAuth::Body, moneykit::ClientAuth::Headers] {
        let client = emulator.moneykit().with_client_auth(way).build().unwrap();
        let token = client.create_access_token(&[]).await.unwrap().into_body().access_token;
        client.introspect(&token).await.unwrap();
        client.introspect_client().await.unwrap();
        secrets.push(token.expose_secret().to_owned());
        secrets.push(client.token(&[]).await.unwrap().expose_secret().to_owned());
    }
    let text = String::from_utf8_lossy(&trace.0.lock().unwrap()).into_owned();
    for fact in [
        "vendor=\"moov\"",
        "operation=\"refresh\"",
        "http.response.status_code=200",
        "http.response.status_code=400",
        "error.type=\"400\"",
        "request_id=",
    ] {
        assert!(text.contains(fact), "{fact} is not in {text}");
    }
    for secret in secrets {
        assert!(!text.contains(&secret), "{text}");
    }
}

struct Logger(Arc<Mutex<String>>);

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        *self.0.lock().unwrap() += &format!("{} {}\n", record.target(), record.args());
    }

    fn flush(&self) {}
}

/// With `connection_verbose`, reqwest would log all bytes of a connection. So the client must turn
/// this option off, even if the caller has turned it on.
#[tokio::test(flavor = "current_thread")]
async fn client_options_cannot_log_request_contents() {
    let text = Arc::<Mutex<String>>::default();
    log::set_logger(Box::leak(Box::new(Logger(text.clone())))).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    let emulator = Emulator::start().await.unwrap();
    let verbose = HttpOptions::default().with_client_builder(|http| http.connection_verbose(true));
    let client =
        emulator.moneykit().with_client_auth(moneykit::ClientAuth::Body).with_http(|_| verbose.clone());
    let token = client.build().unwrap().create_access_token(&[]).await.unwrap().into_body().access_token;
    let own = verbose.to_reqwest(emulator.url()).unwrap();
    own.get(emulator.url()).header("x-marked", "marked-header").send().await.unwrap();
    let secret = emulator.moneykit_credentials().client_secret().expose_secret().to_owned();
    for secret in [secret.as_str(), token.expose_secret(), "marked-header"] {
        assert!(!text.lock().unwrap().contains(secret), "{}", text.lock().unwrap());
    }

    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let plain = reqwest::Client::builder().tls_backend_preconfigured(tls).connection_verbose(true);
    let plain = plain.build().unwrap();
    plain.get(emulator.url()).header("x-marked", "marked-header").send().await.unwrap();
    assert!(text.lock().unwrap().contains("marked-header"));
}
