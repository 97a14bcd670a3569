//! A person who signs in: found in the directory, judged by it, with every group they are in.
//!
//! With an account that looks people up, the person is found first and then signed in by their
//! distinguished name, so that who was found is who was judged. Without one, the person signs in by
//! name, and the directory is asked who that was: a name alone may belong to somebody else.

use domain::DistinguishedName;
use uuid::Uuid;

use super::{
    DirectoryError, DirectorySettings, MAX_ENTRIES,
    channel::Channel,
    message::{Entry, Filter, Request, Scope, Search},
    search,
};
use crate::{ConnectError, Credential, Secret};

/// Groups of one person. Windows itself lets nobody in who is in more than 1,015.
const MAX_GROUPS: usize = 2_000;
/// Groups named by one search: enough to ask seldom, few enough for every server.
const GROUPS_AT_ONCE: usize = 100;
/// Longest name or password that is sent to a directory, in bytes. Active Directory takes 256
/// characters of a password.
const MAX_TYPED_BYTES: usize = 1024;

/// What is read of a person.
const PERSON: [&str; 7] = [
    "objectClass",
    "objectGUID",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "mail",
    "objectSid",
];

/// How a person is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonSearch {
    /// DNS name of the domain that a name without one belongs to.
    pub domain: Option<String>,
    /// Only people below this distinguished name.
    pub base: Option<String>,
}

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryPerson {
    /// The directory's own id of the person, which stays when names change.
    pub guid: Uuid,
    /// Where they stand in the directory.
    pub distinguished_name: String,
    /// The name they sign in with.
    pub name: String,
    /// Name for people.
    pub display_name: Option<String>,
    /// Mail address.
    pub address: Option<String>,
    /// The groups they are in, by themselves or by other groups.
    pub groups: Vec<DirectoryGroup>,
}

/// A group of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// Its short name, one of a kind in its domain.
    pub name: String,
    /// Where it stands in the directory.
    pub distinguished_name: String,
}

/// Why somebody was not signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// The directory was not asked, or could not be: it says nothing about the person.
    #[error("{0}")]
    Directory(DirectoryError),
    /// The directory does not let the account in that looks people up.
    #[error("the account that looks people up: {0}")]
    Account(DirectoryError),
    /// The person is not let in.
    #[error("the person: {0}")]
    Refused(DirectoryError),
    /// Nobody there has this name.
    #[error("the person: there is no such user")]
    Unknown,
}

impl PersonError {
    /// Whether another server of the same directory may know better.
    #[must_use]
    pub fn is_of_server(&self) -> bool {
        match self {
            Self::Directory(error) | Self::Account(error) => !matches!(
                error,
                DirectoryError::BadCredentials(_) | DirectoryError::AccountRestricted { .. }
            ),
            Self::Refused(_) | Self::Unknown => false,
        }
    }

    /// Of signing a person in: whose fault it was follows from what went wrong.
    fn of_person(error: DirectoryError) -> Self {
        match error {
            DirectoryError::BadCredentials(_) | DirectoryError::AccountRestricted { .. } => {
                Self::Refused(error)
            }
            other => Self::Directory(other),
        }
    }
}

