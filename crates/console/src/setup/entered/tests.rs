use super::*;

const GIVEN: Given = Given {
    password: true,
    proxy_password: true,
    notification_password: true,
    certificate: true,
    client_secret: true,
};

/// A form that is right, with these fields changed.
fn form(changes: &[(&str, &str)]) -> Form {
    let usual = [
        ("name", "contoso"),
        ("url", "http://ex01.contoso.com/PowerShell/"),
        ("username", r"CONTOSO\svc"),
    ];
    let sent = usual.iter().chain(changes);
    Form::sent(&sent.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[track_caller]
fn is_wrong(changes: &[(&str, &str)], field: &str, said: &str) {
    let errors = read(&form(changes), GIVEN).unwrap_err();
    let error = errors.get(field).unwrap_or_else(|| panic!("{changes:?} gave {errors:?}"));
    assert!(error.contains(said), "{changes:?} gave {error:?}");
    assert!(error.ends_with('.'), "{error:?} is a sentence");
    assert_eq!(errors.len(), 1, "{changes:?} gave {errors:?}");
}

#[test]
fn what_is_wrong_is_said_beside_its_field() {
    is_wrong(&[("name", "")], "name", "small letters");
    is_wrong(&[("name", "Contoso Ltd")], "name", "small letters");
    is_wrong(&[("name", "new")], "name", "taken by Gatepost");
    is_wrong(&[("url", "")], "url", "Give the address");
    is_wrong(&[("url", "ex01")], "url", "begins with http://");
    is_wrong(&[("url", "http://ex01")], "url", "ends with the path");
    is_wrong(&[("url", "http:///PowerShell/")], "url", "names no server");
    is_wrong(&[("url", "http://a:b@ex01/PowerShell/")], "url", "next step asks");
    is_wrong(&[("url", "http://ex01:99999/PowerShell/")], "url", "no port");
    is_wrong(&[("connect_to", "ex02")], "connect_to", "a name and a port");
    is_wrong(&[("pinned_sha256", "abc")], "pinned_sha256", "64 digits");
    is_wrong(&[("extra_roots", "abc")], "extra_roots", "BEGIN CERTIFICATE");
    is_wrong(&[("servers", "sites")], "sites", "a line for each site");
    is_wrong(&[("servers", "sites"), ("sites", "Berlin")], "sites", "is not of the form");
    is_wrong(&[("servers", "sites"), ("sites", "Berlin = ex02")], "sites", "Berlin: the address");
    let twice = "Berlin = http://EX01.contoso.com/PowerShell/";
    is_wrong(&[("servers", "sites"), ("sites", twice)], "sites", "given twice");
    is_wrong(&[("directory", "server")], "directory_server", "domain controller");
    let url = ("directory_server", "ldap://dc01");
    is_wrong(&[("directory", "server"), url], "directory_server", "domain controller");
    is_wrong(&[("proxy", "proxy"), ("proxy_address", "p")], "proxy_address", "name and a port");
    is_wrong(&[("username", "")], "username", r"CONTOSO\user");
    is_wrong(&[("account", "keytab")], "keytab", "path of the keytab");
    let ntlm = ("authentication", "ntlm");
    is_wrong(&[("account", "system"), ntlm], "authentication", "needs a user name");
    is_wrong(&[("authentication", "basic")], "authentication", "readable for anybody");
    is_wrong(&[("kdc", "dc01")], "kdc", "name and a port");
    is_wrong(&[("notification", "account")], "notification_account", "address of the mailbox");
    is_wrong(&[("scope", "units")], "units", "1 to 200");
    is_wrong(&[("scope", "units"), ("units", "Staff")], "units", "no organizational unit");
    is_wrong(&[("scope", "recipients")], "recipient_filter", "Department");
    is_wrong(&[("inactive_days", "0")], "inactive_days", "1 to 3,650");
    is_wrong(&[("full", "own"), ("full_own", "often")], "full_own", "not understood");
    is_wrong(&[("delta", "own"), ("delta_own", "1s")], "delta_own", "not understood");
    is_wrong(&[("time_zone", "Mars")], "time_zone", "not known");
    is_wrong(&[("runspaces", "10")], "runspaces", "1 to 9");
    is_wrong(&[("replaces", "contoso")], "replaces", "cannot replace itself");
}

#[test]
fn secrets_are_asked_for_where_they_are_needed() {
    let nothing = Given::default();
    let errors = |changes| read(&form(changes), nothing).unwrap_err();
    assert!(errors(&[]).contains_key("password"));
    let proxy = [("proxy", "proxy"), ("proxy_address", "p:1"), ("proxy_username", "u")];
    assert!(errors(&proxy).contains_key("proxy_password"));
    let mail = [("notification", "account"), ("notification_account", "a@b")];
    assert!(errors(&mail).contains_key("notification_password"));
    assert!(read(&form(&[("account", "system")]), nothing).is_ok());
    assert!(read(&form(&[("account", "keytab"), ("keytab", "/k")]), nothing).is_ok());
}

#[test]
fn what_was_not_chosen_is_left_out() {
    let entered = read(
        &form(&[
            ("sites", "Berlin = http://ex02/PowerShell/"),
            ("directory_server", "dc01"),
            ("proxy_address", "p:1"),
            ("keytab", "/k"),
            ("notification_account", "a@b"),
            ("units", "contoso.com/Staff"),
            ("full_own", "nonsense"),
        ]),
        GIVEN,
    );
    let Entered { name, endpoint, options } = entered.unwrap();
    assert_eq!(name.as_str(), "contoso");
    assert_eq!(endpoint.proxy(), None);
    assert_eq!(endpoint.server().unwrap().keytab, None);
    assert_eq!(options, Options::default());
}

#[test]
fn a_connector_comes_back_as_it_was() {
    let changes = [
        ("servers", "sites"),
        ("sites", "Berlin = http://ex02/PowerShell/\r\nShanghai=http://ex03/PowerShell/"),
        ("directory", "server"),
        ("directory_server", "dc01.contoso.com"),
        ("directory_security", "sealed"),
        ("other_servers", "no"),
        ("proxy", "proxy"),
        ("proxy_address", "proxy:3128"),
        ("proxy_username", "p"),
        ("connect_to", "10.0.0.5:80"),
        ("pinned_sha256", &"AB:".repeat(32)),
        ("authentication", "kerberos"),
        ("spn", "HTTP/mail"),
        ("kdc", "dc01:88\ndc02:88"),
        ("notification", "account"),
        ("notification_account", "gatepost@contoso.com"),
        ("scope", "recipients"),
        ("recipient_filter", "Department -eq 'Sales'"),
        ("inactive_days", "90"),
        ("full", "own"),
        ("full_own", "30 2 * * 1-5"),
        ("delta", "1h"),
        ("time_zone", "Europe/Berlin"),
        ("external_management", "no"),
        ("runspaces", "5"),
        ("remove_aged", "yes"),
        ("replaces", "old"),
    ];
    let entered = read(&form(&changes), GIVEN).unwrap();
    let connector = domain::Connector {
        id: domain::ConnectorId(Default::default()),
        name: entered.name.clone(),
        endpoint: entered.endpoint.clone(),
        options: entered.options.clone(),
        organization: None,
        state: Default::default(),
        trouble: None,
        created: domain::Timestamp::UNIX_EPOCH,
        last_full_sync: None,
        last_delta_sync: None,
        is_paused: false,
        next_install: None,
    };
    let again = read(&Form::of(&connector), GIVEN).unwrap();
    assert_eq!(
        (again.name, again.endpoint, again.options),
        (entered.name, entered.endpoint, entered.options)
    );
}
