//! Tests credentials in files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fintech_auth::{CredentialsProvider as _, ErrorKind, FileCredentials, moneykit, moov};

use crate::{
    credentials_server::Server,
    support::{Log, plain, quick, scopes},
};

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("credentials-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

async fn read(credentials: &FileCredentials) -> String {
    let pair = credentials.credentials().await.unwrap();
    format!("{}:{}", pair.client_id(), pair.client_secret().expose_secret())
}

#[cfg(unix)]
fn mount(root: &Path, number: usize, id: &str, secret: &str) {
    let data = root.join(format!("..2026_11_26_{number}"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("client_id"), id).unwrap();
    fs::write(data.join("client_secret"), format!("{secret}\n")).unwrap();
    let before = fs::read_link(root.join("..data")).ok();
    std::os::unix::fs::symlink(data.file_name().unwrap(), root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    for name in ["client_id", "client_secret"] {
        if !root.join(name).exists() {
            std::os::unix::fs::symlink(format!("..data/{name}"), root.join(name)).unwrap();
        }
    }
    if let Some(before) = before {
        fs::remove_dir_all(root.join(before)).unwrap();
    }
}

#[tokio::test]
async fn replaced_credentials_file_of_each_format_is_reread() {
    let root = folder("forms");
    let (secret, json) = (root.join("secret"), root.join("pair.json"));
    fs::write(&secret, "\u{feff}one\r\n").unwrap();
    fs::write(root.join("client_id"), "id\n").unwrap();
    fs::write(root.join("client_secret"), "one\n").unwrap();
    fs::write(&json, r#"{"client_id": "id", "client_secret": "one", "lease": 3600}"#).unwrap();
    let forms = [
        FileCredentials::secret_file("id", &secret).unwrap(),
        FileCredentials::directory(&root).unwrap(),
        FileCredentials::json_file(&json).unwrap(),
    ];
    for form in &forms {
        assert_eq!(read(form).await, "id:one", "{form:?}");
    }
    for path in [&secret, &root.join("client_secret")] {
        replace(path, "two\n");
    }
    replace(&json, r#"{"client_id": "id", "client_secret": "two"}"#);
    for form in &forms {
        assert_eq!(read(form).await, "id:two", "{form:?}");
        assert!(!format!("{form:?}").contains("two"), "{form:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn id_and_secret_stay_paired_while_a_mounted_directory_is_swapped() {
    let root = folder("swap");
    mount(&root, 0, "id-0", "secret-0");
    let credentials = FileCredentials::directory(&root).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let swaps = {
        let (root, is_over) = (root.clone(), is_over.clone());
        std::thread::spawn(move || {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                number += 1;
                mount(&root, number, &format!("id-{number}"), &format!("secret-{number}"));
            }
            number
        })
    };
    let (mut read, mut seen) = (0, std::collections::BTreeSet::new());
    while read < 300 {
        // A read may fail while the directory changes continuously.
        let Ok(pair) = credentials.credentials().await else { continue };
        let number = pair.client_id().strip_prefix("id-").unwrap().to_owned();
        assert_eq!(pair.client_secret().expose_secret(), format!("secret-{number}"));
        seen.insert(number);
        read += 1;
    }
    is_over.store(true, Ordering::Relaxed);
    let swaps = swaps.join().unwrap();
    assert!(seen.len() > 10 && swaps > 10, "{} pairs were read during {swaps} swaps", seen.len());
}

#[tokio::test]
async fn replaced_secret_file_is_used_unless_it_cannot_be_read() {
    let root = folder("client");
    let path = root.join("secret");
    fs::write(&path, "one\n").unwrap();
    let server = Server::start().await;
    server.accept(&["id:one", "id:two"]);
    let json = serde_json::json!({"client_id": "id", "client_secret_file": path, "base_url": server.url});
    let config: moov::Config = serde_json::from_value(json).unwrap();
    let moov = config.builder().unwrap().with_http(|_| quick()).with_tokens(plain).build().unwrap();
    let sent = async || {
        moov.create_access_token(&scopes(&["/ping.read"])).await.expect("the token call succeeds");
        server.requests().remove(0)
    };
    assert_eq!(sent().await, "/oauth2/token id:one");
    replace(&path, "two\n");
    assert_eq!(sent().await, "/oauth2/token id:two");
    let log = Log::default();
    let recording = log.start();
    for broken in ["", "\"MARK-three\"", "MARK-three\nMARK-four", &"M".repeat(20_000)] {
        replace(&path, broken);
        assert_eq!(sent().await, "/oauth2/token id:two");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(sent().await, "/oauth2/token id:two");
    drop(recording);
    let text = log.text();
    assert!(
        text.contains("credentials provider failed")
            && text.contains("fintech_auth.keeps_last_credentials=true")
    );
    assert!(!text.contains("MARK") && !text.contains("MMMM") && !text.contains("two"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn clients_of_both_vendors_reread_credentials_from_a_mounted_directory() {
    let root = folder("config");
    mount(&root, 0, "id", "one");
    let server = Server::start().await;
    let vars = |prefix: &str| {
        [
            (format!("{prefix}_CREDENTIALS_DIR"), root.display().to_string()),
            (format!("{prefix}_BASE_URL"), server.url.clone()),
        ]
    };
    let moov = moov::Config::from_vars(vars("MOOV")).unwrap().client().unwrap();
    let moneykit = moneykit::Config::from_vars(vars("MONEYKIT")).unwrap().client().unwrap();
    for (number, (id, secret)) in [("id", "one"), ("other", "two")].into_iter().enumerate() {
        mount(&root, number + 1, id, secret);
        server.accept(&[&format!("{id}:{secret}")]);
        moov.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
        moneykit.create_access_token(&[]).await.unwrap();
        let expected = [format!("/oauth2/token {id}:{secret}"), format!("/auth/token {id}:{secret}")];
        assert_eq!(server.requests(), expected);
    }
}

#[test]
fn invalid_credentials_file_is_rejected_without_showing_its_content() {
    let root = folder("refused");
    let path = root.join("MARK");
    for (content, what) in [
        ("", "is empty"),
        ("\"MARK\"", "quotes"),
        ("MARK\nMARK", "line break"),
        ("MARK \n", "white space"),
        ("M\0A\0R\0K\0", "UTF-16"),
    ] {
        fs::write(&path, content).unwrap();
        let error = FileCredentials::secret_file("id", &path).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        fs::write(root.join("client_id"), content).unwrap();
        fs::write(root.join("client_secret"), "fine").unwrap();
        let error = FileCredentials::directory(&root).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("client_id") && !error.contains("MARK"), "{error}");
    }
    let json = root.join("pair.json");
    for content in [
        "MARK",
        "[]",
        "{}",
        r#"{"client_id": "id"}"#,
        r#"{"client_id": "id", "client_secret": 7777777}"#,
        r#"{"client_id": "id", "client_secret": "a", "client_secret": "MARK"}"#,
        r#"{"client_id": "id", "client_secret": "MARK\n"}"#,
        r#"{"client_id": "", "client_secret": "MARK"}"#,
    ] {
        fs::write(&json, content).unwrap();
        let error = FileCredentials::json_file(&json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{content}");
        let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
        assert!(!text.contains("MARK") && !text.contains("7777777"), "{text}");
    }
    let error = FileCredentials::secret_file("id", "MARK-0123456789").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("MARK"), "{error:?}");
}

#[test]
fn credentials_directory_cannot_be_combined_with_other_credentials() {
    for (key, value) in
        [("client_id", "id"), ("client_secret", "MARK"), ("client_secret_file", "/run/secret")]
    {
        let json = serde_json::json!({key: value, "credentials_dir": "/run/secrets"});
        let error = serde_json::from_value::<moov::Config>(json).unwrap().builder().unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}` and `credentials_dir` are both given")), "{error}");
    }
    let json = serde_json::json!({"credentials_dir": "/nowhere/at/all"});
    let error = serde_json::from_value::<moov::Config>(json).unwrap().builder().unwrap_err().to_string();
    assert_eq!(error, "the file client_id of `credentials_dir` cannot be read");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn secret_from_a_pipe_is_read_only_once() {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"one\n").unwrap();
    drop(writer);
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    let credentials = FileCredentials::secret_file("id", path).unwrap();
    for _ in 0..3 {
        assert_eq!(read(&credentials).await, "id:one");
    }
}
