//! The Exchange console of an administrator beside the product: cmdlets typed by hand.
//!
//! `line` reads what was typed. It is run as if sent over the wire, but that no question is asked.

mod line;

use jiff::Timestamp;
use psrp::clixml::{Property, Value};
use uuid::Uuid;

use crate::{
    Organization, Visible,
    cmdlets::{Context, Execution, Invocation, Reply, Step},
};

/// Somebody who types cmdlets, seeing all of them.
#[derive(Debug, Clone)]
pub struct Console {
    account: String,
}

impl Console {
    /// Who types: `CONTOSO\administrator`.
    #[must_use]
    pub fn new(account: &str) -> Self {
        Self { account: account.to_owned() }
    }

    /// Runs a line as at the Exchange console, with every question answered by Yes. Gives what is
    /// printed: of each object the properties that one looks for, or all after `| Format-List`.
    ///
    /// # Errors
    /// When it cannot be read or something failed: what is printed, with the errors last.
    pub fn run(
        &self,
        organization: &mut Organization,
        now: Timestamp,
        line: &str,
    ) -> Result<String, String> {
        let mut cmdlets = line::parse(line)?;
        let format = Format::taken_from(&mut cmdlets);
        if cmdlets.is_empty() {
            return Ok(String::new());
        }
        let context = Context {
            now,
            server: organization.latest_server(),
            runspace: Uuid::nil(),
            account: self.account.clone(),
            visible: Visible::All,
            hidden_parameters: Vec::new(),
            offline: std::collections::BTreeSet::new(),
            truncate_after: None,
            answers_another: false,
        };
        let mut execution = Execution::prepare(&cmdlets, false, organization, &context)
            .map_err(|problem| problem.message)?;
        let (mut printed, mut errors) = (Vec::new(), Vec::new());
        loop {
            match execution.step(organization, &context) {
                Step::Emit(Reply::Object(value)) => printed.push(format.print(&value)),
                Step::Emit(Reply::Warning(text)) => printed.push(format!("WARNING: {text}")),
                Step::Emit(Reply::Error(problem)) => errors.push(problem.message),
                Step::Ask(_) => execution.answer(YES_TO_ALL),
                Step::Failed(problem) => {
                    errors.push(problem.message);
                    break;
                }
                Step::Done | Step::NeedInput => break,
            }
        }
        let failed = !errors.is_empty();
        printed.append(&mut errors);
        let text = printed.join("\n\n");
        if failed { Err(text) } else { Ok(text) }
    }
}

/// The second of the choices Yes, Yes to All, No, No to All.
const YES_TO_ALL: i64 = 1;

/// What is printed of an object that nobody asked more of, as far as it has it, in this order.
const USUAL: &[&str] = &[
    "Name",
    "DisplayName",
    "Identity",
    "DeviceId",
    "DeviceID",
    "DeviceType",
    "DeviceModel",
    "DeviceOS",
    "DeviceUserAgent",
    "DeviceAccessState",
    "DeviceAccessStateReason",
    "Status",
    "LastSuccessSync",
    "Characteristic",
    "QueryString",
    "AccessLevel",
    "DefaultAccessLevel",
    "AdminMailRecipients",
    "UserMailInsert",
    "OtaNotificationMailInsert",
    "IsDefault",
    "IsDefaultPolicy",
    "AllowNonProvisionableDevices",
    "AllowCamera",
    "PasswordEnabled",
    "DevicePasswordEnabled",
    "MinPasswordLength",
    "MinDevicePasswordLength",
    "MaxInactivityTimeLock",
    "MaxInactivityTimeDeviceLock",
    "ActiveSyncEnabled",
    "ActiveSyncMailboxPolicy",
    "ActiveSyncAllowedDeviceIDs",
    "ActiveSyncBlockedDeviceIDs",
    "BehaviorTypeIncidenceLimit",
    "BehaviorTypeIncidenceDuration",
    "DeviceBlockDuration",
    "AdminDisplayVersion",
    "CommandType",
    "RunDate",
    "Caller",
    "CmdletName",
    "CmdletParameters",
    "ObjectModified",
    "Succeeded",
    "Error",
];
/// What remoting adds to every object.
const NOTES: &[&str] = &["PSComputerName", "RunspaceId", "PSShowComputerName"];

/// Which properties are printed.
enum Format {
    Usual,
    /// These, or all if there are none.
    List(Vec<String>),
}

impl Format {
    /// Takes `Format-List` away if it stands last.
    fn taken_from(cmdlets: &mut Vec<Invocation>) -> Self {
        let is_format = |cmdlet: &mut Invocation| {
            ["Format-List", "fl"].iter().any(|name| cmdlet.name.eq_ignore_ascii_case(name))
        };
        let Some(format) = cmdlets.pop_if(is_format) else { return Self::Usual };
        let texts = |value: &Value| match value.items() {
            Some(items) => items.iter().map(shown).collect(),
            None => vec![shown(value)],
        };
        let names = format.parameters.iter().flat_map(|(_, value)| texts(value));
        Self::List(names.filter(|name| name != "*").collect())
    }

