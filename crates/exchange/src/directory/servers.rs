//! From objects of the directory to servers, without asking anybody.

use super::{DirectoryServer, message::Entry};

/// Addresses that one server may name; Exchange makes one or two.
const MAX_URLS: usize = 32;

/// Bits of `msExchCurrentServerRoles`.
const MAILBOX: u32 = 2;
const CLIENT_ACCESS: u32 = 4;
const EDGE: u32 = 64;

/// What a build number in the directory begins with; Exchange itself leaves it out.
const BUILD_OFFSET: u32 = 30_000;

/// Joins virtual directories to the server objects they lie below. A directory without its server
/// (no right to read that) is a server of its own, of which only the addresses are known.
pub(super) fn join(servers: &[Entry], virtual_directories: &[Entry]) -> Vec<DirectoryServer> {
    let mut found: Vec<(String, DirectoryServer)> =
        servers.iter().map(|entry| (entry.name.to_lowercase(), server(entry))).collect();
    for entry in virtual_directories {
        let urls = entry.texts("msExchInternalHostName");
        let name = entry.name.to_lowercase();
        let owner = found.iter_mut().find(|(server, _)| is_below(&name, server));
        let owner = match owner {
            Some((_, owner)) => owner,
            None => {
                let Some(host) = urls.iter().find_map(|url| host(url)) else { continue };
                let parent = name.split_once(',').map_or("", |(_, parent)| parent).to_owned();
                let fqdn = host.to_owned();
                found.push((parent, DirectoryServer { fqdn, ..DirectoryServer::default() }));
                let Some((_, owner)) = found.last_mut() else { continue };
                owner
            }
        };
        owner.urls.extend(urls.into_iter().map(str::to_owned));
    }
    let mut servers: Vec<DirectoryServer> = found.into_iter().map(|(_, server)| server).collect();
    for server in &mut servers {
        // `http` first: it is what Exchange's own tools use, sealed by Kerberos.
        server.urls.sort_by_key(|url| (is_https(url), url.to_lowercase()));
        server.urls.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        server.urls.truncate(MAX_URLS);
        if server.fqdn.is_empty() {
            let host = server.urls.iter().find_map(|url| host(url)).map(str::to_owned);
            server.fqdn = host.unwrap_or_default();
        }
    }
    servers.retain(|server| !server.fqdn.is_empty());
    servers.sort_by(|a, b| a.fqdn.cmp(&b.fqdn));
    servers
}

fn server(entry: &Entry) -> DirectoryServer {
    let roles = entry.text("msExchCurrentServerRoles").and_then(|text| text.parse::<i32>().ok());
    let has = |role| roles.is_some_and(|roles| roles.cast_unsigned() & role != 0);
    let network = entry.texts("networkAddress");
    let fqdn = network.iter().find_map(|text| {
        let (protocol, host) = text.split_once(':')?;
        protocol.eq_ignore_ascii_case("ncacn_ip_tcp").then_some(host.trim())
    });
    let serial = entry.text("serialNumber").and_then(version_of_serial);
    let number = || entry.text("versionNumber").and_then(version_of_number);
    DirectoryServer {
        fqdn: fqdn.unwrap_or_default().to_lowercase(),
        urls: Vec::new(),
        site: entry.text("msExchServerSite").and_then(first_name),
        version: serial.or_else(number),
        is_client_access: has(CLIENT_ACCESS),
        is_mailbox: has(MAILBOX),
        is_edge: has(EDGE),
    }
}

/// Whether one distinguished name lies below another, both in lower case.
fn is_below(name: &str, above: &str) -> bool {
    !above.is_empty()
        && name.strip_suffix(above).is_some_and(|rest| {
            // An escaped comma belongs to a name.
            rest.ends_with(',') && !rest.ends_with("\\,")
        })
}

