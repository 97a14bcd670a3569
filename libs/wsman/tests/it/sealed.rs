//! Sealed bodies in both styles, in one part and in many, and in the shapes others write.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use wsman::sealed::{
    Error, Limits, Protocol, Style, content_type, frame, frame_parts, parse, parse_with,
};

const SPNEGO: &str = r#"multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary""#;

/// Original length, signature and sealed bytes of one part.
type Taken = (usize, Vec<u8>, Vec<u8>);

fn taken_apart(content_type: &str, body: &[u8]) -> Result<Vec<Taken>, Error> {
    let parts = parse(content_type, body)?.parts.into_iter();
    Ok(parts
        .map(|part| {
            (part.original_bytes, body[part.signature].to_vec(), body[part.sealed].to_vec())
        })
        .collect())
}

#[test]
fn both_styles_are_written_to_the_letter() {
    let body = frame(Protocol::Kerberos, Style::Exchange, 6, b"sig!", b"sealed");
    let expected = "-- Encrypted Boundary\r\n\
        \tContent-Type: application/HTTP-Kerberos-session-encrypted\r\n\
        \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=6\r\n\
        -- Encrypted Boundary\r\n\
        \tContent-Type: application/octet-stream\r\n\
        \u{4}\0\0\0sig!sealed-- Encrypted Boundary--\r\n";
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    let body = frame(Protocol::Spnego, Style::Windows, 6, b"sig!", b"sealed");
    let expected = expected.replace("-- E", "--E").replace("Kerberos", "SPNEGO");
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    assert_eq!(content_type(Protocol::Spnego, 1), SPNEGO);
    assert_eq!(
        content_type(Protocol::CredSsp, 2),
        r#"multipart/x-multi-encrypted;protocol="application/HTTP-CredSSP-session-encrypted";boundary="Encrypted Boundary""#
    );
}

#[test]
fn other_spellings_are_understood() {
    let variants = [
        "--Encrypted Boundary\r\nContent-Type: application/HTTP-SPNEGO-session-encrypted\r\nOriginalContent: type=application/soap+xml;charset=UTF-8;Length=3\r\n--Encrypted Boundary\r\nContent-Type: application/octet-stream\r\n",
        "--\tEncrypted Boundary \n\toriginalcontent:type=application/soap+xml; charset=utf-8; length=3\n-- Encrypted Boundary\n content-type:application/octet-stream\n",
    ];
    for head in variants {
        for tail in [
            "--Encrypted Boundary--\r\n",
            "-- Encrypted Boundary--",
            "--  Encrypted Boundary--\n\r\n",
        ] {
            let body = [head.as_bytes(), b"\x02\0\0\0SGabc", tail.as_bytes()].concat();
            let expected = vec![(3, b"SG".to_vec(), b"abc".to_vec())];
            assert_eq!(taken_apart(SPNEGO, &body), Ok(expected), "{head}{tail}");
        }
    }
}

#[test]
fn content_types_are_understood_in_any_order_and_case() {
    let check = |text: &str, expected: Option<Protocol>| {
        let body = frame(Protocol::Spnego, Style::Windows, 1, b"", b"x");
        assert_eq!(parse(text, &body).ok().map(|parts| parts.protocol), expected, "{text}");
    };
    check(SPNEGO, Some(Protocol::Spnego));
    check(
        "Multipart/Encrypted; boundary=\"Encrypted Boundary\"; protocol=application/http-kerberos-session-encrypted",
        Some(Protocol::Kerberos),
    );
    check(
        "multipart/x-multi-encrypted;protocol=\"application/HTTP-CredSSP-session-encrypted\"",
        Some(Protocol::CredSsp),
    );
    check("application/soap+xml;charset=UTF-8", None);
    check("multipart/encrypted", None);
    check("multipart/encrypted;protocol=\"application/unheard-of\"", None);
    check(
        "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"\"",
        None,
    );
    check("multipart/form-data;protocol=\"application/HTTP-SPNEGO-session-encrypted\"", None);
}

