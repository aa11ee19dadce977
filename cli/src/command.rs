//! What a command is: its name, options and examples in one place, from which the reading of arguments, the
//! help and the completions are all made. It runs nothing.

use std::{future::Future, pin::Pin};

use crate::{arguments::Arguments, exit::Failure};

/// What a command returns, some time.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// A command of the command line.
pub(crate) struct Command {
    /// One word, or a vendor and a word.
    pub(crate) name: &'static [&'static str],
    /// One line.
    pub(crate) about: &'static str,
    /// What the operands are called, if it takes any; with `…`, several.
    pub(crate) operands: Option<&'static str>,
    /// The words that an operand can be; empty for any.
    pub(crate) words: &'static [&'static str],
    pub(crate) options: &'static [&'static [Opt]],
    /// What else there is to know, in lines.
    pub(crate) notes: &'static str,
    /// Each a line to type.
    pub(crate) examples: &'static [&'static str],
    pub(crate) run: fn(Arguments) -> Running,
}

/// An option of a command.
pub(crate) struct Opt {
    /// Without its dashes.
    pub(crate) name: &'static str,
    /// What its value is called; `None` for a switch.
    pub(crate) value: Option<&'static str>,
    pub(crate) about: &'static str,
    pub(crate) is_required: bool,
}

impl Opt {
    pub(crate) const fn switch(name: &'static str, about: &'static str) -> Self {
        Self { name, value: None, about, is_required: false }
    }

    pub(crate) const fn value(name: &'static str, value: &'static str, about: &'static str) -> Self {
        Self { name, value: Some(value), about, is_required: false }
    }

    /// One that the command cannot do without.
    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}

impl Command {
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static Opt> {
        self.options.iter().flat_map(|group| group.iter())
    }
}

/// Of every command that returns something.
pub(crate) const JSON: &[Opt] = &[Opt::switch("json", "print JSON, errors too")];

/// Of every command that returns a token.
pub(crate) const TOKEN: &[Opt] = &[
    Opt::switch("raw", "print the access token and nothing else, for a pipe"),
    Opt::switch("reveal", "show tokens, which are redacted otherwise"),
];

/// Of every command that has settings.
pub(crate) const CONFIG: &[Opt] = &[Opt::value(
    "config",
    "FILE",
    "read settings from JSON with the tables moneykit, moov and redis, not from the environment",
)];

/// Of every command that shows credentials.
pub(crate) const CREDENTIALS: &[Opt] = &[
    Opt::value("client-id", "ID", "the client id; not secret"),
    Opt::value("client-secret-file", "FILE", "a file with the client secret; - is standard input"),
];

/// Of every command that calls a vendor.
pub(crate) const CALL: &[Opt] = &[
    Opt::value("base-url", "URL", "where the service is"),
    Opt::value("timeout", "TIME", "how long a call may take, such as 5s"),
];

/// Of every command that is given a token.
pub(crate) const GIVEN: &[Opt] =
    &[Opt::value("token-file", "FILE", "a file with the token; - is standard input, which is the default")];

/// Of every command that verifies a webhook.
pub(crate) const WEBHOOK: &[Opt] = &[
    Opt::value(
        "headers",
        "FILE",
        "the headers as they came, one a line; a request line before them is passed over",
    )
    .required(),
    Opt::value("body", "FILE", "the body as it came, to the byte; - is standard input, which is the default"),
    Opt::value("tolerance", "TIME", "how far its time may be from now, such as 1h for one that was recorded"),
];
