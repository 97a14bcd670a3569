//! The phones that people carry, and how each of them introduces itself.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// One model with one operating system.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// `DeviceType` as the client sends it.
    pub(crate) device_type: &'static str,
    /// `DeviceModel`.
    pub(crate) model: &'static str,
    /// Name shown to the user; empty on clients that send none.
    pub(crate) friendly: &'static str,
    /// `DeviceOS`, the exact text that rules compare with.
    pub(crate) os: &'static str,
    /// `DeviceUserAgent`.
    pub(crate) user_agent: &'static str,
    /// `ClientType`.
    pub(crate) client: Client,
    /// ActiveSync version spoken.
    pub(crate) version: &'static str,
    /// Whether the client can carry out a mailbox policy.
    pub(crate) provisionable: bool,
    /// How the client makes up its device id.
    id: IdForm,
    /// How common it is.
    weight: u32,
}

/// Protocol family of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// ActiveSync.
    Eas,
    /// Outlook's former architecture: three-part names.
    Rest,
    /// Outlook with Microsoft's own sync protocol.
    Outlook,
}

impl Client {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Eas => "EAS",
            Self::Rest => "REST",
            Self::Outlook => "Outlook",
        }
    }

    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::Eas => 0,
            Self::Rest => 2,
            Self::Outlook => 3,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdForm {
    /// `ApplF17LTTCGFFG8`
    AppleSerial,
    /// `12VSNH98DT6F3C0D2RODSILDH8`
    Letters26,
    /// `SEC1A2B3C4D5E6F7`
    Samsung,
    /// `androidc1234567890`
    Android,
    /// 32 hexadecimal digits.
    Hex32,
}

impl Model {
    /// A device id in the form of this model.
    pub(super) fn device_id(&self, chance: &mut ChaCha8Rng) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        const HEX: &[u8] = b"0123456789ABCDEF";
        let mut text = |prefix: &str, alphabet: &[u8], length: usize| {
            let tail =
                (0..length).map(|_| char::from(alphabet[chance.random_range(0..alphabet.len())]));
            prefix.chars().chain(tail).collect()
        };
        match self.id {
            IdForm::AppleSerial => text("Appl", LETTERS, 12),
            IdForm::Letters26 => text("", LETTERS, 26),
            IdForm::Samsung => text("SEC", HEX, 13),
            IdForm::Android => text("androidc", HEX, 10),
            IdForm::Hex32 => text("", HEX, 32),
        }
    }

    /// Common name of the partnership: `TYPE§ID`, of three parts for REST clients.
    pub(crate) fn common_name(&self, device_id: &str) -> String {
        match self.client {
            Client::Rest => format!("REST§{}§{device_id}", self.device_type),
            Client::Eas | Client::Outlook => format!("{}§{device_id}", self.device_type),
        }
    }
}

/// Index into [`MODELS`] of a phone, by chance and by how common it is.
pub(super) fn any(chance: &mut ChaCha8Rng) -> usize {
    let total: u32 = MODELS.iter().map(|model| model.weight).sum();
    let mut ticket = chance.random_range(0..total);
    MODELS
        .iter()
        .position(|model| {
            let won = ticket < model.weight;
            ticket = ticket.saturating_sub(model.weight);
            won
        })
        .unwrap_or(0)
}

