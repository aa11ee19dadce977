//! The enum of a vendor's events. Events that are not documented are kept by name.

/// Defines `EventKind`, with a variant for each name that the vendor documents.
macro_rules! event_kinds {
    ($($kind:ident $name:literal,)+) => {
        /// What happened.
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $name, "`")] $kind,)+
            /// An event that this version does not know, by its name.
            Other(String),
        }

        impl EventKind {
            /// All that this version knows, for tables.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The vendor's name of it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)+
                    Self::Other(name) => name,
                }
            }
        }

        impl From<String> for EventKind {
            fn from(name: String) -> Self {
                match name.as_str() {
                    $($name => Self::$kind,)+
                    _ => Self::Other(name),
                }
            }
        }
    };
}

pub(crate) use event_kinds;
