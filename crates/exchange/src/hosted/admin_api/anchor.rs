//! Where a cmdlet is carried out: by the server of the mailbox it names, or of the one mailbox that
//! every tenant has.

use hyper::header::HeaderValue;

use super::body;
use crate::Cmdlet;

/// The mailbox that every tenant has.
const SYSTEM: &str = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}";
/// Cmdlets whose identity is a mailbox.
const OF_MAILBOXES: [&str; 4] = ["Get-CASMailbox", "Set-CASMailbox", "Get-Mailbox", "Get-User"];

/// The anchor of a cmdlet that names a mailbox by an address. A GUID or a path is no anchor: the
/// service does not route by them.
pub(super) fn mailbox(cmdlet: &Cmdlet) -> Option<HeaderValue> {
    let is_of_mailbox = OF_MAILBOXES.iter().any(|name| name.eq_ignore_ascii_case(&cmdlet.name));
    let named = body::text(cmdlet, "Mailbox");
    let named = named.or_else(|| body::text(cmdlet, "Identity").filter(|_| is_of_mailbox))?;
    let is_address = named.contains('@')
        && named.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\/=,\"<>".contains(&byte));
    if is_address { HeaderValue::from_str(&format!("UPN:{named}")).ok() } else { None }
}

/// The anchor of everything else: that of an application, or of the person who signed in.
pub(super) fn system(tenant: &str, user: Option<&str>) -> HeaderValue {
    let person = user.and_then(|user| HeaderValue::from_str(&format!("UPN:{user}")).ok());
    let application = || HeaderValue::from_str(&format!("APP:{SYSTEM}@{tenant}"));
    // A tenant's name has nothing but the characters of a domain.
    person.or_else(|| application().ok()).unwrap_or_else(|| HeaderValue::from_static(SYSTEM))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn mailboxes_are_anchors_where_they_are_addresses() {
        let of = |name: &'static str, mailbox: &str| {
            mailbox_text(&Cmdlet::new(name).of(Identity::parse(mailbox).unwrap()))
        };
        fn mailbox_text(cmdlet: &Cmdlet) -> Option<String> {
            mailbox(cmdlet).map(|value| value.to_str().unwrap().to_owned())
        }
        assert_eq!(
            of("Set-CASMailbox", "jane@contoso.com").as_deref(),
            Some("UPN:jane@contoso.com")
        );
        assert_eq!(of("Set-CASMailbox", "8a9c5b1e-3d1f-4f0e-9a55-0c2f6f0d7a11"), None);
        assert_eq!(of("Get-MobileDevice", "jane@contoso.com"), None);
        assert_eq!(of("Get-CASMailbox", "CN=a@b,DC=c"), None);
        let statistics = Cmdlet::new("Get-MobileDeviceStatistics");
        let statistics = statistics.of_mailbox(Identity::parse("jane@contoso.com").unwrap());
        assert_eq!(mailbox_text(&statistics).as_deref(), Some("UPN:jane@contoso.com"));
        assert_eq!(
            system("contoso.com", None).to_str().unwrap(),
            "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@contoso.com"
        );
        assert_eq!(
            system("contoso.com", Some("jo@contoso.com")).to_str().unwrap(),
            "UPN:jo@contoso.com"
        );
    }
}
