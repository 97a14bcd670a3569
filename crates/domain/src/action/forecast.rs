//! What an action will really do on a device: the sentence somebody reads before asking for it.
//!
//! The effect of a wipe depends on the client, not on the button (Exchange's documentation of remote
//! wipes): a native mail app erases the whole phone unless the account alone is asked for, which it
//! must understand (Exchange ActiveSync 16.1); Outlook erases its own data in either case, and that
//! of every Outlook of the same person, which Exchange keeps as one.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{ActionKind, sight::wipe_that_counts};
use crate::{AccessState, Device, WipeStatus, access::Hosting, device::words};

/// What kind of program the device is, as far as a wipe is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Client {
    /// Outlook for iOS and Android, old or new architecture.
    Outlook,
    /// The mail app of Windows.
    WindowsMail,
    /// A phone's own mail app, or another that speaks Exchange ActiveSync.
    Native,
}

words!(Client { Outlook = "outlook", WindowsMail = "windows-mail", Native = "native" });

impl Client {
    /// The client of a device.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        let facts = &device.facts;
        let is = |field: &Option<String>, word: &str| {
            field.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        let is_outlook = is(&facts.device_type, "Outlook")
            || is(&facts.client_type, "Outlook")
            || is(&facts.client_type, "REST")
            || is(&facts.model, "Outlook for iOS and Android");
        if is_outlook {
            Self::Outlook
        } else if is(&facts.device_type, "WindowsMail") {
            Self::WindowsMail
        } else {
            Self::Native
        }
    }
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// A personal exemption lets the device in, whatever rules say.
    LetsIn,
    /// A personal exemption keeps the device out, whatever rules say.
    KeepsOut,
    /// Rules and the default level decide again.
    LeavesToRules,
    /// The mail account goes from the phone; everything else stays.
    ErasesAccount,
    /// The data of every Outlook of this person goes.
    ErasesOutlook,
    /// The phone is reset: mail, photos and everything else go.
    ErasesPhone,
    /// The mail account and what it stored go from the computer.
    ErasesMailApp,
    /// A wipe that was not fetched yet does not happen.
    TakesWipeBack,
    /// The partnership goes; the data on the phone stays.
    ForgetsPartnership,
}

words!(Effect {
    LetsIn = "lets-in",
    KeepsOut = "keeps-out",
    LeavesToRules = "leaves-to-rules",
    ErasesAccount = "erases-account",
    ErasesOutlook = "erases-outlook",
    ErasesPhone = "erases-phone",
    ErasesMailApp = "erases-mail-app",
    TakesWipeBack = "takes-wipe-back",
    ForgetsPartnership = "forgets-partnership",
});

impl Effect {
    /// In one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::LetsIn => "A personal exemption lets the device in, whatever the rules say.",
            Self::KeepsOut => "A personal exemption keeps the device out, whatever the rules say.",
            Self::LeavesToRules => {
                "Both personal exemptions go; rules and the default access level decide again."
            }
            Self::ErasesAccount => {
                "The mail account is erased from the phone; photos and everything else stay."
            }
            Self::ErasesOutlook => {
                "Exchange keeps all Outlook apps of a person as one: Outlook's data is erased on \
                 every device where this person uses it; everything else stays."
            }
            Self::ErasesPhone => {
                "The entire phone is erased: mail, photos, apps and everything else."
            }
            Self::ErasesMailApp => {
                "The mail account and what the mail app stored are erased; everything else stays."
            }
            Self::TakesWipeBack => "The wipe is taken back, if the phone has not fetched it.",
            Self::ForgetsPartnership => {
                "Exchange forgets the device; nothing is erased on it, and it comes back if it is \
                 still set up."
            }
        }
    }

    const fn of(kind: ActionKind, client: Client) -> Self {
        match (kind, client) {
            (ActionKind::Allow, _) => Self::LetsIn,
            (ActionKind::Block, _) => Self::KeepsOut,
            (ActionKind::Release, _) => Self::LeavesToRules,
            (ActionKind::CancelWipe, _) => Self::TakesWipeBack,
            (ActionKind::Forget, _) => Self::ForgetsPartnership,
            (ActionKind::WipeAccount | ActionKind::WipeDevice, Client::Outlook) => {
                Self::ErasesOutlook
            }
            (ActionKind::WipeAccount, Client::Native) => Self::ErasesAccount,
            (ActionKind::WipeAccount | ActionKind::WipeDevice, Client::WindowsMail) => {
                Self::ErasesMailApp
            }
            (ActionKind::WipeDevice, Client::Native) => Self::ErasesPhone,
        }
    }
}

