//! What changes something, over the wire: what goes wrong with it, and what is logged of it.

use psrp::{client::PipelineState, clixml::Value, pipeline::Command};
use simulator::{Console, Habits};

use crate::wire::tell_of;

fn set(parameter: &str, value: impl Into<Value>) -> Command {
    Command::new("Set-MobileDeviceMailboxPolicy").with("Identity", "Default").with(parameter, value)
}

#[test]
fn a_change_is_carried_out_and_nobody_is_told() {
    tell_of(Habits::default(), |client, stage| {
        let is = |setting: &str| {
            stage.organization.lock().unwrap().policy_texts("Default").unwrap()[setting].clone()
        };
        client.open();
        stage.faults.lock().unwrap().cut_after_write = Some(2);
        let read = Command::new("Get-MobileDeviceMailboxPolicy");
        assert_eq!(client.run(read.clone()).objects, 2);
        let first = client.run(set("AllowCamera", false));
        assert_eq!(first.state, Some(PipelineState::Completed));
        assert_eq!(client.start_in_vain(set("PasswordEnabled", true)), b"");
        assert_eq!((is("AllowCamera"), is("PasswordEnabled")), ("False".into(), "True".into()));
        assert_eq!(stage.faults.lock().unwrap().cut_after_write, None);
        // The shell is still there, for whoever connects again.
        let third = client.run(set("AllowWiFi", false));
        assert_eq!(third.state, Some(PipelineState::Completed));
        assert_eq!((client.run(read).objects, is("AllowWiFi")), (2, "False".into()));
    });
}

#[test]
fn one_cmdlet_is_denied_from_a_moment_on() {
    tell_of(Habits::default(), |client, stage| {
        client.open();
        assert_eq!(client.run(set("AllowCamera", false)).errors.len(), 0);
        let denied = "set-mobiledevicemailboxpolicy".to_owned();
        stage.faults.lock().unwrap().denied_cmdlets.insert(denied);
        let story = client.run(set("AllowCamera", true));
        assert_eq!(story.state, Some(PipelineState::Failed));
        let [error] = &story.errors[..] else { panic!("{story:?}") };
        assert!(error.contains("[FailureCategory=Cmdlet-CmdletAccessDeniedException]"), "{error}");
        let others = client.run(Command::new("Get-MobileDeviceMailboxPolicy"));
        assert_eq!((others.objects, others.errors.len()), (2, 0));
        let texts = stage.organization.lock().unwrap().policy_texts("Default").unwrap();
        assert_eq!(texts["AllowCamera"], "False");
        stage.faults.lock().unwrap().denied_cmdlets.clear();
        assert_eq!(client.run(set("AllowCamera", true)).errors.len(), 0);
    });
}

#[test]
fn the_log_tells_our_own_changes_from_those_of_others() {
    tell_of(Habits::default(), |client, stage| {
        client.open();
        client.run(set("AllowCamera", false));
        {
            let mut organization = stage.organization.lock().unwrap();
            let now = organization.now();
            let line = "Set-MobileDeviceMailboxPolicy Default -AllowCamera $true";
            Console::new(r"CONTOSO\omar").run(&mut organization, now, line).unwrap();
        }
        let search = Command::new("Search-AdminAuditLog")
            .with("Cmdlets", "Set-MobileDeviceMailboxPolicy")
            .with("ObjectIds", "Default");
        let story = client.run(search);
        let texts = |name: &str| -> Vec<String> {
            let values = story.values.iter();
            values.map(|one| one.property(name).unwrap().text().unwrap().into_owned()).collect()
        };
        assert_eq!(
            texts("Caller"),
            ["contoso.com/Users/omar", "contoso.com/Users/gatepost"],
            "the newest first"
        );
        assert_eq!(texts("Succeeded"), ["true", "true"]);
        let parameters = story.values[1].property("CmdletParameters").unwrap().items().unwrap();
        let [_, camera] = parameters else { panic!("{parameters:?}") };
        let part = |name: &str| camera.property(name).unwrap().text().unwrap().into_owned();
        assert_eq!((part("Name"), part("Value")), ("AllowCamera".into(), "False".into()));
    });
}
