//! A macro that defines the enum `EventKind` of a vendor.

macro_rules! event_kinds {
    ($($kind:ident $name:literal,)+) => {
        /// The kind of an event.
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $name, "`")] $kind,)+
            /// An event that this version of the crate does not know. Only `From<String>` creates
            /// this variant, so that the variant never contains a known name:
            ///
            /// ```compile_fail,E0639
            /// use fintech_auth::moov::webhook::EventKind;
            ///
            /// let kind = EventKind::Other { name: "transfer.updated".to_owned() };
            /// ```
            #[non_exhaustive]
            Other {
                /// The vendor's name for the event.
                name: String,
            },
        }

        impl EventKind {
            /// All kinds of events that this version of the crate knows.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Returns the vendor's name for the event.
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
