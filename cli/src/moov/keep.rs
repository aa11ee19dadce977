//! Requests a token and makes sure that the new refresh token is not lost. If Moov returns a new
//! refresh token in exchange for an old one, the old refresh token is no longer valid.

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

#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    pub(super) format: Format,
    pub(super) reveal: &'a Reveal,
    pub(super) save: Option<&'a str>,
    /// `Some` if the call exchanges a refresh token. The inner value is the path from
    /// `--token-file`, if any.
    pub(super) exchanged: Option<Option<&'a str>>,
}

pub(super) struct TokenCall<'a> {
    destination: Destination<'a>,
    saving: Option<PrivateFile>,
    signals: Signals,
}

impl<'a> TokenCall<'a> {
    /// Check first that the tokens can be written, because a request may use up a refresh token.
    pub(super) fn begin(destination: Destination<'a>) -> Result<Self, Failure> {
        if destination.save == Some("-") && destination.reveal.raw {
            return Err(Failure::usage("--raw and --save - both print a token; use only one of them"));
        }
        // Install the signal handlers first. Otherwise a signal could leave the temporary file
        // behind.
        let signals = Signals::new()?;
        let saving = destination
            .save
            .filter(|path| *path != "-")
            .map(|path| PrivateFile::begin("--save", path))
            .transpose()?;
        Ok(Self { destination, saving, signals })
    }

    /// A signal must not interrupt the call. Otherwise the new refresh token would be lost.
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
    // Printing can fail, so save the refresh token before you call `print_token`.
    let print_token = |shows_refresh_token, print| {
        let token = UncachedToken::try_from(response)?;
        print_token(format, reveal, &token, shows_refresh_token, print)
    };
    let Some(refresh_token) = refresh_token.filter(|token| !token.is_empty()) else {
        print_token(false, print)?;
        // If Moov returns no new refresh token in exchange for an old one, the old refresh token
        // stays valid (RFC 6749 section 6). If the `--save` file already contains the old refresh
        // token, there is nothing to save.
        let has_old_one = save.is_some() && exchanged == Some(save);
        return if save.is_none() || has_old_one { Ok(()) } else { Err(Failure::no_refresh_token()) };
    };
    let print = if is_exchange { print_all } else { print };
    let saved = saving.map(|saving| saving.finish_token(&refresh_token)).transpose();
    let (path, failure) = match saved {
        Ok(path) => (path, None),
        Err(Unsaved { failure, path }) => (path, Some(failure)),
    };
    // If the refresh token could not be saved to any file, print the refresh token.
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
        _ if is_exchange => rescue_place(&refresh_token),
        _ => "the refresh token is lost: issue a new one".to_owned(),
    };
    match (failure, printed) {
        (None, Ok(())) => Ok(()),
        (Some(failure), _) | (None, Err(failure)) => Err(failure.with_reason(place)),
    }
}

fn rescue_place(refresh_token: &Secret) -> String {
    match rescue(refresh_token) {
        Ok(path) => format!("the refresh token is in {}", path.display()),
        Err(error) => format!("the refresh token is lost, because it could not be saved anywhere: {error}"),
    }
}
