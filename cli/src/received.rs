//! Reads a recorded webhook: headers and body, in one file or in two files.

use std::io::{self, IsTerminal as _};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{exit::Failure, input, options::Webhook};

pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn read(webhook: &Webhook) -> Result<Self, Failure> {
        let path = &webhook.headers;
        let body = match &webhook.body {
            Some(body) => body,
            // Without this error, the command would wait for input and print nothing.
            None if io::stdin().is_terminal() => {
                return Err(Failure::usage("no body given: pipe it in, or use --body FILE"));
            }
            None => "-",
        };
        if path == "-" && body == "-" {
            return Err(Failure::usage("the headers and the body cannot both be read from standard input"));
        }
        let text = input::bytes("--headers", path)?;
        Ok(Self { headers: headers(&text)?.0, body: input::bytes("--body", body)? })
    }

    pub(crate) fn read_whole(option: &str, path: &str) -> Result<Self, Failure> {
        if path == "-" && io::stdin().is_terminal() {
            return Err(Failure::usage(format!("no delivery given: pipe it in, or use {option} FILE")));
        }
        let text = input::bytes(option, path)?;
        let (headers, body) = headers(&text)?;
        Ok(Self { headers, body: text[body..].to_vec() })
    }
}

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
        let wrong = || {
            Failure::usage(format!("line {} of the headers does not have the form `Name: value`", number + 1))
        };
        let colon = line.iter().position(|byte| *byte == b':').ok_or_else(wrong)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).map_err(|_| wrong())?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| wrong())?);
    }
    Ok((headers, next.min(text.len())))
}
