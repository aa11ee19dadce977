//! The use of a schema in a message. A change may break requests, which we send, or responses,
//! which the vendor sends.

use serde::Serialize;

/// The message that contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Request,
    Response,
}

/// The part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Parameter,
    Header,
    Body,
    /// A property inside of one of those.
    Property,
}

/// The use of a schema in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) side: Side,
    pub(crate) part: Part,
}

impl Use {
    /// The prefix for names of rules: `response-property`.
    pub(crate) fn name(self) -> &'static str {
        match (self.side, self.part) {
            (Side::Request, Part::Parameter | Part::Header) => "request-parameter",
            (Side::Request, Part::Body) => "request-body",
            (Side::Request, Part::Property) => "request-property",
            (Side::Response, Part::Header | Part::Parameter) => "response-header",
            (Side::Response, Part::Body) => "response-body",
            (Side::Response, Part::Property) => "response-property",
        }
    }
}
