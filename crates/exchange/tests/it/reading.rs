//! Readings of a whole organization.

use domain::DeviceFacts;
use exchange::{Cmdlet, Notice, Observed, Organization, Session, StatisticsTarget};
use simulator::{Dialect, OrganizationOptions, Scheme, ServerOptions, Visible};

use crate::lab::{Lab, run, tell, tell_of};

pub(crate) async fn devices<S: Session>(organization: &mut Organization<S>) -> Vec<DeviceFacts> {
    let mut reading = organization.devices().await.unwrap();
    let mut all = Vec::new();
    while let Some(observed) = reading.next().await.unwrap() {
        match observed {
            Observed::Value(device) => all.push(device),
            Observed::Notice(notice) if notice != Notice::Truncated => {}
            other => panic!("{other:?}"),
        }
    }
    all
}

/// Law 2: asked without a limit.
#[test]
fn a_thousand_and_one_devices_arrive() {
    let seen = tell(1_001, &[Scheme::Ntlm], async |lab| {
        let mut organization = Organization::open(lab.connect().await.unwrap()).await.unwrap();
        let found = devices(&mut organization).await;
        let mut found: Vec<_> = found.into_iter().map(|device| device.guid).collect();
        let mut there: Vec<_> = lab.organization().device_guids().collect();
        found.sort_unstable();
        there.sort_unstable();
        assert_eq!(found.len(), 1_001);
        assert_eq!(found, there);
        organization.close().await.unwrap();
    });
    assert_eq!((seen.open_shells, seen.unterminated_commands), (0, 0));
}

/// What the law is there for.
#[test]
fn a_list_without_a_limit_asked_for_ends_early_and_warns() {
    tell(1_001, &[Scheme::Ntlm], async |lab| {
        let mut session = lab.connect().await.unwrap();
        let said = run(&mut session, Cmdlet::new("Get-MobileDevice")).await.unwrap();
        assert_eq!((said.objects.len(), said.warnings.len()), (1_000, 1));
    });
}

async fn statistics_of_all(lab: &mut Lab) {
    let mut organization = Organization::open(lab.connect().await.unwrap()).await.unwrap();
    every_device_has_statistics(&mut organization).await;
    organization.close().await.unwrap();
}

/// Asks for the statistics of every device, and expects those of each.
pub(crate) async fn every_device_has_statistics<S: Session>(organization: &mut Organization<S>) {
    let targets: Vec<_> = devices(organization)
        .await
        .into_iter()
        .map(|device| StatisticsTarget {
            device: device.guid,
            mailbox: device
                .distinguished_name
                .and_then(|name| name.ancestor(2))
                .map(|owner| owner.to_string())
                .unwrap_or_default(),
        })
        .collect();
    let mut reading = organization.statistics(&targets).await.unwrap();
    let mut read = Vec::new();
    while let Some(observed) = reading.next().await.unwrap() {
        match observed {
            Observed::Value(statistics) => read.push(statistics.guid.unwrap()),
            Observed::Notice(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut wanted: Vec<_> = targets.iter().map(|target| target.device).collect();
    wanted.sort_unstable();
    read.sort_unstable();
    assert_eq!(read, wanted);
}

#[test]
fn statistics_of_many_devices_are_asked_for_in_one_pipeline() {
    let seen = tell(60, &[Scheme::Ntlm], statistics_of_all);
    // One device is looked at first: what its statistics are made of.
    let asked = seen.cmdlets.iter().filter(|one| one.name == "Get-MobileDeviceStatistics");
    let asked: Vec<_> = asked.map(|one| one.input.len()).collect();
    assert_eq!(asked, [0, 60]);
}

#[test]
fn exchange_2010_is_read_by_its_own_names() {
    let options = OrganizationOptions {
        devices: 60,
        dialect: Dialect::Exchange2010,
        ..OrganizationOptions::default()
    };
    let seen = tell_of(&options, ServerOptions::default(), async |lab| {
        lab.settings.endpoint.authentication = domain::connector::Authentication::Ntlm;
        statistics_of_all(lab).await;
    });
    assert_eq!((seen.open_shells, seen.unterminated_commands), (0, 0));
}

/// Everything that is kept of an organization's devices and mailboxes.
pub(crate) async fn everything<S: Session>(
    organization: &mut Organization<S>,
) -> (Vec<DeviceFacts>, Vec<domain::MailboxFacts>) {
    let devices = devices(organization).await;
    let mut reading = organization.mailboxes().await.unwrap();
    let mut mailboxes = Vec::new();
    while let Some(observed) = reading.next().await.unwrap() {
        if let Observed::Value(mailbox) = observed {
            mailboxes.push(mailbox);
        }
    }
    (devices, mailboxes)
}

#[test]
fn a_server_that_selects_is_read_like_one_that_does_not() {
    let read = |hidden: &[&str]| {
        let mut options = OrganizationOptions { devices: 40, ..OrganizationOptions::default() };
        for account in &mut options.accounts {
            account.visible = Visible::Without(hidden.iter().map(|&name| name.into()).collect());
        }
        let mut read = None;
        let seen = tell_of(&options, ServerOptions::default(), async |lab| {
            lab.settings.endpoint.authentication = domain::connector::Authentication::Ntlm;
            let session = lab.connect().await.unwrap();
            let mut organization = Organization::open(session).await.unwrap();
            read = Some(everything(&mut organization).await);
            organization.close().await.unwrap();
        });
        (read.unwrap(), seen.cmdlets.iter().filter(|one| one.name == "Select-Object").count())
    };
    let (narrow, selections) = read(&[]);
    let (whole, none) = read(&["Select-Object"]);
    assert_eq!((selections, none), (2, 0));
    assert_eq!(narrow, whole);
}
