//! Our search of a directory against a real one, where there is one.
//!
//! `GATEPOST_TEST_DIRECTORY` says where: `{"server": "dc01.contoso.test", "connect_to":
//! "127.0.0.1", "username": "svc@contoso.test", "password": "…", "ca_file": "…", "keytab": "…",
//! "computer": "CM01$@CONTOSO.TEST"}`. `interop/samba_ad.py` makes such a directory.

use domain::connector::Trust;
use exchange::{
    Credential, DirectoryError, DirectorySecurity, DirectoryServer, DirectorySettings, Secret,
    find_servers,
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
