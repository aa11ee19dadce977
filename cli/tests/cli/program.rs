//! Runs the binary with an empty environment, so that the environment of the tests has no effect.

use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use fintech_auth::emulator::Emulator;
use serde_json::Value;

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

pub(crate) fn program(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fintech-auth"));
    command.env_clear().args(args.split_whitespace()).stdin(Stdio::null());
    command
}

pub(crate) fn configured(emulator: &Emulator, args: &str) -> Command {
    let mut command = program(args);
    for (prefix, credentials) in
        [("MONEYKIT", emulator.moneykit_credentials()), ("MOOV", emulator.moov_credentials())]
    {
        command
            .env(format!("{prefix}_CLIENT_ID"), credentials.client_id())
            .env(format!("{prefix}_CLIENT_SECRET"), credentials.client_secret().expose_secret())
            .env(format!("{prefix}_BASE_URL"), emulator.url())
            .env(format!("{prefix}_ATTEMPTS"), "1")
            .env(format!("{prefix}_TIMEOUT"), "5s");
    }
    command
}

pub(crate) fn run(command: &mut Command) -> Ran {
    ran(&command.output().expect("the program starts"))
}

pub(crate) fn run_with(command: &mut Command, input: &str) -> Ran {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the program starts");
    _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    ran(&child.wait_with_output().expect("the program ends"))
}

pub(crate) fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).expect("UTF-8");
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}"));
    fs::write(&path, content).expect("the file is written");
    path
}

/// The program uses the clock of this machine, so the emulator must use the same clock.
pub(crate) async fn emulator() -> Emulator {
    Emulator::builder().with_system_clock().start().await.expect("the emulator starts")
}

pub(crate) fn without_ids(text: &str) -> String {
    let mut parts = text.split("request ");
    let mut known = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_id = part.len() > 36 && part.as_bytes()[8] == b'-' && part.as_bytes()[36] == b')';
        known += "request ";
        known += if is_id { "ID" } else { "" };
        known += if is_id { &part[36..] } else { part };
    }
    known
}
