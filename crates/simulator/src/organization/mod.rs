//! The organization: who is in it, which phones they have, and how those live.
//!
//! `generate` grows it, `life` lets time pass, `decision` says which phone may sync, `change` is
//! what administrators do to it, `cloud` what is otherwise in Exchange Online, `rules` and `policy` are what they wrote, `autoblock` is what Exchange
//! does by itself, `admin_audit` is who did what, `lookup` finds what an identity names, `expectation` says what a
//! complete sync must find.

mod admin_audit;
mod autoblock;
mod change;
mod cloud;
mod decision;
mod device;
mod expectation;
mod generate;
mod life;
mod lookup;
mod mailbox;
mod models;
mod names;
mod policy;
mod printing;
mod reading;
mod rules;
mod server;
mod settings;

pub use expectation::Partnership;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

pub(crate) use admin_audit::AdminAuditEvent;
pub(crate) use autoblock::{Autoblock, Behavior, Threshold};
pub(crate) use change::Wish;
pub(crate) use decision::{Reason, State};
pub(crate) use device::{Device, Wipe};
pub(crate) use lookup::Lookup;
pub(crate) use mailbox::{Mailbox, Unit, escaped};
pub(crate) use models::{Client, MODELS, Model};
pub(crate) use policy::{
    Family, MailboxPolicy, POLICY_SETTINGS, PolicyKind, PolicySetting, PolicyValue,
};
pub(crate) use printing::time_span;
pub(crate) use server::{ExchangeServer, Role as ServerRole};
pub(crate) use settings::{AccessRule, Characteristic, DeviceClass, Settings};

use crate::{Account, Dialect, Habits, OrganizationOptions};

/// A domain in which the cloud keeps many tenants.
const CLOUD_DOMAIN: &str = "eurpr02a003.prod.outlook.com";

/// A simulated Exchange organization.
pub struct Organization {
    options: OrganizationOptions,
    guid: Uuid,
    now: Timestamp,
    chance: ChaCha8Rng,
    /// Fractions of events that did not happen yet, so that short steps add up.
    arrears: life::Arrears,
    servers: Vec<ExchangeServer>,
    databases: Vec<Database>,
    mailboxes: Vec<Mailbox>,
    /// Removed partnerships stay as `None`, so that an index is valid for ever.
    devices: Vec<Option<Device>>,
    device_count: usize,
    /// Devices that life must come back to: in discovery, or with a wipe under way.
    restless: Vec<u32>,
    rules: rules::Rules,
    policies: Vec<MailboxPolicy>,
    settings: Settings,
    thresholds: Vec<Threshold>,
    admin_audit: admin_audit::AdminAuditLog,
    /// The types and models that were ever seen, with the last time that one came new. They are
    /// objects of their own, which stay when the last device of theirs is gone.
    classes: BTreeMap<(&'static str, &'static str), Timestamp>,
    device_guids: HashMap<Uuid, u32>,
    /// Mailboxes by the hash of each unique text that names them.
    mailbox_names: HashMap<u64, u32>,
}

/// A mailbox database.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    /// Index of the server that has it mounted.
    pub(crate) server: usize,
}

