//! Gets a token while its refresh token has somewhere to go: to the file of `--save`, to standard output, or, where
//! both fail, to a file that the error names.

use std::future::Future;

use fintech_auth::{Error, Response, Secret, UncachedToken, moov::types::AuthToken};

use crate::{
    exit::Failure,
    issued::print_token,
    options::{Format, Reveal},
    output::{print, print_all},
    private_file::{PrivateFile, Unsaved, rescue},
    signals::Signals,
};

/// Where the tokens are to go, as the options say.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    pub(super) format: Format,
    pub(super) reveal: &'a Reveal,
    pub(super) save: Option<&'a str>,
    /// For a refresh token that is spent for this one, the file that it was read from, if any.
    pub(super) exchanged: Option<Option<&'a str>>,
}

/// Where the refresh token is to go.
pub(super) struct TokenCall<'a> {
    destination: Destination<'a>,
    saving: Option<PrivateFile>,
    signals: Signals,
}

impl<'a> TokenCall<'a> {
    /// # Errors
    ///
    /// Local ones, before anything is sent.
    pub(super) fn begin(destination: Destination<'a>) -> Result<Self, Failure> {
        if destination.save == Some("-") && destination.reveal.raw {
            return Err(Failure::usage("--raw and --save - would both print a token; give one of them"));
        }
        // First, so that no draft stays behind.
        let signals = Signals::new()?;
        let saving = destination
            .save
            .filter(|path| *path != "-")
            .map(|path| PrivateFile::begin("--save", path))
            .transpose()?;
        Ok(Self { destination, saving, signals })
    }

    /// Calls the service, keeps what it issued and prints it. A signal does not cut this short: the exit code reports
    /// it once the token is kept.
    ///
    /// # Errors
    ///
    /// Those of the call; local ones where a way out is closed, saying where the refresh token is.
    pub(super) async fn run(
        self,
        call: impl Future<Output = Result<Response<AuthToken>, Error>>,
    ) -> Result<(), Failure> {
        let Self { destination, saving, mut signals } = self;
        let mut work = std::pin::pin!(async { keep(destination, saving, call.await?) });
        let signal = tokio::select! {
            done = &mut work => return done,
            signal = signals.ended() => signal,
        };
        work.await?;
        Err(Failure::signal(signal))
    }
}

fn keep(
    destination: Destination<'_>,
    saving: Option<PrivateFile>,
    response: Response<AuthToken>,
) -> Result<(), Failure> {
    let Destination { format, reveal, save, exchanged } = destination;
    let is_exchange = exchanged.is_some();
    let refresh_token = response.refresh_token.as_ref().map(|token| token.0.clone());
    // Only once the refresh token is safe is anything done that may fail.
    let print_token = |shows_refresh_token, print| {
        let token = UncachedToken::try_from(response)?;
        print_token(format, reveal, &token, shows_refresh_token, print)
    };
    let Some(refresh_token) = refresh_token.filter(|token| !token.is_empty()) else {
        print_token(false, print)?;
        // Without a new one, the old one goes on (RFC 6749 section 6), and may be in that very file.
        let has_old_one = save.is_some() && exchanged == Some(save);
        return if save.is_none() || has_old_one { Ok(()) } else { Err(Failure::no_refresh_token()) };
    };
    let print = if is_exchange { print_all } else { print };
    let saved = saving.map(|saving| saving.finish_token(&refresh_token)).transpose();
    let (path, failure) = match saved {
        Ok(path) => (path, None),
        Err(Unsaved { failure, path }) => (path, Some(failure)),
    };
    // Whatever became of the file, the token is somewhere else then.
    let is_shown = save == Some("-") || failure.is_some() && path.is_none();
    let printed = print_token(is_shown, print);
    let printed = match printed {
        Ok(()) if is_shown && reveal.raw => print(&format!("{}\n", refresh_token.expose_secret())),
        printed => printed,
    };
    let is_printed = is_shown || reveal.reveal && !reveal.raw;
    let place = match (&path, &printed) {
        (Some(path), _) => format!("the refresh token is in {}", path.display()),
        (None, Ok(())) if is_printed => "the refresh token is on standard output".to_owned(),
        _ if is_exchange => rescued_to(&refresh_token),
        _ => "the refresh token is lost: issue a new one".to_owned(),
    };
    match (failure, printed) {
        (None, Ok(())) => Ok(()),
        (Some(failure), _) | (None, Err(failure)) => Err(failure.with_reason(place)),
    }
}

/// Where a token was put that has no other place left.
fn rescued_to(refresh_token: &Secret) -> String {
    match rescue(refresh_token) {
        Ok(path) => format!("the refresh token is in {}", path.display()),
        Err(error) => format!("the refresh token could be kept nowhere: {error}"),
    }
}
