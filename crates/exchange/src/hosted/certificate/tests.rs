//! Files of the openssl command line, in every form.

use super::*;
use crate::hosted::lab::command_line::{EC, EC_384, RSA, file, made};

#[test]
fn certificates_of_the_command_line_are_read_in_every_form() {
    let open = Secret::new("open");
    for kind in [RSA, EC, EC_384] {
        let directory = made(kind);
        let pair = file(&directory, &["cert.pem", "key.pem"]);
        let certificate = Certificate::read(&pair, None).unwrap();
        assert_eq!(certificate.subject(), "CN=Gatepost, O=Contoso");
        assert_eq!(certificate.sha256().len(), 64);
        let days = certificate.not_after().duration_since(certificate.not_before()).as_hours() / 24;
        assert_eq!(days, 30);
        for (names, password) in [
            (&["key.pem", "cert.pem"][..], None),
            (&["locked.pem", "cert.pem"], Some(&open)),
            (&["aes.pfx"], Some(&open)),
            (&["old.pfx"], Some(&open)),
            (&["bare.pfx"], None),
        ] {
            let read = Certificate::read(&file(&directory, names), password);
            assert_eq!(read.unwrap().sha256(), certificate.sha256(), "{kind} {names:?}");
        }
        let pem = certificate.to_pem().unwrap();
        let again = Certificate::read(pem.reveal().as_bytes(), None).unwrap();
        assert_eq!(again.sha256(), certificate.sha256());
        assert!(!format!("{certificate:?}").contains("PRIVATE"));
    }
}

#[test]
fn what_is_no_certificate_says_what_is_wrong_with_it() {
    use CertificateError as Error;
    let (one, other) = (made(RSA), made(EC));
    let wrong = Secret::new("wrong");
    let read = |names: &[&str], password| Certificate::read(&file(&one, names), password).err();
    assert_eq!(read(&["cert.pem"], None), Some(Error::NoKey));
    assert_eq!(read(&["key.pem"], None), Some(Error::NoCertificate));
    assert_eq!(read(&["locked.pem", "cert.pem"], None), Some(Error::PasswordMissing));
    assert_eq!(read(&["locked.pem", "cert.pem"], Some(&wrong)), Some(Error::WrongPassword));
    assert_eq!(read(&["aes.pfx"], Some(&wrong)), Some(Error::WrongPassword));
    assert_eq!(read(&["old.pfx"], Some(&wrong)), Some(Error::WrongPassword));
    assert_eq!(read(&["aes.pfx"], None), Some(Error::PasswordMissing));
    let nul = Secret::new("a\0b");
    assert_eq!(read(&["aes.pfx"], Some(&nul)), Some(Error::WrongPassword));
    let strangers = [file(&one, &["cert.pem"]), file(&other, &["key.pem"])].concat();
    let error = Certificate::read(&strangers, None).unwrap_err();
    assert_eq!(error, Error::KeyOfAnother("CN=Gatepost, O=Contoso".to_owned()));
    for odd in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA", &[0x30; 5000]] {
        assert_eq!(Certificate::read(odd, None).unwrap_err(), Error::Unreadable);
    }
    assert_eq!(Certificate::read(&vec![0; 2_000_000], None).unwrap_err(), Error::TooLarge);
    let weak = made("-newkey rsa:1024");
    let error = Certificate::read(&file(&weak, &["key.pem", "cert.pem"]), None).unwrap_err();
    assert_eq!(error, Error::UnfitKey("RSA of 1024 bits".to_owned()));
}
