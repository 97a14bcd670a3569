//! Time passes: phones sync, new ones appear, discovery ends, wipes are fetched.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;

use super::{Device, MODELS, Model, Organization, State, generate, models};

/// A phone syncs every ten minutes on average: with 5,000 phones eight of them each second.
const SYNC_INTERVAL_SECONDS: f64 = 600.0;
/// Far more than in life: with 5,000 phones one every eight seconds, so that somebody who watches
/// for a minute sees new phones come and one fall into quarantine.
const NEW_PHONES_PER_PHONE_AND_SECOND: f64 = 2.5e-5;
/// Three of four new phones replace an old one, whose partnership somebody removes.
const REMOVED_PER_NEW: f64 = 0.75;
/// Longest discovery; Exchange takes up to 14 minutes, the impatient watcher has less.
const DISCOVERY_SECONDS: std::ops::RangeInclusive<i64> = 10..=40;
/// How long until a phone fetches a wipe, and again until it acknowledges.
const WIPE_STEP_SECONDS: i64 = 20;

/// Fractions of events that did not happen yet.
#[derive(Debug, Default)]
pub(super) struct Arrears {
    syncs: f64,
    arrivals: f64,
    removals: f64,
}

pub(super) fn advance(organization: &mut Organization, now: Timestamp) {
    let elapsed = now.duration_since(organization.now).as_secs_f64();
    if elapsed <= 0.0 {
        return;
    }
    let before = organization.now;
    organization.now = now;
    let phones = f64::from(u32::try_from(organization.device_count).unwrap_or(u32::MAX));
    // Nobody watches each sync of a long absence: once for every phone is enough.
    let syncs = (phones * elapsed / SYNC_INTERVAL_SECONDS).min(phones * 2.0);
    let arrivals = (phones * elapsed * NEW_PHONES_PER_PHONE_AND_SECOND).min(phones / 10.0);
    let arrears = &mut organization.arrears;
    let syncs = whole(&mut arrears.syncs, syncs);
    let removals = whole(&mut arrears.removals, arrivals * REMOVED_PER_NEW);
    let arrivals = whole(&mut arrears.arrivals, arrivals);
    for _ in 0..syncs {
        sync_of_some_phone(organization, before, now);
    }
    for _ in 0..arrivals {
        organization.add_device();
    }
    for _ in 0..removals {
        remove_some_idle_phone(organization, now);
    }
    restless(organization, now);
}

/// Takes whole events out of what has accumulated.
fn whole(arrears: &mut f64, more: f64) -> u32 {
    *arrears += more;
    let due = arrears.floor().clamp(0.0, f64::from(u32::MAX));
    *arrears -= due;
    // INVARIANT: `due` is whole and within the range of u32, so that no digit is lost.
    format!("{due:.0}").parse().unwrap_or(0)
}

fn some_index(organization: &mut Organization) -> Option<usize> {
    let slots = organization.devices.len();
    let start = (slots > 0).then(|| organization.chance.random_range(0..slots))?;
    (start..slots).chain(0..start).find(|index| organization.devices[*index].is_some())
}

fn sync_of_some_phone(organization: &mut Organization, before: Timestamp, now: Timestamp) {
    let Some(index) = some_index(organization) else { return };
    if organization.devices[index].as_ref().is_some_and(|one| !organization.serves(one.model())) {
        return;
    }
    let gap = now.duration_since(before).as_secs().max(1);
    let ago = SignedDuration::from_secs(organization.chance.random_range(0..gap));
    let at = generate::milliseconds(now - ago, &mut organization.chance).max(before);
    let Some(device) = organization.devices[index].as_mut() else { return };
    let wiped = device.wipe.as_ref().is_some_and(|wipe| wipe.is_over());
    if wiped {
        return;
    }
    device.last_attempt = device.last_attempt.max(Some(at));
    if device.state == State::Allowed {
        device.last_success = device.last_success.max(Some(at));
        device.heartbeat = [300, 480, 900, 1_680][organization.chance.random_range(0..4)];
    }
}

/// Its owner has a newer one; an administrator cleans up.
fn remove_some_idle_phone(organization: &mut Organization, now: Timestamp) {
    let idle_since = now - SignedDuration::from_hours(24);
    for _ in 0..16 {
        let Some(index) = some_index(organization) else { return };
        let idle = organization.devices[index].as_ref();
        let idle = idle.filter(|device| device.last_attempt < Some(idle_since));
        if let Some(guid) = idle.map(|device| device.guid) {
            organization.remove_device(guid);
            return;
        }
    }
}