fn is_https(url: &str) -> bool {
    url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

/// Host of a URL.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// `Version 15.2 (Build 31748.10)` is 15.2.1748.10.
fn version_of_serial(text: &str) -> Option<String> {
    let numbers = text.strip_prefix("Version ")?;
    let (version, build) = numbers.split_once(" (Build ")?;
    let (build, revision) = build.strip_suffix(')')?.split_once('.')?;
    let (major, minor) = version.split_once('.')?;
    let number = |text: &str| text.trim_end_matches(':').parse::<u32>().ok();
    let build = number(build)?;
    let build = build.checked_sub(BUILD_OFFSET).unwrap_or(build);
    Some(format!("{}.{}.{build}.{}", number(major)?, number(minor)?, number(revision)?))
}

/// A packed number: 15 bits of build, a flag, 6 bits each of minor and major version. It has no
/// revision.
fn version_of_number(text: &str) -> Option<String> {
    let packed = text.parse::<i32>().ok()?.cast_unsigned();
    let (major, minor, build) = ((packed >> 22) & 0x3f, (packed >> 16) & 0x3f, packed & 0x7fff);
    (major > 0).then(|| format!("{major}.{minor}.{build}.0"))
}

/// Value of a distinguished name's first part: `CN=Taipei\, North,CN=Sites,…` is `Taipei, North`.
fn first_name(name: &str) -> Option<String> {
    let (_, rest) = name.split_once('=')?;
    let mut bytes = Vec::new();
    let mut rest = rest.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b',' => break,
            b'\\' => {
                let first = rest.next()?;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                match (digit(first), rest.peek().copied().and_then(digit)) {
                    (Some(high), Some(low)) => {
                        rest.next();
                        bytes.extend(u8::try_from(high * 16 + low));
                    }
                    _ => bytes.push(first),
                }
            }
            other => bytes.push(other),
        }
    }
    let name = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVERS: &str = "CN=Servers,CN=AG,CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=test";

    fn entry(name: String, attributes: &[(&str, &[&str])]) -> Entry {
        let owned =
            |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let attributes =
            attributes.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect();
        Entry { name, attributes }
    }

    #[test]
    fn directories_find_their_servers() {
        let servers = [
            entry(
                format!("CN=EX01,{SERVERS}"),
                &[
                    ("networkAddress", &["netbios:EX01", "ncacn_ip_tcp:EX01.contoso.test"]),
                    (
                        "msExchServerSite",
                        &["CN=Taipei,CN=Sites,CN=Configuration,DC=contoso,DC=test"],
                    ),
                    ("serialNumber", &["Version 15.2 (Build 31748.10)"]),
                    ("versionNumber", &["1942063828"]),
                    ("msExchCurrentServerRoles", &["16439"]),
                ],
            ),
            entry(
                format!("CN=EDGE,{SERVERS}"),
                &[
                    ("networkAddress", &["ncacn_ip_tcp:edge.contoso.test"]),
                    ("versionNumber", &["1941997271"]),
                    ("msExchCurrentServerRoles", &["64"]),
                ],
            ),
        ];
        let directories = [entry(
            format!("CN=PowerShell (Default Web Site),CN=HTTP,CN=Protocols,cn=ex01,{SERVERS}"),
            &[(
                "msExchInternalHostName",
                &["https://mail.contoso.test/powershell", "http://ex01.contoso.test/powershell"],
            )],
        )];
        let found = join(&servers, &directories);
        let [edge, first] = &*found else { panic!("{found:?}") };
        assert_eq!(first.fqdn, "ex01.contoso.test");
        assert_eq!(
            first.urls,
            ["http://ex01.contoso.test/powershell", "https://mail.contoso.test/powershell"]
        );
        assert_eq!(first.site.as_deref(), Some("Taipei"));
        assert_eq!(first.version.as_deref(), Some("15.2.1748.10"));
        assert!(first.is_client_access && first.is_mailbox && !first.is_edge);
        assert!(edge.is_edge && !edge.is_mailbox && edge.urls.is_empty());
    }

    #[test]
    fn a_directory_whose_server_is_hidden_still_counts() {
        let directories = ["a", "b"].map(|site| {
            entry(
                format!("CN=PowerShell ({site}),CN=HTTP,CN=Protocols,CN=EX02,{SERVERS}"),
                &[("msExchInternalHostName", &["http://ex02.contoso.test:80/powershell"])],
            )
        });
        let found = join(&[], &directories);
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|s| s.fqdn == "ex02.contoso.test" && s.urls.len() == 1));
    }

    #[test]
    fn versions_are_told_as_people_know_them() {
        for (text, expected) in [
            ("Version 15.2 (Build 31748.10)", Some("15.2.1748.10")),
            ("Version 14.3 (Build 30123.4)", Some("14.3.123.4")),
            ("Version 15.1 (Build 2507.6)", Some("15.1.2507.6")),
            ("Version 15", None),
            ("Version 15.2 (Build 99999999999.1)", None),
        ] {
            assert_eq!(version_of_serial(text).as_deref(), expected);
        }
        let packed = (7_u32 << 28) | (15 << 22) | (2 << 16) | 0x8000 | 1748;
        assert_eq!(version_of_number(&packed.to_string()).as_deref(), Some("15.2.1748.0"));
        assert_eq!(version_of_number("0"), None);
    }

    #[test]
    fn names_are_unescaped() {
        for (name, expected) in [
            (r"CN=Taipei\, North,CN=Sites", Some("Taipei, North")),
            (r"CN=M\C3\BCnchen,CN=Sites", Some("München")),
            ("CN=", None),
            ("Taipei", None),
            (r"CN=x\", None),
        ] {
            assert_eq!(first_name(name).as_deref(), expected);
        }
    }

    proptest! {
        #[test]
        fn odd_attributes_never_panic(
            names in prop::collection::vec("(CN=[a-z\\\\,é]{0,4},){0,3}", 0..4),
            texts in prop::collection::vec("(Version |CN=|https?://|ncacn_ip_tcp:)?[ -~é\\\\\u{0}]{0,30}", 0..4),
        ) {
            let attributes = [
                "networkAddress", "msExchServerSite", "serialNumber", "versionNumber",
                "msExchCurrentServerRoles", "msExchInternalHostName;range=0-1",
            ].map(|name| (name.to_owned(), texts.iter().map(|text| text.clone().into_bytes()).collect()));
            let entries: Vec<Entry> = names
                .into_iter()
                .map(|name| Entry { name, attributes: attributes.to_vec() })
                .collect();
            for server in join(&entries, &entries) {
                prop_assert!(!server.fqdn.is_empty() && server.urls.len() <= MAX_URLS);
            }
        }
    }
}
