//! Which side sends a thing: what breaks differs between a request, which we send, and a response,
//! which the vendor sends.

use serde::Serialize;

use super::edit::Step;

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Request,
    Response,
}

/// What part of a message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Parameter,
    Header,
    Body,
    /// A part of one of those.
    Property,
}

/// What something serves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) side: Side,
    pub(crate) part: Part,
}

impl Use {
    /// `response-property`, as rules are named.
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

/// What the thing at the end of these steps serves as, where the first of them serves as `base`.
/// `None` for what is in no message.
pub(crate) fn use_of(base: Option<Use>, steps: &[Step<'_>]) -> Option<Use> {
    let mut known = base;
    let mut holder = "";
    for step in steps {
        let name = step.shape.name().unwrap_or_default();
        let side = known.map(|known| known.side);
        let (side, part) = match name {
            "parameter" => (Some(Side::Request), Part::Parameter),
            "request body" => (Some(Side::Request), Part::Body),
            "response" => (Some(Side::Response), Part::Body),
            "header" => (side.or(Some(Side::Response)), Part::Header),
            "schema" if holder == "schema" => (side, Part::Property),
            _ => (side, known.map_or(Part::Body, |known| known.part)),
        };
        known = side.map(|side| Use { side, part });
        holder = if name.is_empty() { holder } else { name };
    }
    known
}
