//! Cookies, by which the balancers of the service send us to the same server again.

use std::fmt;

use hyper::header;

use super::Answer;

/// Most cookies kept.
const MAX_COOKIES: usize = 32;

/// The cookies that the service gave.
#[derive(Debug, Default)]
pub(super) struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Takes what an answer sets. A cookie without a value is taken back.
    pub(super) fn note(&mut self, answer: &Answer) {
        for value in answer.headers.get_all(header::SET_COOKIE).iter().take(MAX_COOKIES) {
            let pair = value.to_str().ok().and_then(|value| value.split(';').next());
            let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) else { continue };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            self.0.retain(|(known, _)| *known != name);
            if self.0.len() < MAX_COOKIES && !value.is_empty() {
                self.0.push((name, value));
            }
        }
    }
}

/// As they are sent: `a=1; b=2`.
impl fmt::Display for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let before = if at > 0 { "; " } else { "" };
            write!(f, "{before}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_kept_replaced_and_taken_back() {
        let mut cookies = Cookies::default();
        for (set, kept) in [
            ("a=1; path=/; secure", "a=1"),
            ("b=x=y", "a=1; b=x=y"),
            ("a=2", "b=x=y; a=2"),
            ("b=; expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=2"),
            ("nonsense", "a=2"),
        ] {
            cookies.note(&Answer::of(200, &[("set-cookie", set)], b""));
            assert_eq!(cookies.to_string(), kept, "{set}");
        }
    }
}
