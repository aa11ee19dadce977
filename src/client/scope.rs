//! Enums of a vendor's documented scopes, which keep any other scope as it is.

/// The most text that `parse_list` keeps, in bytes: over a thousand scopes of a Moov account.
pub(crate) const MAX_LIST: usize = 64 * 1024;

/// An enum whose variants are documented scopes, with the way from and to their text; after `;` the
/// variants that are made in other ways.
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

            /// Empty for the other variants, which `Display` writes itself.
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

/// The ways from and to text and [`crate::Scope`], for an enum with a variant `Other { scope }`, `Display` and a
/// function `named`, which gives the variant of a text that is not `Other`.
macro_rules! scope_conversions {
    ($(#[$from_str:meta])* $name:ident) => {
        impl $name {
            /// Reads the `scope` of a response: scopes separated by spaces (RFC 6749 section 3.3), in
            /// the order given.
            ///
            /// Lenient where that claims no more than was granted: space to spare is passed over, and so are
            /// malformed items and what comes after the first 64 KiB.
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
            /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if it is none by RFC 6749.
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
