//! Moov's scopes as enums.

use std::fmt;

use uuid::Uuid;

use crate::client::scope::{documented, scope_conversions};

documented! {
    /// A Moov scope: a path and an action.
    ///
    /// The variants are the scopes in Moov's OpenAPI documents up to 2025-06-10, its SDKs and its
    /// documentation.
    ///
    /// ```
    /// use fintech_auth::{Scope, moov};
    /// use uuid::Uuid;
    ///
    /// let merchant: Uuid = "3dfff852-927d-47e8-822c-2fffc57ff6b9".parse()?;
    /// let scopes: [Scope; 3] = [
    ///     moov::NamedScope::AccountsRead.into(),
    ///     moov::AccountScope::CardsRead.of(merchant).into(),
    ///     "/beyond.read".parse()?, // a scope that this crate does not know
    /// ];
    /// assert_eq!(scopes[1].as_str(), "/accounts/3dfff852-927d-47e8-822c-2fffc57ff6b9/cards.read");
    ///
    /// for granted in moov::NamedScope::parse_list("/accounts.read /beyond.read") {
    ///     match granted {
    ///         moov::NamedScope::AccountsRead => {}
    ///         moov::NamedScope::Other { scope, .. } => assert_eq!(scope.as_str(), "/beyond.read"),
    ///         _ => unreachable!(),
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum NamedScope {
        AccountsRead = "/accounts.read",
        AccountsWrite = "/accounts.write",
        FedRead = "/fed.read",
        InstitutionsRead = "/institutions.read",
        PingRead = "/ping.read",
        ProfileEnrichmentRead = "/profile-enrichment.read",
        TerminalApplicationsRead = "/terminal-applications.read",
        TerminalApplicationsWrite = "/terminal-applications.write",
        ;
        /// `/accounts/{account_id}/{scope}`, which [`AccountScope::of`] creates.
        Account {
            /// The id of the account (`accountID` in Moov's API).
            account_id: Uuid,
            /// What the token may do in the account.
            scope: AccountScope,
        },
        /// A scope that has no variant in this enum. Its text is not changed. Parsing a documented
        /// scope never returns `Other`.
        #[non_exhaustive]
        Other {
            /// The scope that the client sends.
            scope: crate::Scope,
        },
    }
}

documented! {
    /// What a token may do in one account: the part of the scope after the account id.
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum AccountScope {
        ApplePayRead = "apple-pay.read",
        ApplePayWrite = "apple-pay.write",
        ApplePayMerchantRead = "apple-pay-merchant.read",
        ApplePayMerchantWrite = "apple-pay-merchant.write",
        BankAccountsRead = "bank-accounts.read",
        BankAccountsWrite = "bank-accounts.write",
        BrandingRead = "branding.read",
        BrandingWrite = "branding.write",
        CapabilitiesRead = "capabilities.read",
        CapabilitiesWrite = "capabilities.write",
        CardsRead = "cards.read",
        CardsWrite = "cards.write",
        FilesRead = "files.read",
        FilesWrite = "files.write",
        IssuedCardsRead = "issued-cards.read",
        ///
        /// Reveals full card numbers. Anyone who receives full card numbers is subject to PCI DSS.
        IssuedCardsReadSecure = "issued-cards.read-secure",
        IssuedCardsWrite = "issued-cards.write",
        PaymentMethodsRead = "payment-methods.read",
        ProfileDisconnect = "profile.disconnect",
        ProfileRead = "profile.read",
        ProfileWrite = "profile.write",
        RepresentativesRead = "representatives.read",
        RepresentativesWrite = "representatives.write",
        ResolutionLinksRead = "resolution-links.read",
        ResolutionLinksWrite = "resolution-links.write",
        TerminalApplicationsRead = "terminal-applications.read",
        TerminalApplicationsWrite = "terminal-applications.write",
        TerminalConfigurationRead = "terminal-configuration.read",
        TransfersRead = "transfers.read",
        TransfersWrite = "transfers.write",
        WalletsRead = "wallets.read",
        WalletsWrite = "wallets.write",
    }
}