impl From<DirectoryError> for PersonError {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

/// Finds a person and has the directory judge the password.
///
/// `account` is the credential of the account that looks people up, whose name stands in `settings`;
/// without one, people look themselves up.
///
/// # Errors
/// Whatever stands in [`PersonError`].
pub async fn sign_in_person(
    settings: &DirectorySettings,
    account: Option<&Credential>,
    wanted: &PersonSearch,
    name: &str,
    password: &Secret,
) -> Result<DirectoryPerson, PersonError> {
    let name = name.trim();
    let length = name.len().max(password.reveal().len());
    // A name without a password would be let in as nobody (RFC 4513 section 5.1.2), which must never
    // be taken for a person who proved something.
    let is_usable = !name.is_empty() && !password.reveal().is_empty() && length <= MAX_TYPED_BYTES;
    if !is_usable || name.contains(char::is_control) {
        let reason = "the user name or the password is empty or too long";
        return Err(PersonError::Refused(DirectoryError::BadCredentials(reason.to_owned())));
    }
    let limit = settings.timeouts.whole;
    let signing_in = async {
        match account {
            Some(account) => looked_up(settings, account, wanted, name, password).await,
            None => by_themselves(settings, wanted, name, password).await,
        }
    };
    tokio::time::timeout(limit, signing_in).await.unwrap_or_else(|_| {
        let step = "signing in to the directory".to_owned();
        Err(DirectoryError::from(ConnectError::TimedOut { step, after: limit }).into())
    })
}

/// Signs in the account that looks people up, and nobody else: for a test.
///
/// # Errors
/// Whatever stands in [`PersonError`].
pub async fn check_account(
    settings: &DirectorySettings,
    account: &Credential,
) -> Result<(), PersonError> {
    let mut channel = account_channel(settings, account).await?;
    Directory::new(settings, &mut channel).await?;
    close(channel).await;
    Ok(())
}

async fn account_channel(
    settings: &DirectorySettings,
    account: &Credential,
) -> Result<Channel, PersonError> {
    Channel::open(settings, account).await.map_err(|error| match PersonError::of_person(error) {
        PersonError::Refused(error) => PersonError::Account(error),
        other => other,
    })
}

async fn looked_up(
    settings: &DirectorySettings,
    account: &Credential,
    wanted: &PersonSearch,
    name: &str,
    password: &Secret,
) -> Result<DirectoryPerson, PersonError> {
    let mut channel = account_channel(settings, account).await?;
    let mut directory = Directory::new(settings, &mut channel).await?;
    let Some(entry) = directory.named(wanted, name).await?.filter(|it| answers_to(it, name)) else {
        // As long as for somebody who is there: the time tells nobody who is.
        let nobody = format!("CN=nobody-known-to-gatepost,{}", directory.domain);
        let nobody = DirectorySettings { username: Some(nobody), ..settings.clone() };
        let judged = Channel::open(&nobody, &Credential::Password(password.clone())).await;
        return match judged.map_err(PersonError::of_person) {
            Err(error @ PersonError::Directory(_)) => Err(error),
            _ => Err(PersonError::Unknown),
        };
    };
    let person = DirectorySettings { username: Some(entry.name.clone()), ..settings.clone() };
    let judged = Channel::open(&person, &Credential::Password(password.clone())).await;
    close(judged.map_err(PersonError::of_person)?).await;
    let sids = directory.token_groups(&entry.name).await?;
    let groups = directory.by_sids(&sids).await?;
    let person = person_of(&entry, &groups)?;
    close(channel).await;
    Ok(person)
}

async fn by_themselves(
    settings: &DirectorySettings,
    wanted: &PersonSearch,
    name: &str,
    password: &Secret,
) -> Result<DirectoryPerson, PersonError> {
    let full = match &wanted.domain {
        Some(domain) if !name.contains(['@', '\\']) => format!("{name}@{domain}"),
        _ => name.to_owned(),
    };
    // A distinguished name would do as well, and is nothing that people type.
    if full.contains('=') && !full.contains(['@', '\\']) {
        return Err(PersonError::Unknown);
    }
    let person = DirectorySettings { username: Some(full), ..settings.clone() };
    let channel = Channel::open(&person, &Credential::Password(password.clone())).await;
    let mut channel = channel.map_err(PersonError::of_person)?;
    let mut directory = Directory::new(settings, &mut channel).await?;
    // The root speaks of whoever asks: these are the ids of the person who signed in and of all
    // their groups, and only one of them is a person's.
    let sids = directory.token_groups("").await?;
    let found = directory.by_sids(&sids).await?;
    let mut people = found.iter().filter(|entry| is_a(entry, "user"));
    let (Some(entry), None) = (people.next(), people.next()) else {
        return Err(DirectoryError::Refused {
            step: "to say who signed in",
            reason: "name an account that looks people up".to_owned(),
        }
        .into());
    };
    let is_wanted = wanted.base.as_ref().is_none_or(|base| is_below(&entry.name, base));
    let person = person_of(entry, &found)?;
    close(channel).await;
    if is_wanted { Ok(person) } else { Err(PersonError::Unknown) }
}

/// A courtesy; the connection ends either way.
async fn close(mut channel: Channel) {
    drop(channel.send(&Request::Unbind).await);
}

/// A directory that somebody is signed in to.
struct Directory<'a> {
    channel: &'a mut Channel,
    /// The partition with the domain's people and groups.
    domain: String,
    time_limit_s: u32,
}