/// Why an action cannot be done on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The partnership is gone in Exchange.
    Gone,
    /// The connector was removed.
    NoConnector,
    /// Exchange told no device id, or no owner: there is nobody to exempt.
    NoOwner,
    /// The client does not understand a wipe of the account alone.
    ClientTooOld(Option<String>),
    /// The server or the account has no such cmdlet.
    NotOffered,
    /// A wipe is pending already.
    WipePending,
    /// Forgetting would lose a wipe that the phone has not acknowledged.
    WouldLoseWipe,
    /// There is no wipe to be cancelled.
    NoWipe,
    /// The phone has fetched the wipe already.
    WipeFetched,
    /// The partnership is not what it was when somebody asked: another owner, or another device id.
    Moved,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "the partnership is gone in Exchange",
            Self::NoConnector => "the connector was removed",
            Self::NoOwner => "Exchange told no device id or no owner, so nobody can be exempted",
            Self::ClientTooOld(version) => {
                let version = version.as_deref().unwrap_or("an unknown version");
                return write!(
                    f,
                    "the client speaks {version}, and erasing the account alone needs Exchange \
                     ActiveSync 16.1; block it, or erase the entire phone"
                );
            }
            Self::NotOffered => {
                "this Exchange, or the connector's account, does not offer it; gatepost connector \
                 check says what is missing"
            }
            Self::WipePending => "a wipe is pending already; wait for it, or cancel it first",
            Self::WouldLoseWipe => {
                "a wipe is pending, and forgetting the partnership would lose it; wait for it, or \
                 cancel it first"
            }
            Self::NoWipe => "no wipe is pending",
            Self::WipeFetched => "the phone has fetched the wipe already",
            Self::Moved => {
                "its owner or its device id is another than when this was asked; look at it and \
                 ask again"
            }
        })
    }
}

/// What somebody should know although the action can be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Warning {
    /// A blocked phone cannot fetch a wipe.
    BlockedCannotFetch,
    /// It has not synced for so many days.
    NotSeenFor(i64),
    /// It has never synced, as far as Exchange says.
    NeverSeen,
    /// All Outlook apps of the person go together.
    OutlookTogether,
    /// These Outlook apps of the same people go along, although nobody named them.
    OutlookAlong(Vec<String>),
    /// The effect is there already.
    AlreadySo,
    /// A wipe is pending: the block waits for it.
    WaitsForWipe,
    /// A wiped phone is wiped again at its next connection until its partnership is forgotten.
    WipedAgain,
    /// Nobody knows the client's version.
    VersionUnknown,
    /// Hosted Exchange never tells whether a wipe was done.
    NeverReported,
    /// A wipe that nobody knows the end of goes with the partnership, should the phone not have come.
    MayLoseWipe,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockedCannotFetch => f.write_str(
                "the phone is blocked: it may never fetch the wipe; allow it first if it must be \
                 erased",
            ),
            Self::NotSeenFor(days) => {
                write!(f, "it has not synced for {days} days, and acts only when it does")
            }
            Self::NeverSeen => {
                f.write_str("Exchange knows of no sync, and it acts only when it syncs")
            }
            Self::OutlookTogether => {
                f.write_str("all Outlook apps of the person are erased together")
            }
            Self::OutlookAlong(names) => {
                write!(f, "not named, and erased along with it: {}", names.join("; "))
            }
            Self::AlreadySo => f.write_str("it is so already"),
            Self::WaitsForWipe => {
                f.write_str("a wipe is pending: the block waits until it is acknowledged")
            }
            Self::WipedAgain => f.write_str(
                "it was wiped before; Exchange wipes it again at each connection until the \
                 partnership is forgotten",
            ),
            Self::VersionUnknown => f.write_str(
                "nobody knows whether the client understands it; Exchange refuses it if not",
            ),
            Self::MayLoseWipe => f.write_str(
                "a wipe was sent, and nobody knows whether the phone has fetched it; if it has not, \
                 the wipe is lost with the partnership",
            ),
            Self::NeverReported => f.write_str(
                "hosted Exchange never reports back whether a phone was erased: it ends as sent, and \
                 cannot be verified",
            ),
        }
    }
}

/// What an action will do on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// What happens there.
    pub effect: Effect,
    /// Why it cannot be done, if it cannot.
    pub refusal: Option<Refusal>,
    /// What somebody should know.
    pub warnings: Vec<Warning>,
}

/// What the server and the connector's account offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// Whether they offer the action; `None` if nobody knows.
    pub offers: Option<bool>,
    /// Whether the connector was removed.
    pub is_removed: bool,
    /// Where the mailboxes live.
    pub hosting: Hosting,
}

/// Older than this, somebody should know before relying on a wipe.
const SEEN_LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What `kind` will do on a device, as far as the inventory knows.
#[must_use]
pub fn forecast(kind: ActionKind, device: &Device, server: Server, now: Timestamp) -> Forecast {
    let client = Client::of(device);
    Forecast {
        effect: Effect::of(kind, client),
        refusal: refusal(kind, device, server, now),
        warnings: warnings(kind, device, server.hosting, now),
    }
}

