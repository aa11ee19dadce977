//! The enum of a vendor's events. Events that are not documented are kept by name.

/// Defines `EventKind`, with a variant for each name that the vendor documents.
macro_rules! event_kinds {
    ($($kind:ident $name:literal,)+) => {
        /// What happened.
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $name, "`")] $kind,)+
            /// An event that this version does not know. `From<String>` makes it, so that a name that is known is never
            /// an `Other`:
            ///
            /// ```compile_fail,E0639
            /// use fintech_auth::moov::webhook::EventKind;
            ///
            /// let kind = EventKind::Other { name: "transfer.updated".to_owned() };
            /// ```
            #[non_exhaustive]
            Other {
                /// The vendor's name of it.
                name: String,
            },
        }

        impl EventKind {
            /// All that this version knows, for tables.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The vendor's name of it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)+
                    Self::Other { name } => name,
                }
            }
        }

        impl From<&str> for EventKind {
            fn from(name: &str) -> Self {
                Self::from(name.to_owned())
            }
        }

        impl From<String> for EventKind {
            fn from(name: String) -> Self {
                match name.as_str() {
                    $($name => Self::$kind,)+
                    _ => Self::Other { name },
                }
            }
        }
    };
}

pub(crate) use event_kinds;