#[test]
fn broken_bodies_are_refused_with_the_place() {
    let whole = frame(Protocol::Spnego, Style::Windows, 3, b"SG", b"abc");
    let check = |body: &[u8], what: &str| match parse(SPNEGO, body) {
        Err(Error::Malformed { what: found, at }) => {
            assert_eq!(found, what);
            assert!(at <= body.len());
        }
        other => panic!("{other:?}"),
    };
    check(b"", "boundary");
    check(b"<html>", "boundary");
    check(&whole[..30], "header line");
    check(&whole[..whole.len() - 24], "end");
    let text = String::from_utf8(whole).unwrap();
    check(text.replace("Length=3", "Length=x").as_bytes(), "OriginalContent");
    check(text.replace("Length=3", "Length=99999999999999999999").as_bytes(), "OriginalContent");
    check(text.replace("Length=3", "Length=18446744073709551615").as_bytes(), "end");
    check(text.replace("octet-stream", "pdf").as_bytes(), "octet-stream header");
    check(text.replace("\u{2}\0\0\0", "\u{2}\0\0\u{7f}").as_bytes(), "signature");
    let (head, _) = text.split_once('\u{2}').unwrap();
    check(head.as_bytes(), "signature length");
}

#[test]
fn limits_are_kept() {
    let parts = vec![(1, &b""[..], &b"x"[..]); 3];
    let body = frame_parts(Protocol::CredSsp, Style::Windows, parts);
    let kind = content_type(Protocol::CredSsp, 3);
    let limits = Limits { parts: 2, ..Limits::default() };
    assert_eq!(parse_with(&kind, &body, &limits), Err(Error::TooLarge { what: "parts", limit: 2 }));
    let limits = Limits { body_bytes: 10, ..Limits::default() };
    assert_eq!(
        parse_with(&kind, &body, &limits),
        Err(Error::TooLarge { what: "bytes", limit: 10 })
    );
}

/// Bytes in which the boundary is likelier than chance has it.
fn tricky(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..20),
        proptest::sample::select(vec![
            b"--Encrypted Boundary\r\n".to_vec(),
            b"-- Encrypted Boundary--\r\n".to_vec(),
            b"--Encrypted Boundary--".to_vec(),
            b"--".to_vec(),
        ]),
    ];
    vec(piece, 0..max).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_framed_is_taken_apart(
        parts in vec((tricky(3), tricky(6)), 1..5),
        protocol in proptest::sample::select(vec![Protocol::Spnego, Protocol::Kerberos, Protocol::CredSsp]),
        style in proptest::sample::select(vec![Style::Windows, Style::Exchange]),
    ) {
        let framed = parts.iter().map(|(signature, sealed)| (sealed.len(), &signature[..], &sealed[..]));
        let body = frame_parts(protocol, style, framed);
        let expected: Vec<_> =
            parts.iter().map(|(signature, sealed)| (sealed.len(), signature.clone(), sealed.clone())).collect();
        let kind = content_type(protocol, parts.len());
        prop_assert_eq!(taken_apart(&kind, &body), Ok(expected));
        prop_assert_eq!(parse(&kind, &body).unwrap().protocol, protocol);
    }

    #[test]
    fn sealing_may_make_a_message_longer(sealed in vec(0_u8..40, 0..200), shorter in 0_usize..50) {
        let original = sealed.len().saturating_sub(shorter);
        let body = frame(Protocol::CredSsp, Style::Windows, original, b"sig", &sealed);
        let kind = content_type(Protocol::CredSsp, 1);
        prop_assert_eq!(taken_apart(&kind, &body), Ok(vec![(original, b"sig".to_vec(), sealed)]));
    }

    #[test]
    fn anything_is_parsed_without_panic(body in tricky(20), cut in any::<proptest::sample::Index>()) {
        let whole = frame(Protocol::Spnego, Style::Exchange, 3, &body, b"abc");
        for body in [body, whole[..cut.index(whole.len())].to_vec()] {
            if let Ok(parts) = parse(SPNEGO, &body) {
                for part in parts.parts {
                    prop_assert!(part.signature.end == part.sealed.start && part.sealed.end <= body.len());
                }
            }
        }
    }
}
