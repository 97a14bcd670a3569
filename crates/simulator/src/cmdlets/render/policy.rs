//! Mailbox policies, under both families of names.

use psrp::clixml::{Object, Value};

use super::{
    Context,
    parts::{DirectoryPart, Naming, enumeration, finish, kind, texts, unlimited},
    settings::configuration_canonical,
};
use crate::{
    Dialect,
    organization::{Family, MailboxPolicy, Organization, POLICY_SETTINGS, PolicyKind, PolicyValue},
};

kind!(MOBILE_POLICY:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileMailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(ACTIVE_SYNC_POLICY:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncMailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileMailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
const ENHANCED_TIME_SPAN: &str = "Microsoft.Exchange.Data.EnhancedTimeSpan, Microsoft.Exchange.Data, Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35";
const BYTE_QUANTIFIED_SIZE: &str = "Microsoft.Exchange.Data.ByteQuantifiedSize, Microsoft.Exchange.Data, Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35";

/// Get-MobileDeviceMailboxPolicy, or with the names of 2010 Get-ActiveSyncMailboxPolicy.
pub(in crate::cmdlets) fn mailbox_policy(
    organization: &Organization,
    context: &Context,
    policy: &MailboxPolicy,
    family: Family,
) -> Value {
    let kind = match family {
        Family::MobileDevice => &MOBILE_POLICY,
        Family::ActiveSync => &ACTIVE_SYNC_POLICY,
    };
    let mut object = kind.object();
    for setting in POLICY_SETTINGS {
        let value = shown(setting.kind, policy.value(setting));
        object = object.with_adapted(setting.name_in(family), value);
    }
    let is_default = match organization.dialect(context.server) {
        Dialect::Exchange2010 => "IsDefaultPolicy",
        Dialect::Exchange2013 => "IsDefault",
    };
    let object = object.with_adapted(is_default, policy.is_default);
    let part = DirectoryPart {
        naming: &policy_naming(organization, policy),
        category: "ms-Exch-Mobile-Mailbox-Policy",
        classes: &["top", "msExchRecipientTemplate", "msExchMobileMailboxPolicy"],
        version: "0.1 (8.0.535.0)",
        created: policy.created,
        changed: policy.changed,
    };
    finish(organization, context, object, &part)
}

fn shown(kind: PolicyKind, value: &PolicyValue) -> Value {
    let of = match kind {
        PolicyKind::UnlimitedNumber(..) => "System.Int32",
        PolicyKind::UnlimitedSeconds(..) => ENHANCED_TIME_SPAN,
        _ => BYTE_QUANTIFIED_SIZE,
    };
    match (kind, value) {
        (_, PolicyValue::Nothing) => Value::Nil,
        (_, PolicyValue::Flag(flag)) => Value::from(*flag),
        (PolicyKind::UnlimitedNumber(..), PolicyValue::Number(number)) => {
            limited(of, number.to_string())
        }
        (_, PolicyValue::Number(number)) => Value::Int32(*number),
        (PolicyKind::Word(type_name, _), PolicyValue::Word(word, number)) => {
            enumeration(type_name, (word, *number))
        }
        (_, PolicyValue::Word(word, _)) => Value::from(*word),
        (_, PolicyValue::Unlimited) => unlimited(of),
        (_, PolicyValue::Seconds(seconds)) => limited(of, time_span(*seconds)),
        (_, PolicyValue::Bytes(bytes)) => limited(of, size(*bytes)),
        (_, PolicyValue::Texts(items)) => texts(items),
    }
}

/// `Unlimited<T>` with a limit.
fn limited(of: &str, text: String) -> Value {
    let name = format!("Microsoft.Exchange.Data.Unlimited`1[[{of}]]");
    Object::new()
        .with_type_names([name.as_str(), "System.ValueType", "System.Object"])
        .with_text(text.as_str())
        .with_adapted("IsUnlimited", false)
        .with_adapted("Value", text)
        .into()
}

/// `00:15:00`, `90.00:00:00`
fn time_span(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest % 3_600 / 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

/// `1 MB (1,048,576 bytes)`
fn size(bytes: i64) -> String {
    let units = [("GB", 30), ("MB", 20), ("KB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes >> shift > 0);
    let (word, shift) = unit.unwrap_or(("B", 0));
    // Written in hundredths, rounded down, as whole numbers.
    let hundredths = (i128::from(bytes) * 100) >> shift;
    let fraction = match hundredths % 100 {
        0 => String::new(),
        rest => format!(".{rest:02}").trim_end_matches('0').to_owned(),
    };
    format!("{}{fraction} {word} ({} bytes)", hundredths / 100, grouped(bytes))
}

/// `1,048,576`
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What names a policy.
pub(super) fn policy_naming(organization: &Organization, policy: &MailboxPolicy) -> Naming {
    Naming {
        guid: policy.guid,
        name: policy.name.clone(),
        distinguished_name: format!(
            "CN={},CN=Mobile Mailbox Policies,{}",
            crate::organization::escaped(&policy.name),
            organization.configuration_dn()
        ),
        canonical: format!(
            "{}/Mobile Mailbox Policies/{}",
            configuration_canonical(organization),
            policy.name
        ),
    }
}