impl std::fmt::Debug for Organization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Organization")
            .field("name", &self.options.name)
            .field("mailboxes", &self.mailboxes.len())
            .field("devices", &self.device_count)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Organization {
    /// Grows an organization. The same options give the same one.
    #[must_use]
    pub fn generate(options: &OrganizationOptions) -> Self {
        generate::organization(options)
    }

    /// Lives until `now`: phones sync, new ones appear, wipes are fetched and acknowledged.
    /// A time before the organization's own changes nothing.
    pub fn advance(&mut self, now: Timestamp) {
        life::advance(self, now);
    }

    /// Time passes and nothing happens. A time before the organization's own changes nothing.
    pub fn skip_to(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// What it was grown from.
    #[must_use]
    pub const fn options(&self) -> &OrganizationOptions {
        &self.options
    }

    /// Quotas, budgets and what filters refuse, to change while servers run.
    pub const fn habits_mut(&mut self) -> &mut Habits {
        &mut self.options.habits
    }

    /// Who may sign in and sees what, to change while servers run: a shell keeps what it was
    /// opened with.
    pub const fn accounts_mut(&mut self) -> &mut Vec<Account> {
        &mut self.options.accounts
    }

    /// Exchange's GUID of the organization object.
    #[must_use]
    pub const fn guid(&self) -> Uuid {
        self.guid
    }

    /// The organization's time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Number of partnerships.
    #[must_use]
    pub const fn device_count(&self) -> usize {
        self.device_count
    }

    /// GUIDs of all partnerships, in the order of Exchange's list.
    pub fn device_guids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.present().map(|(_, device)| device.guid)
    }

    /// Names of the mailbox databases: what a fault may take offline.
    pub fn database_names(&self) -> impl Iterator<Item = &str> {
        self.databases.iter().map(|database| database.name.as_str())
    }

    /// Name of a server, as errors and prompts of it say.
    pub(crate) fn server(&self, index: usize) -> &ExchangeServer {
        &self.servers[index % self.servers.len()]
    }

    /// Which Exchange a server speaks as.
    pub(crate) fn dialect(&self, server: usize) -> Dialect {
        let is_old = self.server(server).generation() < 15;
        if is_old { Dialect::Exchange2010 } else { self.options.dialect }
    }

    /// Whether a server sees a mailbox: not if it lives on a server of a later generation.
    pub(crate) fn sees(&self, server: usize, mailbox: &Mailbox) -> bool {
        let home = self.server(self.database(mailbox).server);
        home.generation() <= self.server(server).generation()
    }

    /// Number of servers, without the Edge server.
    #[must_use]
    pub fn server_count(&self) -> usize {
        self.servers.iter().filter(|server| server.role != ServerRole::Edge).count()
    }

    /// Index of a server of the latest generation: one of the rest does not see everything.
    pub(crate) fn latest_server(&self) -> usize {
        let all = self.servers.iter().enumerate().filter(|(_, one)| one.role != ServerRole::Edge);
        // Of several, the first.
        all.rev().max_by_key(|(_, one)| one.generation()).map_or(0, |(index, _)| index)
    }

    pub(crate) fn servers(&self) -> &[ExchangeServer] {
        &self.servers
    }

    pub(crate) fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes
    }

    pub(crate) fn mailbox(&self, index: u32) -> &Mailbox {
        &self.mailboxes[index as usize]
    }

    pub(crate) fn device(&self, index: u32) -> Option<&Device> {
        self.devices.get(index as usize)?.as_ref()
    }

    pub(crate) fn database(&self, mailbox: &Mailbox) -> &Database {
        &self.databases[usize::from(mailbox.database)]
    }

    pub(crate) fn policies(&self) -> &[MailboxPolicy] {
        &self.policies
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every partnership that exists, with its index.
    pub(crate) fn present(&self) -> impl Iterator<Item = (u32, &Device)> {
        (0_u32..).zip(&self.devices).filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    /// The types and models that were ever seen, each once, in order.
    pub(crate) fn device_classes(&self) -> Vec<DeviceClass> {
        let classes = self.classes.iter().map(|(&(device_type, model), &updated)| DeviceClass {
            guid: Uuid::new_v5(&self.guid, format!("{device_type}/{model}").as_bytes()),
            device_type,
            model,
            updated,
        });
        classes.collect()
    }

    /// Where the directory keeps the organization: a domain of its own, or one that the cloud shares
    /// among many.
    pub(crate) fn directory_domain(&self) -> &str {
        if self.options.dialect.is_hosted() { CLOUD_DOMAIN } else { &self.options.domain }
    }

    /// `contoso.onmicrosoft.com`
    #[must_use]
    pub fn tenant_domain(&self) -> String {
        let letters = self.options.name.chars().filter(char::is_ascii_alphanumeric);
        format!("{}.onmicrosoft.com", letters.collect::<String>().to_ascii_lowercase())
    }

    /// Id of the tenant that a hosted organization is.
    #[must_use]
    pub fn tenant_id(&self) -> Uuid {
        Uuid::new_v5(&self.guid, b"tenant")
    }

    /// `DC=contoso,DC=com`
    pub(crate) fn domain_dn(&self) -> String {
        let domain = self.directory_domain();
        let parts: Vec<String> = domain.split('.').map(|part| format!("DC={part}")).collect();
        parts.join(",")
    }

    /// Distinguished name of the organization in the configuration partition.
    pub(crate) fn configuration_dn(&self) -> String {
        if self.options.dialect.is_hosted() {
            let (tenant, domain) = (self.tenant_domain(), self.domain_dn());
            return format!("CN=Configuration,CN={tenant},CN=ConfigurationUnits,{domain}");
        }
        format!(
            "CN={},CN=Microsoft Exchange,CN=Services,CN=Configuration,{}",
            self.options.name,
            self.domain_dn()
        )
    }
}
