//! Macros that define an enum of a vendor's documented scopes. The enum stores an undocumented
//! scope as text.

pub(crate) const MAX_LIST: usize = 64 * 1024;

macro_rules! documented {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$note:meta])* $variant:ident = $text:literal,)*
            $(; $($other:tt)*)?
        }
    ) => {
        $(#[$meta])*
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $(#[$note])* $variant,)*
            $($($other)*)?
        }

        impl $name {
            #[cfg(test)]
            const DOCUMENTED: &[&str] = &[$($text),*];

            fn documented(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The variants after `;` in the macro's input get an empty text, because `Display`
            /// formats these variants itself.
            fn text(&self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    #[allow(unreachable_patterns, reason = "not every such enum has other variants")]
                    _ => "",
                }
            }
        }
    };
}
pub(crate) use documented;

macro_rules! scope_conversions {
    ($(#[$from_str:meta])* $name:ident) => {
        impl $name {
            /// Parses the `scope` of a response: scopes separated by spaces (RFC 6749 section 3.3),
            /// in the given order.
            ///
            /// Additional spaces, malformed items, and everything after the first 64 KiB are
            /// ignored. Items are only dropped, never changed, so the result contains only scopes
            /// that are in the list.
            pub fn parse_list(list: &str) -> Vec<Self> {
                let mut room = crate::client::scope::MAX_LIST;
                list.split_ascii_whitespace()
                    .map_while(|item| {
                        room = room.checked_sub(item.len())?;
                        Some(item)
                    })
                    .filter_map(|item| item.parse().ok())
                    .collect()
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            $(#[$from_str])*
            ///
            /// # Errors
            ///
            /// Returns [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if the text is
            /// not a valid scope of RFC 6749.
            fn from_str(text: &str) -> Result<Self, crate::Error> {
                match Self::named(text) {
                    Some(scope) => Ok(scope),
                    None => Ok(Self::Other { scope: crate::Scope::new(text)? }),
                }
            }
        }

        impl From<$name> for crate::Scope {
            fn from(scope: $name) -> Self {
                match scope {
                    $name::Other { scope } => scope,
                    named => Self::new(&named.to_string()).expect("a documented scope is well formed"),
                }
            }
        }

        impl From<crate::Scope> for $name {
            fn from(scope: crate::Scope) -> Self {
                Self::named(scope.as_str()).unwrap_or(Self::Other { scope })
            }
        }
    };
}
pub(crate) use scope_conversions;
