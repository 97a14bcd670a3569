//! What a complete sync must find, said in the words of the domain: the expectation of tests.

use domain::{
    AccessReason, AccessState, DeviceFacts, DeviceStatistics, DistinguishedName, MailboxFacts,
    WipeStatus,
};

use super::{Device, Mailbox, Organization, Reason, State};

/// One partnership as a complete sync must find it. `other` is left empty in both halves.
#[derive(Debug, Clone, PartialEq)]
pub struct Partnership {
    /// What the device list says.
    pub facts: DeviceFacts,
    /// What the mailbox says.
    pub statistics: DeviceStatistics,
    /// The owner.
    pub mailbox: MailboxFacts,
}

impl Organization {
    /// Every partnership, with what a complete sync must find.
    pub fn partnerships(&self) -> impl Iterator<Item = Partnership> + '_ {
        self.present().filter_map(|(_, device)| {
            let mailbox = self.mailbox(device.mailbox);
            Some(Partnership {
                facts: self.facts(device),
                statistics: self.statistics(device),
                mailbox: self.mailbox_facts(mailbox)?,
            })
        })
    }

    fn facts(&self, device: &Device) -> DeviceFacts {
        let model = device.model();
        let modern = self.options.dialect.is_modern();
        let telephony = device.telephony.as_deref();
        let rule = device.rule.and_then(|guid| self.rule(guid));
        DeviceFacts {
            guid: device.guid,
            identity: Some(device.canonical(self)),
            distinguished_name: DistinguishedName::parse(&device.distinguished_name(self)),
            device_id: Some(device.id.to_string()),
            friendly_name: given(model.friendly),
            device_type: given(model.device_type),
            model: given(model.model),
            os: given(model.os),
            os_language: given(device.language()),
            user_agent: given(model.user_agent),
            imei: telephony.map(|telephony| telephony.imei.clone()),
            phone_number: telephony.map(|telephony| telephony.number.clone()),
            operator: telephony.map(|telephony| telephony.operator.to_owned()),
            client_type: modern.then(|| model.client.word().to_owned()),
            client_version: given(model.version),
            access_state: match device.state {
                State::Allowed => AccessState::Allowed,
                State::Blocked => AccessState::Blocked,
                State::Quarantined => AccessState::Quarantined,
                State::Discovery => AccessState::Discovery,
            },
            access_reason: Some(match device.reason {
                Reason::Global => AccessReason::Global,
                Reason::Individual => AccessReason::Individual,
                Reason::Rule => AccessReason::Rule,
                Reason::Policy => AccessReason::Policy,
                Reason::Autoblock(_) => AccessReason::Autoblock,
            }),
            access_rule: rule.map(super::AccessRule::name),
            first_sync: Some(device.created),
            when_created: Some(device.created),
            when_changed: Some(device.changed),
            other: Vec::new(),
        }
    }

    fn statistics(&self, device: &Device) -> DeviceStatistics {
        let wipe = device.wipe.as_deref();
        DeviceStatistics {
            guid: Some(device.guid),
            identity: Some(device.canonical(self)),
            device_id: Some(device.id.to_string()),
            first_sync: Some(device.created),
            last_sync_attempt: device.last_attempt,
            last_success_sync: device.last_success,
            policy: Some(self.policy_of(self.mailbox(device.mailbox)).name.clone()),
            policy_status: Some(device.policy_status().0.to_owned()),
            wipe_status: match wipe {
                None => WipeStatus::None,
                Some(wipe) if wipe.acknowledged.is_some() => WipeStatus::Acknowledged,
                Some(wipe) if wipe.sent.is_some() => WipeStatus::Sent,
                Some(_) => WipeStatus::Requested,
            },
            wipe_requested: wipe.map(|wipe| wipe.requested),
            wipe_sent: wipe.and_then(|wipe| wipe.sent),
            wipe_acknowledged: wipe.and_then(|wipe| wipe.acknowledged),
            other: Vec::new(),
        }
    }

    fn mailbox_facts(&self, mailbox: &Mailbox) -> Option<MailboxFacts> {
        Some(MailboxFacts {
            guid: Some(mailbox.guid),
            distinguished_name: DistinguishedName::parse(&mailbox.distinguished_name(self))?,
            display_name: Some(mailbox.name.to_string()),
            alias: Some(mailbox.alias.to_string()),
            sam_account_name: Some(mailbox.sam.to_string()),
            user_principal_name: Some(mailbox.user_principal_name(self)),
            primary_smtp_address: Some(mailbox.address(self)),
            allowed_device_ids: mailbox.allowed.clone(),
            blocked_device_ids: mailbox.blocked.clone(),
            policy: Some(self.policy_of(mailbox).name.clone()),
            active_sync_enabled: Some(mailbox.active_sync),
        })
    }
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
