//! Where a command's input comes from: files and standard input, each bounded. No secret comes from anywhere
//! else but the environment.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Read},
};

use fintech_auth::{Secret, moneykit};

use crate::exit::Failure;

/// Larger than any webhook.
const LIMIT: u64 = 16 << 20;

/// A secret from a file, or from standard input for `-`. `option` is what names the file.
///
/// # Errors
///
/// Local ones, naming the option, and neither the path nor what is in the file: somebody may have put the secret itself
/// in the place of the path. A terminal is refused, as it shows what is typed.
pub(crate) fn secret(option: &str, path: &str) -> Result<Secret, Failure> {
    checked(&format!("the file of {option}"), secret_lines(option, path)?)
}

/// A secret of several lines, such as a key in PEM.
///
/// # Errors
///
/// As [`secret`].
pub(crate) fn secret_lines(option: &str, path: &str) -> Result<Secret, Failure> {
    if path == "-" && io::stdin().is_terminal() {
        return Err(Failure::usage(
            "a terminal would show the secret as it is typed: pipe it in, or name a file",
        ));
    }
    let read = if path == "-" {
        Secret::from_reader(io::stdin().lock())
    } else {
        File::open(path).and_then(Secret::from_reader)
    };
    read.map_err(|error| unreadable(option, path, &error))
}

/// The secret, unless it was copied with something around it. The configuration judges that, so that there is one
/// rule.
///
/// # Errors
///
/// For quotes, white space and invisible characters, without the secret.
pub(crate) fn checked(what: &str, secret: Secret) -> Result<Secret, Failure> {
    let config = moneykit::Config::from_vars([("MONEYKIT_CLIENT_SECRET", secret.expose_secret())]);
    config.map_err(|error| {
        let named = "the environment variable MONEYKIT_CLIENT_SECRET";
        Failure::usage(error.to_string().replace(named, what))
    })?;
    Ok(secret)
}

/// A variable of the environment. One that is no text is not taken for one that is not set.
///
/// # Errors
///
/// For what is not UTF-8, without it.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    let text = env::var_os(name).map(OsString::into_string).transpose();
    text.map_err(|_| Failure::usage(format!("the environment variable {name} is not UTF-8")))
}

/// All bytes of a file, or of standard input for `-`. `option` is what names the file.
///
/// # Errors
///
/// Local ones, as of [`secret`].
pub(crate) fn bytes(option: &str, path: &str) -> Result<Vec<u8>, Failure> {
    let read = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        reader.take(LIMIT + 1).read_to_end(&mut bytes)?;
        let is_whole = bytes.len() as u64 <= LIMIT;
        if is_whole { Ok(bytes) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "is over 16 MiB")) }
    };
    let bytes = if path == "-" {
        read(&mut io::stdin().lock())
    } else {
        File::open(path).and_then(|mut file| read(&mut file))
    };
    bytes.map_err(|error| unreadable(option, path, &error))
}

fn unreadable(option: &str, path: &str, error: &io::Error) -> Failure {
    let name = if path == "-" { "standard input".to_owned() } else { format!("the file of {option}") };
    Failure::local(match error.kind() {
        io::ErrorKind::InvalidData => format!("{name} {error}"),
        _ => format!("{name} cannot be read: {error}"),
    })
}
