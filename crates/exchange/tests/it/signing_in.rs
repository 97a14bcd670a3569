//! Ways in, and what is said where there is none.

use domain::connector::Authentication;
use exchange::{ConnectError, Credential, Secret};
use simulator::Scheme;

use crate::lab::tell;

const ALL: [Scheme; 3] = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic];

#[test]
fn ntlm_seals_what_is_said() {
    let seen = tell(25, &ALL, async |lab| {
        assert_eq!(lab.visit(Authentication::Ntlm).await, 25);
    });
    assert_eq!((seen.open_shells, seen.unterminated_commands), (0, 0));
    assert_eq!(seen.connections, 1, "a sign-in belongs to one connection");
}

#[test]
fn negotiate_comes_to_ntlm_where_there_is_no_kerberos() {
    tell(25, &[Scheme::Negotiate], async |lab| {
        assert_eq!(lab.visit(Authentication::Negotiate).await, 25);
        assert_eq!(lab.visit(Authentication::Automatic).await, 25);
    });
}

#[test]
fn negotiate_comes_to_ntlm_where_the_key_distribution_centre_does_not_answer() {
    tell(25, &[Scheme::Negotiate], async |lab| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        lab.settings.endpoint.kdc = vec![closed.to_string()];
        assert_eq!(lab.visit(Authentication::Negotiate).await, 25);
        assert_eq!(lab.visit(Authentication::Automatic).await, 25);
    });
}

#[test]
fn basic_goes_over_plain_http_only_where_that_is_allowed() {
    tell(25, &[Scheme::Basic], async |lab| {
        lab.settings.endpoint.authentication = Authentication::Basic;
        assert_eq!(lab.refusal().await, ConnectError::BasicWithoutTls);
        assert_eq!(lab.ledger.entries().max_open_shells, 0);
        lab.settings.endpoint.allow_basic_without_tls = true;
        assert_eq!(lab.visit(Authentication::Basic).await, 25);
    });
}

#[test]
fn a_server_without_a_common_scheme_is_named() {
    tell(1, &[Scheme::Basic], async |lab| {
        lab.settings.endpoint.authentication = Authentication::Ntlm;
        let refusal = lab.refusal().await;
        assert!(matches!(&refusal, ConnectError::NoCommonScheme { .. }), "{refusal:?}");
    });
}

#[test]
fn a_wrong_password_or_user_is_named_whatever_the_scheme() {
    for (scheme, authentication) in [
        (Scheme::Ntlm, Authentication::Ntlm),
        (Scheme::Negotiate, Authentication::Negotiate),
        (Scheme::Basic, Authentication::Basic),
    ] {
        tell(1, &[scheme], async |lab| {
            lab.settings.endpoint.authentication = authentication;
            lab.settings.endpoint.allow_basic_without_tls = true;
            let right = lab.credential.clone();
            lab.credential = Credential::Password(Secret::new("wrong"));
            let refusal = lab.refusal().await;
            assert!(matches!(&refusal, ConnectError::BadCredentials(_)), "{scheme:?}: {refusal:?}");
            lab.credential = right;
            lab.settings.endpoint.username = Some(r"CONTOSO\nobody".to_owned());
            let refusal = lab.refusal().await;
            assert!(matches!(&refusal, ConnectError::BadCredentials(_)), "{scheme:?}: {refusal:?}");
        });
    }
}

#[test]
fn a_wrong_path_says_which_one_is_right() {
    tell(1, &ALL, async |lab| {
        lab.settings.endpoint.url = lab.settings.endpoint.url.replace("/PowerShell/", "/owa/");
        let refusal = lab.refusal().await;
        assert!(matches!(&refusal, ConnectError::WrongPath { path } if path == "/owa/"));
        assert!(refusal.to_string().contains("/PowerShell/"), "{refusal}");
    });
}

#[test]
fn a_web_page_is_recognized() {
    tell(1, &ALL, async |lab| {
        lab.faults().html_page = Some(200);
        let refusal = lab.refusal().await;
        assert!(matches!(&refusal, ConnectError::HtmlPage { status: 200, .. }), "{refusal:?}");
    });
}

#[test]
fn a_used_up_budget_says_how_long_to_wait() {
    tell(1, &ALL, async |lab| {
        lab.faults().budget_exceeded_seconds = Some(23);
        let wait = match lab.refusal().await {
            ConnectError::Throttled { wait } | ConnectError::TooManyShells { wait: Some(wait) } => {
                wait
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(wait.as_secs(), 23);
    });
}

#[test]
fn a_request_that_is_answered_401_is_sent_again_after_another_sign_in() {
    tell(25, &ALL, async |lab| {
        for request in 4..8 {
            lab.faults().unauthorized_request = Some(request);
            assert_eq!(lab.visit(Authentication::Ntlm).await, 25, "{request}");
            lab.faults().unauthorized_request = None;
        }
    });
}
