//! Reads files, standard input and environment variables.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Read},
};

use fintech_auth::{Secret, moneykit};

use crate::exit::Failure;

const LIMIT: u64 = 16 << 20;

/// The error must not contain the path, because a user may have passed the secret itself as the
/// path.
pub(crate) fn secret(option: &str, path: &str) -> Result<Secret, Failure> {
    checked(&format!("the {option} file"), secret_lines(option, path)?)
}

pub(crate) fn secret_lines(option: &str, path: &str) -> Result<Secret, Failure> {
    if path == "-" && io::stdin().is_terminal() {
        return Err(Failure::usage(
            "cannot read a secret from a terminal, which would show it: pipe it in, or name a file",
        ));
    }
    let read = if path == "-" {
        Secret::from_reader(io::stdin().lock())
    } else {
        File::open(path).and_then(Secret::from_reader)
    };
    read.map_err(|error| unreadable(option, path, &error))
}

/// Uses the library's check, so that the CLI and the library accept the same secrets.
pub(crate) fn checked(what: &str, secret: Secret) -> Result<Secret, Failure> {
    let config = moneykit::Config::from_vars([("MONEYKIT_CLIENT_SECRET", secret.expose_secret())]);
    config.map_err(|error| {
        let named = "the environment variable MONEYKIT_CLIENT_SECRET";
        Failure::usage(error.to_string().replace(named, what))
    })?;
    Ok(secret)
}

pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    let text = env::var_os(name).map(OsString::into_string).transpose();
    text.map_err(|_| Failure::usage(format!("the environment variable {name} is not UTF-8")))
}

pub(crate) fn bytes(option: &str, path: &str) -> Result<Vec<u8>, Failure> {
    let read = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        reader.take(LIMIT + 1).read_to_end(&mut bytes)?;
        let is_whole = bytes.len() as u64 <= LIMIT;
        if is_whole {
            Ok(bytes)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "is larger than 16 MiB"))
        }
    };
    let bytes = if path == "-" {
        read(&mut io::stdin().lock())
    } else {
        File::open(path).and_then(|mut file| read(&mut file))
    };
    bytes.map_err(|error| unreadable(option, path, &error))
}

fn unreadable(option: &str, path: &str, error: &io::Error) -> Failure {
    let name = if path == "-" { "standard input".to_owned() } else { format!("the {option} file") };
    Failure::local(match error.kind() {
        io::ErrorKind::InvalidData => format!("{name} {error}"),
        _ => format!("cannot read {name}: {error}"),
    })
}