/// Ends discoveries and carries wipes one step further.
fn restless(organization: &mut Organization, now: Timestamp) {
    let waiting = std::mem::take(&mut organization.restless);
    for index in waiting {
        let Some(device) = organization.devices[index as usize].as_mut() else { continue };
        let over = |ends: Option<Timestamp>| ends.is_some_and(|ends| ends <= now);
        let (found_out, released) =
            (over(device.discovery_ends), over(device.autoblock.and_then(|block| block.until)));
        if found_out {
            device.discovery_ends = None;
        }
        if released {
            device.autoblock = None;
        }
        if found_out || released {
            organization.settle(index);
        }
        let Some(device) = organization.devices[index as usize].as_mut() else { continue };
        let is_hosted = organization.options.dialect.is_hosted();
        // A phone that may not connect never learns that it is to be wiped.
        let reachable = device.state == State::Allowed;
        let step = SignedDuration::from_secs(WIPE_STEP_SECONDS);
        if let Some(wipe) = device.wipe.as_mut().filter(|_| reachable) {
            match (wipe.sent, wipe.acknowledged) {
                (None, _) if wipe.requested + step <= now => wipe.sent = Some(now),
                (Some(sent), None) if sent + step <= now => {
                    wipe.is_carried_out = true;
                    wipe.acknowledged = (!is_hosted).then_some(now);
                }
                _ => {}
            }
        }
        let is_silent = device.wipe.as_ref().is_some_and(|wipe| wipe.is_carried_out && is_hosted);
        let ends_by_itself = device.autoblock.is_some_and(|block| block.until.is_some());
        if device.discovery_ends.is_some() || ends_by_itself || device.wipe_under_way() {
            organization.restless.push(index);
        }
        if is_silent {
            organization.after_wipe(index);
        }
    }
}

impl Organization {
    /// Every phone that may syncs once, now. Gives how many did.
    pub fn sync_all(&mut self) -> usize {
        let now = self.now;
        let mut synced = 0;
        for index in 0..self.devices.len() {
            let served = |one: &Device| self.serves(one.model());
            if !self.devices[index].as_ref().is_some_and(served) {
                continue;
            }
            let Some(device) = self.devices[index].as_mut() else { continue };
            device.last_attempt = Some(now);
            if device.state == State::Allowed {
                device.last_success = Some(now);
                synced += 1;
            }
        }
        synced
    }

    /// A new phone makes first contact at the organization's time, and is in discovery for a
    /// while. Gives its GUID.
    pub fn add_device(&mut self) -> uuid::Uuid {
        let owner = generate::owner(self);
        let mut model = models::any(&mut self.chance);
        while !self.serves(&MODELS[model]) {
            model = models::any(&mut self.chance);
        }
        let device = generate::new_device(self, owner, model);
        self.discover(device)
    }

    /// The same of a phone that a value names: its type, model, operating system or user agent,
    /// `Android 15`. Nothing if there is no such model.
    pub fn add_device_of(&mut self, value: &str) -> Option<uuid::Uuid> {
        let says = |model: &Model| {
            let all = [model.device_type, model.model, model.os, model.user_agent];
            all.iter().any(|known| known.eq_ignore_ascii_case(value))
        };
        let model = MODELS.iter().position(says)?;
        let owner = generate::owner(self);
        let device = generate::new_device(self, owner, model);
        Some(self.discover(device))
    }

    /// A phone is updated to the next operating system of its model: `iOS 18.2 22C152` on an
    /// iPhone 13, `Android 15` on a Galaxy S23. False if there is no such phone, or no update of it.
    pub fn update_device(&mut self, guid: uuid::Uuid) -> bool {
        let Some(index) = self.device_guids.get(&guid).copied() else { return false };
        let changed = self.second();
        let Some(device) = self.devices[index as usize].as_mut() else { return false };
        let (now, after) = (device.model(), usize::from(device.model) + 1);
        let same = |next: &Model| (next.device_type, next.model) == (now.device_type, now.model);
        let next = MODELS.iter().skip(after).position(same).map(|place| place + after);
        let Some(next) = next.and_then(|next| u8::try_from(next).ok()) else { return false };
        (device.model, device.changed) = (next, changed);
        self.settle(index);
        true
    }

    /// Exchange finds out for a while what a phone is.
    pub(super) fn discover(&mut self, mut device: Device) -> uuid::Uuid {
        let owner = device.mailbox;
        let discovery = SignedDuration::from_secs(self.chance.random_range(DISCOVERY_SECONDS));
        device.discovery_ends = Some(self.now + discovery);
        let guid = device.guid;
        let changed = device.created;
        let index = self.join(device);
        let owner = &mut self.mailboxes[owner as usize];
        if owner.devices.len() == 1 {
            // That there are partnerships is written on the user.
            owner.changed = changed;
        }
        self.restless.push(index);
        guid
    }
}