const fn apple(
    device_type: &'static str,
    [model, friendly, os, user_agent]: [&'static str; 4],
    weight: u32,
) -> Model {
    Model {
        device_type,
        model,
        friendly,
        os,
        user_agent,
        client: Client::Eas,
        version: "16.1",
        provisionable: true,
        id: IdForm::Letters26,
        weight,
    }
}

const fn android(
    device_type: &'static str,
    [model, friendly, os, user_agent]: [&'static str; 4],
    weight: u32,
) -> Model {
    let id = IdForm::Android;
    Model { version: "14.1", id, ..apple(device_type, [model, friendly, os, user_agent], weight) }
}

const fn samsung(words: [&'static str; 4], weight: u32) -> Model {
    Model { id: IdForm::Samsung, version: "16.0", ..android("SAMSUNG", words, weight) }
}

const fn outlook(os: &'static str, client: Client, weight: u32) -> Model {
    let words = ["Outlook for iOS and Android", "", os, "Outlook-iOS-Android/1.0"];
    Model { client, id: IdForm::Hex32, ..apple("Outlook", words, weight) }
}

/// Every model there is. The order is part of what a seed means.
pub(crate) const MODELS: &[Model] = &[
    apple(
        "iPhone",
        ["iPhone14C5", "iPhone 13", "iOS 17.5.1 21F90", "Apple-iPhone14C5/2106.90"],
        16,
    ),
    apple(
        "iPhone",
        ["iPhone15C2", "iPhone 14 Pro", "iOS 18.1 22B83", "Apple-iPhone15C2/2202.83"],
        16,
    ),
    apple("iPhone", ["iPhone17C3", "iPhone 16", "iOS 18.1 22B83", "Apple-iPhone17C3/2202.83"], 12),
    Model {
        id: IdForm::AppleSerial,
        version: "14.1",
        ..apple(
            "iPhone",
            ["iPhone3C1", "iPhone 4", "iOS 6.1 10B146", "Apple-iPhone3C1/1002.146"],
            1,
        )
    },
    apple("iPad", ["iPad13C16", "iPad Air", "iPadOS 17.5.1 21F90", "Apple-iPad13C16/2106.90"], 7),
    apple("iPad", ["iPad14C3", "Zoë's iPad", "iPadOS 18.1 22B83", "Apple-iPad14C3/2202.83"], 3),
    samsung(["SM-S911B", "Galaxy S23", "Android 14", "Android-SAMSUNG-SM-S911B/101.140000"], 9),
    samsung(["SM-A546B", "Galaxy A54", "Android 14", "Android-SAMSUNG-SM-A546B/101.140000"], 7),
    samsung(["SM-G960F", "Galaxy S9", "Android 10", "SAMSUNG-SM-G960F/101.10"], 2),
    android("Android", ["Pixel 8", "Pixel 8", "Android 15", "Android/15-EAS-2.0"], 6),
    android("Android", ["Pixel 6a", "", "Android 14", "Android/14-EAS-2.0"], 3),
    Model {
        provisionable: false,
        ..android("Android", ["LegacyMail", "", "Android 5.1", "Android-EAS/5.1"], 1)
    },
    outlook("iOS 18.1", Client::Outlook, 5),
    outlook("Android 14", Client::Outlook, 4),
    outlook("iOS 17.5", Client::Rest, 2),
    Model {
        id: IdForm::Hex32,
        ..apple(
            "WindowsMail",
            ["Virtual Machine", "DESKTOP-7Q2", "Windows 10.0.19045", "MSFT-WIN-4/10.0.19045"],
            3,
        )
    },
    Model {
        id: IdForm::Hex32,
        version: "14.1",
        ..apple("WP8", ["RM-1085", "Windows Phone", "Windows Phone 8.10.14219", "MSFT-WP/8.10"], 2)
    },
    Model {
        id: IdForm::Android,
        ..android("BlackBerry", ["STV100-4", "", "Android 6.0.1 \u{1}", "BlackBerry/10.3"], 1)
    },
    // Nobody has these by chance: they come where a story brings them, as values never seen before.
    apple("iPhone", ["iPhone14C5", "iPhone 13", "iOS 18.2 22C152", "Apple-iPhone14C5/2203.152"], 0),
    apple(
        "iPhone",
        ["iPhone17C1", "iPhone 16 Pro", "iOS 18.2 22C152", "Apple-iPhone17C1/2203.152"],
        0,
    ),
    samsung(["SM-S911B", "Galaxy S23", "Android 15", "Android-SAMSUNG-SM-S911B/101.150000"], 0),
    samsung(["SM-S921B", "Galaxy S24", "Android 15", "Android-SAMSUNG-SM-S921B/101.150000"], 0),
];
