//! Our search of a directory: against servers that are none, and against a real one, where there
//! is one.
//!
//! `GATEPOST_TEST_DIRECTORY` says where: `{"server": "dc01.contoso.test", "connect_to":
//! "127.0.0.1", "username": "svc@contoso.test", "password": "…", "ca_file": "…", "keytab": "…",
//! "computer": "CM01$@CONTOSO.TEST"}`. `interop/samba_ad.py` makes such a directory.

use domain::connector::Trust;
use exchange::{
    Credential, DirectoryError, DirectorySecurity, DirectoryServer, DirectorySettings, Secret,
    find_servers,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const SECURITIES: [DirectorySecurity; 3] =
    [DirectorySecurity::StartTls, DirectorySecurity::Ldaps, DirectorySecurity::Sealed];

/// What the environment names.
struct Real {
    said: serde_json::Value,
}

impl Real {
    fn text(&self, name: &str) -> String {
        self.said[name].as_str().unwrap_or_default().to_owned()
    }

    fn settings(&self, security: DirectorySecurity) -> DirectorySettings {
        let port = if security == DirectorySecurity::Ldaps { 636 } else { 389 };
        let authority = std::fs::read_to_string(self.text("ca_file")).unwrap();
        DirectorySettings {
            username: Some(self.text("username")),
            trust: Trust { extra_roots_pem: Some(authority), pinned_sha256: None },
            connect_to: Some(format!("{}:{port}", self.text("connect_to"))),
            ..DirectorySettings::new(self.text("server"), security)
        }
    }

    fn password(&self) -> Credential {
        Credential::Password(Secret::new(self.text("password")))
    }
}

/// Tells a story of a real directory, if the environment names one.
#[expect(clippy::disallowed_methods, reason = "only the environment knows of a real directory")]
#[expect(clippy::print_stdout, reason = "a story that is left out says so")]
fn with_real_directory(story: impl AsyncFnOnce(Real)) {
    let Ok(said) = std::env::var("GATEPOST_TEST_DIRECTORY") else {
        println!("left out: GATEPOST_TEST_DIRECTORY names no directory");
        return;
    };
    let said = serde_json::from_str(&said).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(story(Real { said }));
}

fn check_servers(servers: &[DirectoryServer]) {
    let shown: Vec<String> = servers
        .iter()
        .map(|server| {
            let (site, version) = (server.site.as_deref(), server.version.as_deref());
            let kind = if server.is_edge { "edge" } else { "mailbox" };
            let about = [site.unwrap_or("-"), version.unwrap_or("-"), kind].join(" ");
            format!("{} {about} {}", server.fqdn, server.urls.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "edge.contoso.test Berlin 15.2.1748.10 edge ",
            "ex2010.contoso.test Berlin 14.3.123.4 mailbox http://ex2010.contoso.test/powershell",
            "ex2016.contoso.test Taipei 15.1.2507.6 mailbox http://ex2016.contoso.test/powershell",
            "ex2019.contoso.test Taipei 15.2.1748.10 mailbox http://ex2019.contoso.test/powershell \
             https://mail.contoso.test/powershell",
        ]
    );
}

#[test]
fn servers_are_found_in_every_way() {
    with_real_directory(async |real| {
        for security in SECURITIES {
            let found = find_servers(&real.settings(security), &real.password()).await;
            check_servers(&found.unwrap_or_else(|error| panic!("{security:?}: {error}")));
        }
        // Without a Kerberos server there is NTLM.
        let mut settings = real.settings(DirectorySecurity::Sealed);
        settings.username = Some(r"CONTOSO\svc-gatepost".to_owned());
        settings.kdc = vec!["127.0.0.1:1".to_owned()];
        check_servers(&find_servers(&settings, &real.password()).await.unwrap());
    });
}

#[test]
fn a_computer_account_needs_no_password() {
    with_real_directory(async |real| {
        let mut settings = real.settings(DirectorySecurity::Sealed);
        settings.username = Some(real.text("computer"));
        settings.keytab = Some(real.text("keytab"));
        check_servers(&find_servers(&settings, &Credential::Keytab).await.unwrap());
    });
}

/// `kinit` was run before: `"has_cache": true`.
#[cfg(feature = "gssapi")]
#[test]
fn a_credential_cache_is_enough() {
    with_real_directory(async |real| {
        if real.said["has_cache"] == true {
            let mut settings = real.settings(DirectorySecurity::Sealed);
            settings.username = None;
            check_servers(&find_servers(&settings, &Credential::CredentialCache).await.unwrap());
        }
    });
}

#[test]
fn errors_of_a_real_directory_say_what_to_do() {
    with_real_directory(async |real| {
        let wrong = Credential::Password(Secret::new("wrong"));
        for security in SECURITIES {
            let error = find_servers(&real.settings(security), &wrong).await.unwrap_err();
            assert!(matches!(error, DirectoryError::BadCredentials(_)), "{security:?}: {error}");
        }
        for (user, expected) in [("disabled", "have it enabled"), ("newcomer", "password")] {
            let mut settings = real.settings(DirectorySecurity::StartTls);
            settings.username = Some(format!("{user}@contoso.test"));
            let error = find_servers(&settings, &real.password()).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let mut settings = real.settings(DirectorySecurity::Ldaps);
        settings.trust = Trust::default();
        let error = find_servers(&settings, &real.password()).await.unwrap_err();
        assert!(error.to_string().contains("is not trusted"), "{error}");
        settings.trust.pinned_sha256 = Some("00".repeat(32));
        let error = find_servers(&settings, &real.password()).await.unwrap_err();
        assert!(error.to_string().contains("not the pinned one"), "{error}");
        settings.connect_to = settings.connect_to.map(|to| to.replace("636", "389"));
        let error = find_servers(&settings, &real.password()).await.unwrap_err();
        assert!(matches!(error, DirectoryError::Tls { .. }), "{error}");
        settings.connect_to = Some("127.0.0.1:1".to_owned());
        let error = find_servers(&settings, &real.password()).await.unwrap_err();
        assert!(error.is_passing() && error.to_string().contains("cannot reach"), "{error}");
    });
}

/// What we say to a server that answers the first request like this and hangs up, and what becomes
/// of it.
fn meet(security: DirectorySecurity, answer: &[u8]) -> (Vec<u8>, DirectoryError) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = DirectorySettings {
            username: Some("svc@contoso.test".to_owned()),
            kdc: vec!["127.0.0.1:1".to_owned()],
            ..DirectorySettings::new(listener.local_addr().unwrap().to_string(), security)
        };
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 4096];
            let length = stream.read(&mut heard).await.unwrap();
            heard.truncate(length);
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            stream.read_to_end(&mut heard).await.unwrap_or_default();
            heard
        };
        let password = Credential::Password(Secret::new("Correct-Horse-1"));
        let (heard, found) = tokio::join!(server, find_servers(&settings, &password));
        (heard, found.unwrap_err())
    })
}

#[test]
fn a_password_never_travels_without_protection() {
    // StartTLS refused: unavailable (52). Then nothing more is said.
    let refused = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
    let (heard, error) = meet(DirectorySecurity::StartTls, refused);
    assert!(matches!(error, DirectoryError::Tls { .. }), "{error}");
    assert_eq!(heard.len(), 31, "only StartTLS was asked for");
    // Granted, and then an LDAP server that goes on in the clear.
    let granted = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\x30\x0c\x02\x01\x02";
    for security in SECURITIES {
        let (heard, error) = meet(security, granted);
        let is_readable = heard.windows(13).any(|part| part == b"Correct-Horse");
        assert!(!is_readable, "{security:?}: {error}");
    }
}

#[test]
fn what_is_no_directory_is_told_so() {
    for answer in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\x30\x84\x7f\xff\xff\xff", b"\x30\x80"]
    {
        for security in [DirectorySecurity::StartTls, DirectorySecurity::Sealed] {
            let (_, error) = meet(security, answer);
            assert_eq!(error, DirectoryError::Malformed, "{security:?}");
        }
    }
    let (_, error) = meet(DirectorySecurity::Sealed, b"");
    assert!(matches!(error, DirectoryError::Cut(_)), "{error}");
}
