//! Describes where a schema is used. The level of a change depends on the use.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Request,
    Response,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Parameter,
    Header,
    Body,
    Property,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) side: Side,
    pub(crate) part: Part,
}

impl Use {
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