impl<'a> Directory<'a> {
    async fn new(
        settings: &DirectorySettings,
        channel: &'a mut Channel,
    ) -> Result<Self, DirectoryError> {
        let time_limit_s = u32::try_from(settings.timeouts.answer.as_secs()).unwrap_or(u32::MAX);
        let mut directory = Self { channel, domain: String::new(), time_limit_s };
        let root = directory.object("", &["defaultNamingContext"]).await?;
        let domain = root.and_then(|it| it.text("defaultNamingContext").map(str::to_owned));
        directory.domain = domain.ok_or_else(|| DirectoryError::Refused {
            step: "to name its domain",
            reason: "it is no Active Directory; give the name of a domain controller".to_owned(),
        })?;
        Ok(directory)
    }

    /// One object by its distinguished name.
    async fn object(
        &mut self,
        name: &str,
        attributes: &[&str],
    ) -> Result<Option<Entry>, DirectoryError> {
        let search_for = Search {
            base: name,
            scope: Scope::Base,
            filter: Filter::Present("objectClass"),
            attributes,
            time_limit_s: self.time_limit_s,
        };
        Ok(search(self.channel, &search_for).await?.into_iter().next())
    }

    async fn below(
        &mut self,
        base: &str,
        filter: Filter<'_>,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, DirectoryError> {
        let scope = Scope::Subtree;
        let time_limit_s = self.time_limit_s;
        let search_for = Search { base, scope, filter, attributes, time_limit_s };
        search(self.channel, &search_for).await
    }

    /// The one person of a name; `None` if there is no such person, or more than one.
    async fn named(
        &mut self,
        wanted: &PersonSearch,
        name: &str,
    ) -> Result<Option<Entry>, DirectoryError> {
        let by_name = match (name.split_once('\\'), name.split_once('@')) {
            (Some((_, name)), _) => Filter::Equal("sAMAccountName", name.as_bytes()),
            (None, Some((name_there, domain))) => {
                let principal = Filter::Equal("userPrincipalName", name.as_bytes());
                let is_own =
                    wanted.domain.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(domain));
                let account = Filter::Equal("sAMAccountName", name_there.as_bytes());
                if is_own { Filter::Or(vec![principal, account]) } else { principal }
            }
            (None, None) => Filter::Equal("sAMAccountName", name.as_bytes()),
        };
        let filter = Filter::And(vec![Filter::Equal("objectClass", b"user"), by_name]);
        let base = wanted.base.clone().unwrap_or_else(|| self.domain.clone());
        let mut found = self.below(&base, filter, &PERSON).await?;
        Ok(found.pop().filter(|_| found.is_empty()))
    }

    /// The ids of every group that the person of this name is in, nested ones included.
    async fn token_groups(&mut self, name: &str) -> Result<Vec<Vec<u8>>, DirectoryError> {
        let entry = self.object(name, &["tokenGroups"]).await?;
        let sids: Vec<Vec<u8>> =
            entry.iter().flat_map(|entry| entry.bytes("tokenGroups").map(<[u8]>::to_vec)).collect();
        if sids.len() > MAX_GROUPS {
            return Err(DirectoryError::TooMuch(format!("{MAX_GROUPS} groups")));
        }
        if sids.is_empty() {
            return Err(DirectoryError::Refused {
                step: "to name the person's groups",
                reason: "let the account read the attribute tokenGroups".to_owned(),
            });
        }
        Ok(sids)
    }

    /// What has one of these ids. Ids of other domains, and those that mean everybody, have nothing
    /// here.
    async fn by_sids(&mut self, sids: &[Vec<u8>]) -> Result<Vec<Entry>, DirectoryError> {
        let mut found = Vec::new();
        for some in sids.chunks(GROUPS_AT_ONCE) {
            let filter =
                Filter::Or(some.iter().map(|sid| Filter::Equal("objectSid", sid)).collect());
            let base = self.domain.clone();
            found.extend(self.below(&base, filter, &PERSON).await?);
        }
        if found.len() > MAX_ENTRIES {
            return Err(DirectoryError::TooMuch(format!("{MAX_ENTRIES} objects")));
        }
        Ok(found)
    }
}

