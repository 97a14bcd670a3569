//! Which way of signing in to take, of those a server offers. Pure.

use domain::connector::Authentication;

use crate::ConnectError;

/// A way of signing in, as `WWW-Authenticate` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scheme {
    /// User name and password in the clear.
    Basic,
    /// NTLM without a wrapping.
    Ntlm,
    /// SPNEGO.
    Negotiate,
    /// Kerberos without a wrapping.
    Kerberos,
}

impl Scheme {
    /// The word in HTTP headers.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Ntlm => "NTLM",
            Self::Negotiate => "Negotiate",
            Self::Kerberos => "Kerberos",
        }
    }

    const ALL: [Self; 4] = [Self::Kerberos, Self::Negotiate, Self::Ntlm, Self::Basic];
}

/// What a 401 offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Offer {
    schemes: Vec<Scheme>,
    words: Vec<String>,
}

/// More words in one answer are not looked at.
const MAX_WORDS: usize = 16;

impl Offer {
    /// The offer of the values of all `WWW-Authenticate` headers. A value may hold several, with
    /// parameters.
    pub(crate) fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut offer = Self::default();
        let parts = values.flat_map(|value| value.split(',')).take(MAX_WORDS);
        for word in parts.filter_map(|part| part.split_whitespace().next()) {
            if word.contains('=') {
                continue;
            }
            offer.words.push(word.chars().take(40).collect());
            offer.schemes.extend(
                Scheme::ALL.into_iter().find(|scheme| scheme.word().eq_ignore_ascii_case(word)),
            );
        }
        offer
    }

    /// The schemes that may be taken, the best first: Kerberos, Negotiate, NTLM, Basic.
    pub(crate) fn choices(
        &self,
        allowed: Authentication,
        is_basic_safe: bool,
    ) -> Result<Vec<Scheme>, ConnectError> {
        let fits = |scheme: &Scheme| match allowed {
            Authentication::Automatic => true,
            Authentication::Kerberos => *scheme == Scheme::Kerberos,
            Authentication::Negotiate => *scheme == Scheme::Negotiate,
            // A server that offers only Negotiate takes NTLM inside of it.
            Authentication::Ntlm => matches!(scheme, Scheme::Ntlm | Scheme::Negotiate),
            Authentication::Basic => *scheme == Scheme::Basic,
        };
        let mut choices: Vec<Scheme> = self.schemes.iter().copied().filter(fits).collect();
        choices.sort();
        choices.dedup();
        if allowed == Authentication::Ntlm && choices.contains(&Scheme::Ntlm) {
            choices.retain(|scheme| *scheme == Scheme::Ntlm);
        }
        choices.reverse();
        if !is_basic_safe {
            let had_basic = choices.contains(&Scheme::Basic);
            choices.retain(|scheme| *scheme != Scheme::Basic);
            if choices.is_empty() && had_basic {
                return Err(ConnectError::BasicWithoutTls);
            }
        }
        if choices.is_empty() {
            let offered = if self.words.is_empty() {
                "no way of signing in".to_owned()
            } else {
                self.words.join(", ")
            };
            return Err(ConnectError::NoCommonScheme {
                offered,
                allowed: allowed.word().to_owned(),
            });
        }
        Ok(choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(offered: &[&str], allowed: Authentication, safe: bool) -> Vec<Scheme> {
        Offer::parse(offered.iter().copied()).choices(allowed, safe).unwrap_or_default()
    }

    #[test]
    fn the_best_comes_first() {
        use Authentication::{Automatic, Basic, Kerberos, Ntlm};
        let all = ["Basic realm=\"x\", NTLM", "negotiate", "Kerberos"];
        let every = vec![Scheme::Kerberos, Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic];
        assert_eq!(choices(&all, Automatic, true), every);
        assert_eq!(choices(&all, Automatic, false), every[..3]);
        assert_eq!(choices(&all, Kerberos, false), [Scheme::Kerberos]);
        assert_eq!(choices(&all, Ntlm, false), [Scheme::Ntlm]);
        assert_eq!(choices(&["Negotiate"], Ntlm, false), [Scheme::Negotiate]);
        assert_eq!(choices(&all, Basic, true), [Scheme::Basic]);
    }

    #[test]
    fn what_cannot_be_taken_is_told() {
        let offer = Offer::parse(["Basic realm=\"a, b\""].into_iter());
        assert_eq!(
            offer.choices(Authentication::Automatic, false),
            Err(ConnectError::BasicWithoutTls)
        );
        let none = offer.choices(Authentication::Kerberos, true).unwrap_err();
        assert!(none.to_string().contains("offers Basic"), "{none}");
        let digest = Offer::parse(["Digest nonce=\"1\", qop=auth"].into_iter());
        let none = digest.choices(Authentication::Automatic, true).unwrap_err();
        assert!(none.to_string().contains("Digest"), "{none}");
    }
}