fn refusal(kind: ActionKind, device: &Device, server: Server, now: Timestamp) -> Option<Refusal> {
    let client = Client::of(device);
    if server.is_removed {
        return Some(Refusal::NoConnector);
    }
    if device.gone_since.is_some() {
        return Some(Refusal::Gone);
    }
    if server.offers == Some(false) {
        return Some(Refusal::NotOffered);
    }
    let wipe = wipe_status(device, kind, server.hosting, now);
    let is_pending = matches!(wipe, WipeStatus::Requested | WipeStatus::Sent);
    match kind {
        ActionKind::Allow | ActionKind::Block | ActionKind::Release => {
            let is_known =
                device.facts.device_id.as_deref().is_some_and(|id| !id.trim().is_empty())
                    && device.owner.user_dn.is_some();
            (!is_known).then_some(Refusal::NoOwner)
        }
        ActionKind::WipeAccount | ActionKind::WipeDevice if is_pending => {
            Some(Refusal::WipePending)
        }
        ActionKind::WipeAccount => {
            // Outlook erases its own data in either case, so nothing is asked of its version.
            let is_too_old = client != Client::Outlook
                && version(device).is_some_and(|version| version < ACCOUNT_ONLY);
            let told = device.facts.client_version.clone();
            is_too_old.then_some(Refusal::ClientTooOld(told))
        }
        ActionKind::WipeDevice => None,
        ActionKind::CancelWipe => match wipe {
            WipeStatus::Requested => None,
            WipeStatus::Sent | WipeStatus::Acknowledged => Some(Refusal::WipeFetched),
            WipeStatus::None => Some(Refusal::NoWipe),
        },
        ActionKind::Forget => is_pending.then_some(Refusal::WouldLoseWipe),
    }
}

fn warnings(kind: ActionKind, device: &Device, hosting: Hosting, now: Timestamp) -> Vec<Warning> {
    let (facts, client) = (&device.facts, Client::of(device));
    let wipe = wipe_status(device, kind, hosting, now);
    let mut warnings = Vec::new();
    if kind.is_wipe() {
        if hosting == Hosting::Hosted {
            warnings.push(Warning::NeverReported);
        }
        if client == Client::Outlook {
            warnings.push(Warning::OutlookTogether);
        }
        if facts.access_state == AccessState::Blocked {
            warnings.push(Warning::BlockedCannotFetch);
        }
        let statistics = device.statistics.as_ref();
        let last = statistics.and_then(|it| it.last_success_sync.or(it.last_sync_attempt));
        match last.map(|last| now.duration_since(last)) {
            Some(since) if since >= SEEN_LATELY => {
                warnings.push(Warning::NotSeenFor(since.as_hours() / 24));
            }
            None => warnings.push(Warning::NeverSeen),
            Some(_) => {}
        }
        if wipe == WipeStatus::Acknowledged {
            warnings.push(Warning::WipedAgain);
        }
        if kind == ActionKind::WipeAccount && client != Client::Outlook && version(device).is_none()
        {
            warnings.push(Warning::VersionUnknown);
        }
    }
    let is_individual = facts.access_reason == Some(crate::AccessReason::Individual);
    let is_so = match kind {
        ActionKind::Allow => is_individual && facts.access_state == AccessState::Allowed,
        ActionKind::Block => is_individual && facts.access_state == AccessState::Blocked,
        _ => false,
    };
    if is_so {
        warnings.push(Warning::AlreadySo);
    }
    let is_pending = |wipe| matches!(wipe, WipeStatus::Requested | WipeStatus::Sent);
    let told = device.statistics.as_ref().map_or(WipeStatus::None, |told| told.wipe_status);
    if kind == ActionKind::Forget && hosting == Hosting::Hosted && is_pending(told) {
        warnings.push(Warning::MayLoseWipe);
    }
    if kind == ActionKind::Block && is_pending(wipe) {
        warnings.push(Warning::WaitsForWipe);
    }
    if kind == ActionKind::Allow && wipe == WipeStatus::Acknowledged {
        warnings.push(Warning::WipedAgain);
    }
    warnings
}

fn wipe_status(device: &Device, kind: ActionKind, hosting: Hosting, now: Timestamp) -> WipeStatus {
    let Some(statistics) = &device.statistics else { return WipeStatus::None };
    let (status, requested) = (statistics.wipe_status, statistics.wipe_requested);
    wipe_that_counts(kind, hosting, (status, requested), now)
}

/// The first version that understands a wipe of the account alone ([MS-ASPROV] 2.2.2.1).
const ACCOUNT_ONLY: (u32, u32) = (16, 1);

/// The protocol version that the client speaks, if it says one.
fn version(device: &Device) -> Option<(u32, u32)> {
    let text = device.facts.client_version.as_deref()?.trim();
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}