/// Whether an account has the name that was typed, but for its case. A directory finds letters with
/// accents for those without; each way of writing a name could else be tried as often as another.
fn answers_to(entry: &Entry, name: &str) -> bool {
    let bare = name.split_once('\\').map_or(name, |(_, bare)| bare);
    let before = bare.split_once('@').map_or(bare, |(before, _)| before);
    let is = |attribute, typed: &str| {
        entry.text(attribute).is_some_and(|it: &str| it.to_lowercase() == typed.to_lowercase())
    };
    is("sAMAccountName", bare) || is("sAMAccountName", before) || is("userPrincipalName", bare)
}

fn person_of(entry: &Entry, groups: &[Entry]) -> Result<DirectoryPerson, DirectoryError> {
    let guid = entry.bytes("objectGUID").next().and_then(|bytes| bytes.try_into().ok());
    let text = |name| entry.text(name).map(str::to_owned);
    let (Some(guid), Some(name)) = (guid, text("sAMAccountName")) else {
        return Err(DirectoryError::Refused {
            step: "to name the person",
            reason: "let the account read objectGUID and sAMAccountName".to_owned(),
        });
    };
    let group = |entry: &Entry| {
        let name = entry.text("sAMAccountName")?.to_owned();
        Some(DirectoryGroup { name, distinguished_name: entry.name.clone() })
    };
    let mut groups: Vec<_> =
        groups.iter().filter(|entry| is_a(entry, "group")).filter_map(group).collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(DirectoryPerson {
        // The first three parts are written with their low byte first ([MS-DTYP] section 2.3.4.2).
        guid: Uuid::from_bytes_le(guid),
        distinguished_name: entry.name.clone(),
        name,
        display_name: text("displayName"),
        address: text("mail"),
        groups,
    })
}

fn is_a(entry: &Entry, class: &str) -> bool {
    entry.texts("objectClass").iter().any(|found| found.eq_ignore_ascii_case(class))
}

/// Whether a person stands below a place of the directory.
fn is_below(name: &str, base: &str) -> bool {
    DistinguishedName::parse(name).is_some_and(|name| name.is_inside(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(class: &str, name: &str) -> Entry {
        let attribute = |name: &str, value: &[u8]| (name.to_owned(), vec![value.to_vec()]);
        Entry {
            name: format!("CN={name},DC=contoso,DC=test"),
            attributes: vec![
                attribute("objectClass", class.as_bytes()),
                attribute("objectGUID", &(0..16).collect::<Vec<u8>>()),
                attribute("sAMAccountName", name.as_bytes()),
                attribute("mail", b"  "),
            ],
        }
    }

    #[test]
    fn a_person_has_the_groups_and_nothing_else_that_was_found() {
        let found = [entry("group", "Staff"), entry("user", "ann"), entry("Group", "Admins")];
        let person = person_of(&entry("user", "ann"), &found).unwrap();
        assert_eq!(person.guid.to_string(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(person.address, None);
        let groups: Vec<_> = person.groups.iter().map(|group| &*group.name).collect();
        assert_eq!(groups, ["Admins", "Staff"]);
        let nameless = Entry::default();
        assert!(person_of(&nameless, &[]).is_err());
    }

    #[tokio::test]
    async fn nobody_is_asked_without_a_name_and_a_password() {
        // No server has this name: an attempt to connect would be told as one.
        let settings = DirectorySettings::new("dc.invalid", super::super::DirectorySecurity::Ldaps);
        let long = "x".repeat(MAX_TYPED_BYTES + 1);
        for (name, password) in
            [("", "secret"), ("ann", ""), ("  ", "secret"), ("a\nb", "secret"), ("ann", &*long)]
        {
            let wanted = PersonSearch::default();
            let refused =
                sign_in_person(&settings, None, &wanted, name, &Secret::new(password)).await;
            assert!(matches!(refused, Err(PersonError::Refused(_))), "{refused:?}");
        }
    }

    #[test]
    fn only_a_server_that_says_nothing_of_the_person_is_passed_over() {
        let wrong = DirectoryError::BadCredentials(String::new());
        let cut = DirectoryError::Cut(String::new());
        assert!(!PersonError::of_person(wrong.clone()).is_of_server());
        assert!(PersonError::of_person(cut.clone()).is_of_server());
        assert!(PersonError::Account(cut).is_of_server());
        assert!(!PersonError::Account(wrong).is_of_server());
    }
}
