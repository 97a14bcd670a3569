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
    let dialect = organization.dialect(context.server);
    for setting in POLICY_SETTINGS.iter().filter(|setting| setting.is_known(family, dialect)) {
        let value = shown(setting.kind, policy.value(setting));
        object = object.with_adapted(setting.name_in(family), value);
    }
    let is_default = match dialect {
        Dialect::Exchange2010 => "IsDefaultPolicy",
        Dialect::Exchange2013 | Dialect::ExchangeOnline => "IsDefault",
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
        (PolicyKind::UnlimitedNumber(..), PolicyValue::Number(_)) => limited(of, value.printed()),
        (_, PolicyValue::Number(number)) => Value::Int32(*number),
        (PolicyKind::Word(type_name, _), PolicyValue::Word(word, number)) => {
            enumeration(type_name, (word, *number))
        }
        (_, PolicyValue::Word(word, _)) => Value::from(*word),
        (_, PolicyValue::Unlimited) => unlimited(of),
        (_, PolicyValue::Seconds(_) | PolicyValue::Bytes(_)) => limited(of, value.printed()),
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

/// What names a policy.
pub(super) fn policy_naming(organization: &Organization, policy: &MailboxPolicy) -> Naming {
    Naming {
        guid: policy.guid,
        name: policy.name.clone(),
        distinguished_name: policy.distinguished_name(organization),
        canonical: format!(
            "{}/Mobile Mailbox Policies/{}",
            configuration_canonical(organization),
            policy.name
        ),
    }
}