impl AccountScope {
    /// Returns this scope for an account.
    pub fn of(self, account_id: Uuid) -> NamedScope {
        NamedScope::Account { account_id, scope: self }
    }
}

impl NamedScope {
    fn named(text: &str) -> Option<Self> {
        Self::documented(text).or_else(|| Self::of_account(text))
    }

    fn of_account(text: &str) -> Option<Self> {
        let (id, scope) = text.strip_prefix("/accounts/")?.split_once('/')?;
        // `Uuid` also parses other formats, but only the hyphenated format has this length.
        let hyphenated = id.len() == uuid::fmt::Hyphenated::LENGTH;
        let account_id = hyphenated.then(|| Uuid::try_parse(id).ok()).flatten()?;
        Some(AccountScope::documented(scope)?.of(account_id))
    }
}

/// Writes the scope as the client sends it, with the account id in lower case.
impl fmt::Display for NamedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { account_id, scope } => {
                write!(f, "/accounts/{}/{}", account_id.hyphenated(), scope.text())
            }
            Self::Other { scope } => scope.fmt(f),
            documented => f.write_str(documented.text()),
        }
    }
}

scope_conversions! {
    /// Parses one scope.
    ///
    /// The account id in a documented scope may be in upper or lower case (RFC 9562 section 4).
    /// Both forms parse to the same value. A scope becomes [`NamedScope::Other`] if it has no
    /// variant, or if its account id is not a hyphenated UUID.
    NamedScope
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::scope::MAX_LIST;

    const ID: &str = "3dfff852-927d-47e8-822c-2fffc57ff6b9";

    const FACTS: &str = "
        accounts read write
        fed read
        institutions read
        ping read
        profile-enrichment read
        terminal-applications read write

        apple-pay read write
        apple-pay-merchant read write
        bank-accounts read write
        branding read write
        capabilities read write
        cards read write
        files read write
        issued-cards read read-secure write
        payment-methods read
        profile disconnect read write
        representatives read write
        resolution-links read write
        terminal-applications read write
        terminal-configuration read
        transfers read write
        wallets read write
    ";

    fn facts() -> [Vec<String>; 2] {
        let (fixed, account) = FACTS.trim().split_once("\n\n").unwrap();
        [fixed, account].map(|areas| {
            let scopes = areas.lines().flat_map(|line| {
                let (area, actions) = line.trim().split_once(' ').unwrap();
                actions.split(' ').map(move |action| format!("{area}.{action}"))
            });
            scopes.collect()
        })
    }

    fn parse(text: &str) -> NamedScope {
        text.parse().unwrap()
    }

    #[test]
    fn every_documented_scope_has_a_variant_and_round_trips() {
        let [fixed, account] = facts();
        let fixed: Vec<_> = fixed.iter().map(|scope| format!("/{scope}")).collect();
        assert_eq!(NamedScope::DOCUMENTED, fixed);
        assert_eq!(AccountScope::DOCUMENTED, account);
        for text in fixed.into_iter().chain(account.iter().map(|scope| format!("/accounts/{ID}/{scope}"))) {
            let scope = parse(&text);
            assert!(!matches!(scope, NamedScope::Other { .. }), "{text}");
            assert_eq!(scope.to_string(), text);
            assert_eq!(crate::Scope::from(scope.clone()).as_str(), text);
            assert_eq!(NamedScope::from(crate::Scope::new(&text).unwrap()), scope);
        }
    }

    #[test]
    fn scope_text_is_parsed_to_a_variant_and_formatted_back() {
        let id = ID.parse().unwrap();
        assert_eq!(parse("/ping.read"), NamedScope::PingRead);
        assert_eq!(parse(&format!("/accounts/{ID}/cards.write")), AccountScope::CardsWrite.of(id));
        let secure = AccountScope::IssuedCardsReadSecure.of(id).to_string();
        assert_eq!(secure, format!("/accounts/{ID}/issued-cards.read-secure"));
    }

    #[test]
    fn account_id_is_parsed_in_upper_case_and_written_in_lower_case() {
        let scope = parse(&format!("/accounts/{}/cards.read", ID.to_uppercase()));
        assert_eq!(scope, AccountScope::CardsRead.of(ID.parse().unwrap()));
        assert_eq!(scope.to_string(), format!("/accounts/{ID}/cards.read"));
    }

    #[test]
    fn undocumented_scopes_are_accepted_unchanged() {
        for text in [
            "accounts.read",
            "/Accounts.read",
            "/accounts.delete",
            "/accounts/",
            "/accounts//cards.read",
            "/accounts/{accountID}/cards.read",
            &format!("/accounts/{}/cards.read", ID.replace('-', "")),
            &format!("/accounts/{{{ID}}}/cards.read"),
            &format!("/accounts/urn:uuid:{ID}/cards.read"),
            &format!("/accounts/{ID}"),
            &format!("/accounts/{ID}/"),
            &format!("/accounts/{ID}/payment-methods.write"),
            &format!("/accounts/{ID}/cards.read/more"),
            &format!("/accounts/{}/beyond.read", ID.to_uppercase()),
        ] {
            let scope = parse(text);
            assert!(matches!(scope, NamedScope::Other { .. }), "{text}");
            assert_eq!(scope.to_string(), *text);
        }
    }

    #[test]
    fn invalid_scopes_are_rejected() {
        for text in ["", " ", "/ping.read ", "/ping.read /fed.read", "\"", "\\", "ü", "/accounts/\n/x"] {
            let error = text.parse::<NamedScope>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidConfig, "{text:?}");
        }
    }

    #[test]
    fn scope_list_keeps_its_order_and_skips_invalid_scopes() {
        let list = NamedScope::parse_list("  /ping.read   /beyond.read \t ü \"q\"\n/fed.read ");
        assert_eq!(list, [NamedScope::PingRead, parse("/beyond.read"), NamedScope::FedRead]);
        assert_eq!(NamedScope::parse_list(""), []);
    }

    #[test]
    fn scope_list_length_is_limited() {
        let long = "x".repeat(MAX_LIST - "/ping.read/fed.read".len());
        let list = |long: &str| NamedScope::parse_list(&format!("/ping.read {long} /fed.read"));
        assert_eq!(list(&long), [NamedScope::PingRead, NamedScope::FedRead]);
        assert_eq!(list(&format!("{long}x")), [NamedScope::PingRead]);
        assert_eq!(NamedScope::parse_list(&"a ".repeat(MAX_LIST + 1)).len(), MAX_LIST);
    }

    fn scope_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[!#-\\[\\]-~]{1,60}",
            "/[a-z-]{1,12}\\.(read|write)",
            "/accounts/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(cards|profile|x)\\.(read|write|disconnect)",
            "/accounts/[0-9a-f-]{30,40}/cards\\.read",
            "/accounts/[0-9a-fA-F]{32}/cards\\.read",
        ]
    }

    proptest! {
        #[test]
        fn any_scope_round_trips(text in scope_text()) {
            let scope = parse(&text);
            prop_assert_eq!(scope.to_string(), text.as_str());
            prop_assert_eq!(parse(&scope.to_string()), scope.clone());
            let shared = crate::Scope::from(scope.clone());
            prop_assert_eq!(shared.as_str(), text.as_str());
            prop_assert_eq!(NamedScope::from(shared), scope);
        }

        #[test]
        fn any_text_is_parsed_or_rejected_without_a_panic(text in ".*") {
            prop_assert_eq!(text.parse::<NamedScope>().is_ok(), crate::Scope::new(&text).is_ok());
            prop_assert!(NamedScope::parse_list(&text).len() <= text.split_ascii_whitespace().count());
        }
    }
}
