//! One-time codes of a phone or a token: RFC 6238 (TOTP) over RFC 4226 (HOTP), and the recovery codes
//! for when it is lost.

use domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::secrets::random_bytes;

/// Length of a secret: as long as the hash, as RFC 4226 section 4 asks for.
pub(crate) const SECRET_BYTES: usize = 20;
/// A code holds so long (RFC 6238 section 5.2), in seconds.
const STEP_SECONDS: i64 = 30;
/// Clocks that are one step apart still agree.
const DRIFT_STEPS: u64 = 1;
/// What applications show.
const DIGITS: u32 = 6;
/// How many recovery codes there are.
pub(crate) const RECOVERY_CODES: usize = 10;
/// Chance in a recovery code: 80 bits, which nobody tries out.
const RECOVERY_BYTES: usize = 10;

/// A new secret.
pub(crate) fn new_secret() -> [u8; SECRET_BYTES] {
    random_bytes()
}

/// The time step in which a code is right, if there is one near `now` after the last that was taken.
pub(crate) fn step_of(secret: &[u8], code: u32, now: Timestamp, last: u64) -> Option<u64> {
    let step = u64::try_from(now.as_second() / STEP_SECONDS).ok()?;
    let near = step.saturating_sub(DRIFT_STEPS)..=step.saturating_add(DRIFT_STEPS);
    near.filter(|step| *step > last).find(|step| code_at(secret, *step) == code)
}

/// RFC 4226 section 5.3.
fn code_at(secret: &[u8], step: u64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("a key of any length is allowed");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last().copied().unwrap_or(0) & 0x0f);
    let bytes = digest.iter().skip(offset).take(4);
    let number = bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
    number % 10_u32.pow(DIGITS)
}

/// What somebody typed: the digits of a code, or a recovery code as it is compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Code(u32),
    Recovery(String),
}

/// Reads what somebody typed; blanks, hyphens and case do not matter.
pub(crate) fn typed(text: &str) -> Option<Typed> {
    /// Longer than any code with its hyphens.
    const MAX_BYTES: usize = 64;
    if text.len() > MAX_BYTES {
        return None;
    }
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if plain.len() == 6 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return plain.parse().ok().map(Typed::Code);
    }
    (plain.len() == 16).then(|| Typed::Recovery(plain.to_uppercase()))
}

/// A new recovery code, in the form that is shown: four groups of four.
pub(crate) fn new_recovery_code() -> String {
    let text = base32(&random_bytes::<RECOVERY_BYTES>());
    let characters: Vec<char> = text.chars().collect();
    let groups = characters.chunks(4).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// What an application that shows codes scans (the key URI format of Google Authenticator).
pub(crate) fn address(secret: &[u8], name: &str) -> String {
    let label: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("otpauth://totp/Gatepost:{label}?secret={}&issuer=Gatepost", base32(secret))
}

/// RFC 4648 section 6, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0);
    let mut push = |index: u32| {
        let letter = usize::try_from(index & 31).ok().and_then(|index| ALPHABET.get(index));
        text.extend(letter.map(|letter| char::from(*letter)));
    };
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xffff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(held >> bits);
        }
    }
    if bits > 0 {
        push(held << (5 - bits));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the test vectors of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (second, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            let step = u64::try_from(second / STEP_SECONDS).unwrap();
            assert_eq!(step_of(SECRET, code, now, 0), Some(step), "{second}");
            // Half a minute late is near enough; two steps are not, and no code is taken twice.
            let after = |seconds| Timestamp::from_second(second + seconds).unwrap();
            assert_eq!(step_of(SECRET, code, after(30), 0), Some(step));
            assert_eq!(step_of(SECRET, code, after(60), 0), None);
            assert_eq!(step_of(SECRET, code, now, step), None);
        }
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "MY"),
            (b"fo", "MZXQ"),
            (b"foo", "MZXW6"),
            (b"foob", "MZXW6YQ"),
            (b"fooba", "MZXW6YTB"),
            (b"foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes), text);
        }
        assert_eq!(
            address(b"foobar", "jane@corp"),
            "otpauth://totp/Gatepost:jane%40corp?secret=MZXW6YTBOI&issuer=Gatepost"
        );
    }

    #[test]
    fn what_is_typed_may_have_blanks_and_hyphens() {
        assert_eq!(typed(" 123 456"), Some(Typed::Code(123_456)));
        assert_eq!(typed("000001"), Some(Typed::Code(1)));
        let code = new_recovery_code();
        assert_eq!(code.len(), 19);
        let plain = code.replace('-', "");
        assert_eq!(typed(&code.to_lowercase()), Some(Typed::Recovery(plain)));
        for wrong in ["", "12345", "１２３４５６", "abc", &"1".repeat(100)] {
            assert_eq!(typed(wrong), None, "{wrong}");
        }
    }
}
