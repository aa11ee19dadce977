//! A webhook as somebody recorded it: headers from one file, the body from another. It verifies nothing.

use std::io::{self, IsTerminal as _};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{exit::Failure, input, options::Webhook};

/// The headers and the raw body.
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// # Errors
    ///
    /// For a line that is none, and for files that cannot be read.
    pub(crate) fn read(webhook: &Webhook) -> Result<Self, Failure> {
        let path = &webhook.headers;
        let body = match &webhook.body {
            Some(body) => body,
            // Nobody would know what is being waited for.
            None if io::stdin().is_terminal() => {
                return Err(Failure::usage("which body? Pipe it in, or give --body FILE"));
            }
            None => "-",
        };
        if path == "-" && body == "-" {
            return Err(Failure::usage("standard input is either the headers or the body"));
        }
        let text = input::bytes("--headers", path)?;
        Ok(Self { headers: headers(&text)?.0, body: input::bytes("--body", body)? })
    }

    /// A whole request from one file, or from standard input for `-`: headers, an empty line, the body.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn read_whole(option: &str, path: &str) -> Result<Self, Failure> {
        if path == "-" && io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "which delivery? Pipe it in, or name the file: {option} FILE"
            )));
        }
        let text = input::bytes(option, path)?;
        let (headers, body) = headers(&text)?;
        Ok(Self { headers, body: text[body..].to_vec() })
    }
}

/// Lines of `Name: value` to the first empty one, and where the text after that begins.
fn headers(text: &[u8]) -> Result<(HeaderMap, usize), Failure> {
    let mut headers = HeaderMap::new();
    let mut next = 0;
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        next += line.len() + 1;
        let line = line.trim_ascii();
        let is_request_line = number == 0 && line.windows(6).any(|part| part == b" HTTP/");
        if is_request_line {
            continue;
        }
        if line.is_empty() {
            break;
        }
        let wrong = || Failure::usage(format!("line {} of the headers is not Name: value", number + 1));
        let colon = line.iter().position(|byte| *byte == b':').ok_or_else(wrong)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).map_err(|_| wrong())?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| wrong())?);
    }
    Ok((headers, next.min(text.len())))
}
