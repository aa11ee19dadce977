//! Runs a real Redis server for one test, on a free loopback port. Dropping the handle stops the
//! server.

use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fintech_auth::redis::{self as client, FromRedisValue};

pub(crate) const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

pub(crate) struct RedisServer {
    program: &'static str,
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl RedisServer {
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Option<Self> {
        let found = PROGRAMS.into_iter().find_map(|program| Self::start_program(program, arguments));
        if found.is_none() {
            let words =
                "no redis-server is installed, so a test was skipped (Debian: apt-get install redis-server)";
            assert!(env::var_os("CI").is_none(), "{words}");
            // The test runner captures the output of passing tests, so the note is written directly
            // to standard error.
            let _ = writeln!(std::io::stderr(), "\nnote: {words}");
        }
        found
    }

    pub(crate) fn start_program(program: &'static str, arguments: &[&str]) -> Option<Self> {
        Command::new(program).arg("--version").stdout(Stdio::null()).status().ok()?;
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("fintech-auth-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        // Another process may take the port before the server opens it, so try several ports.
        for _ in 0..5 {
            let port = free_port();
            let child = spawn(program, port, &folder, &arguments);
            let mut server =
                Self { program, child, port, folder: folder.clone(), arguments: arguments.clone() };
            if server.is_up() {
                return Some(server);
            }
        }
        panic!("{program} does not start in {}", folder.display());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    fn is_up(&mut self) -> bool {
        for _ in 0..500 {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        for _ in 0..50 {
            self.child = spawn(self.program, self.port, &self.folder, &self.arguments);
            if self.is_up() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{} does not start again", self.program);
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, command: &[&[u8]]) -> T {
        let client = client::Client::open(self.url()).unwrap();
        let config = client::AsyncConnectionConfig::new();
        let config = config.set_connection_timeout(None).set_response_timeout(None);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        let mut cmd = client::Cmd::new();
        cmd.arg(command);
        cmd.query_async(&mut connection).await.unwrap()
    }

    pub(crate) async fn run_text<T: FromRedisValue>(&self, command: &str) -> T {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        self.run(&words).await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spawn(program: &str, port: u16, folder: &PathBuf, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments.iter().filter(|argument| argument.ends_with(".conf")))
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--loglevel", "debug", "--logfile", "log"])
        .arg("--dir")
        .arg(folder)
        .args(arguments.iter().filter(|argument| !argument.ends_with(".conf")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
