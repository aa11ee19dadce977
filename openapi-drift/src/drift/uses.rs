//! Describes where a schema is used. A change can be breaking in a request, which we send, and
//! harmless in a response, which the vendor sends, or the other way round.

use serde::Serialize;

/// Whether a value is part of a request or of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Request,
    Response,
}

/// The part of a request or response that a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Parameter,
    Header,
    Body,
    /// A property or item inside one of the other parts.
    Property,
}

/// How a schema is used in a request or response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) side: Side,
    pub(crate) part: Part,
}

impl Use {
    /// Returns the prefix for the names of rules, such as `response-property`.
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
