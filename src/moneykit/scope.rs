//! MoneyKit's scopes as an enum.

use std::fmt;

use crate::client::scope::{documented, scope_conversions};

documented! {
    /// A MoneyKit scope, such as `link:data:read`.
    ///
    /// The variants are the scopes in MoneyKit's documentation of `GET /auth/introspect`.
    ///
    /// ```
    /// use fintech_auth::{Scope, moneykit};
    ///
    /// let scopes: [Scope; 2] = [
    ///     moneykit::NamedScope::LinkSessionCreate.into(),
    ///     "link:data:beyond".parse()?, // a scope that this crate does not know
    /// ];
    /// assert_eq!(scopes[0].as_str(), "link_session:create");
    ///
    /// let granted = moneykit::NamedScope::parse_list("link:data:read link:data:beyond");
    /// assert!(granted.contains(&moneykit::NamedScope::LinkDataRead));
    /// # Ok::<(), fintech_auth::Error>(())
    /// ```
    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum NamedScope {
        InstitutionsRead = "institutions:read",
        LinkDataRead = "link:data:read",
        LinkDataRefresh = "link:data:refresh",
        LinkSessionCreate = "link_session:create",
        ;
        /// A scope that has no variant in this enum. Parsing a documented scope never returns
        /// `Other`.
        #[non_exhaustive]
        Other {
            /// The scope as it is sent.
            scope: crate::Scope,
        },
    }
}

impl NamedScope {
    fn named(text: &str) -> Option<Self> {
        Self::documented(text)
    }
}

/// Writes the scope as the client sends it.
impl fmt::Display for NamedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { scope } => scope.fmt(f),
            documented => f.write_str(documented.text()),
        }
    }
}

scope_conversions! {
    /// Parses one scope. A scope that has no variant becomes [`NamedScope::Other`].
    NamedScope
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str = "link_session:create link:data:read link:data:refresh institutions:read";

    fn parse(text: &str) -> NamedScope {
        text.parse().unwrap()
    }

    #[test]
    fn every_documented_scope_has_a_variant_and_round_trips() {
        let mut facts: Vec<&str> = FACTS.split(' ').collect();
        facts.sort_unstable();
        assert_eq!(NamedScope::DOCUMENTED, facts);
        for text in facts {
            let scope = parse(text);
            assert!(!matches!(scope, NamedScope::Other { .. }), "{text}");
            assert_eq!(scope.to_string(), text);
            assert_eq!(crate::Scope::from(scope.clone()).as_str(), text);
            assert_eq!(NamedScope::from(crate::Scope::new(text).unwrap()), scope);
        }
        assert_eq!(
            NamedScope::parse_list(FACTS),
            [
                NamedScope::LinkSessionCreate,
                NamedScope::LinkDataRead,
                NamedScope::LinkDataRefresh,
                NamedScope::InstitutionsRead
            ]
        );
    }

    #[test]
    fn undocumented_scopes_are_accepted_and_invalid_scopes_are_rejected() {
        for text in ["link:data:beyond", "Link:data:read", "link:data", "/accounts.read"] {
            let scope = parse(text);
            assert!(matches!(scope, NamedScope::Other { .. }), "{text}");
            assert_eq!(scope.to_string(), text);
            let shared = crate::Scope::from(scope.clone());
            assert_eq!(shared.as_str(), text);
            assert_eq!(NamedScope::from(shared), scope);
        }
        for text in ["", " ", "link:data:read ", "link:data:read institutions:read"] {
            assert_eq!(
                text.parse::<NamedScope>().unwrap_err().kind(),
                crate::ErrorKind::InvalidConfig,
                "{text:?}"
            );
        }
    }
}