    /// `Name : value` for each property.
    fn print(&self, value: &Value) -> String {
        let Some(object) = value.as_object() else { return shown(value) };
        let all = || {
            let properties = object.adapted.iter().chain(&object.extended);
            properties.filter(|one| !NOTES.contains(&&*one.name))
        };
        let named = |name: &str| all().find(|property| property.name.eq_ignore_ascii_case(name));
        let wanted: Vec<&Property> = match self {
            Self::List(names) if !names.is_empty() => {
                names.iter().filter_map(|name| named(name)).collect()
            }
            Self::List(_) => all().collect(),
            Self::Usual
                if object.type_names.first().is_some_and(|name| name.starts_with("Selected.")) =>
            {
                all().collect()
            }
            Self::Usual => USUAL.iter().filter_map(|name| named(name)).collect(),
        };
        let wanted = if wanted.is_empty() { all().collect() } else { wanted };
        let width = wanted.iter().map(|property| property.name.len()).max().unwrap_or(0);
        let lines: Vec<String> = wanted
            .iter()
            .map(|property| format!("{:width$} : {}", &*property.name, shown(&property.value)))
            .collect();
        lines.join("\n")
    }
}

/// A value as PowerShell prints it.
fn shown(value: &Value) -> String {
    match value {
        Value::Nil => String::new(),
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        other => match other.items() {
            Some(items) => {
                let items: Vec<String> = items.iter().map(shown).collect();
                format!("{{{}}}", items.join(", "))
            }
            None => other.text().map(std::borrow::Cow::into_owned).unwrap_or_default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Console;
    use crate::{Organization, OrganizationOptions};

    struct Desk(Organization);

    impl Desk {
        fn new() -> Self {
            Self(Organization::generate(&OrganizationOptions::default()))
        }

        fn run(&mut self, line: &str) -> Result<String, String> {
            let now = self.0.now();
            Console::new(r"CONTOSO\administrator").run(&mut self.0, now, line)
        }
    }

    #[test]
    fn a_setting_is_changed_behind_everybodys_back_and_the_log_says_by_whom() {
        let mut desk = Desk::new();
        let set = "Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $false";
        assert_eq!(desk.run(set), Ok(String::new()));
        assert_eq!(desk.0.policy_texts("Default").unwrap()["AllowCamera"], "False");
        for chosen in ["fl Name, AllowCamera", "Select-Object Name,AllowCamera"] {
            let camera = desk.run(&format!("Get-MobileDeviceMailboxPolicy Default | {chosen}"));
            assert_eq!(camera.unwrap(), "Name        : Default\nAllowCamera : False");
        }
        let log = desk.run("Search-AdminAuditLog | fl Caller,CmdletParameters,ObjectModified");
        insta::assert_snapshot!(log.unwrap(), @r"
        Caller           : contoso.com/Users/administrator
        CmdletParameters : {Identity, AllowCamera}
        ObjectModified   : Default
        ");
    }

    #[test]
    fn what_asks_is_done_without_asking() {
        let mut desk = Desk::new();
        let rule = "New-ActiveSyncDeviceAccessRule -AccessLevel Block -Characteristic DeviceOS \
                    -QueryString \"iOS 15.4\"";
        insta::assert_snapshot!(desk.run(rule).unwrap(), @r"
        Name           : iOS 15.4 (DeviceOS)
        Identity       : contoso.com/Configuration/Services/Microsoft Exchange/Contoso/Mobile Mailbox Settings/iOS 15.4 (DeviceOS)
        Characteristic : DeviceOS
        QueryString    : iOS 15.4
        AccessLevel    : Block
        ");
        let before = desk.0.rule_texts().len();
        desk.run("Get-ActiveSyncDeviceAccessRule | Remove-ActiveSyncDeviceAccessRule").unwrap();
        assert_eq!((before, desk.0.rule_texts().len()), (6, 0));
    }

    #[test]
    fn ids_are_added_to_a_list_and_taken_from_it() {
        let mut desk = Desk::new();
        let one = desk.0.partnerships().next().unwrap();
        let (guid, id) = (one.facts.guid, one.facts.device_id.unwrap());
        let sam = one.mailbox.sam_account_name.unwrap();
        let mut state = |line: &str| {
            desk.run(line).unwrap();
            (desk.0.access_of(guid).unwrap().0, desk.0.exemptions_of(&sam))
        };
        let set = format!("Set-CASMailbox -Identity {sam}");
        let add = format!("{set} -ActiveSyncBlockedDeviceIDs @{{Add='{id}'}}");
        let (blocked, lists) = state(&add);
        assert_eq!((blocked.as_str(), lists.1), ("Blocked", vec![id.clone()]));
        let all = format!(
            "{set} -ActiveSyncAllowedDeviceIDs '{id}',other -ActiveSyncBlockedDeviceIDs $null"
        );
        let (allowed, lists) = state(&all);
        assert_eq!(allowed, "Allowed");
        assert_eq!(lists, (vec![id, "other".to_owned()], Vec::new()));
    }

    #[test]
    fn what_goes_wrong_is_said() {
        let mut desk = Desk::new();
        let mut check = |line: &str, part: &str| {
            let error = desk.run(line).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        check("Get-Nothing", "The term 'Get-Nothing' is not recognized");
        check("Get-MobileDeviceMailboxPolicy Strict", "'Strict' couldn't be found");
        check(
            "Set-MobileDeviceMailboxPolicy Default -DevicePasswordEnabled $true",
            "parameter name",
        );
        check("Remove-MobileDeviceMailboxPolicy Default", "default policy");
        check("Set-MobileDeviceMailboxPolicy Default -AllowCamera 'x", "has no end");
        assert_eq!(desk.run("  # nothing"), Ok(String::new()));
    }
}
