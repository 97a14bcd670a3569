//! How a reading gets by with what a server knows.

use std::collections::VecDeque;

use domain::connector::OrganizationIdentity;

use super::*;
use crate::{CmdletErrorKind, Feature, FeatureState, Value};

type Table = Vec<(&'static str, &'static str, Vec<Reply>)>;

/// A session that answers from a table: cmdlet, what its parameters must hold, replies.
#[derive(Default)]
struct Scripted {
    table: Table,
    waiting: VecDeque<Reply>,
    asked: Vec<String>,
    /// Whether an error ends the pipeline in place of standing in its stream.
    is_harsh: bool,
    hosting: Hosting,
    organization: Option<OrganizationIdentity>,
}

impl Session for Scripted {
    fn hosting(&self) -> Hosting {
        self.hosting
    }

    fn organization(&self) -> Option<OrganizationIdentity> {
        self.organization.clone()
    }

    async fn start(&mut self, pipeline: &Pipeline) -> Result<(), Error> {
        pipeline.to_psrp()?;
        let cmdlet = &pipeline.cmdlets[0];
        let mut text = format!("{} {:?} {:?}", cmdlet.name, cmdlet.parameters, pipeline.input);
        if let Some(next) = pipeline.cmdlets.get(1) {
            text += &format!(" {} {:?}", next.name, next.parameters);
        }
        let found =
            self.table.iter().find(|(name, holds, _)| *name == cmdlet.name && text.contains(holds));
        self.asked.push(text);
        self.waiting = match found {
            Some((_, _, replies)) => replies.clone().into(),
            None => [Reply::Error(error(CmdletErrorKind::CmdletMissing))].into(),
        };
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Reply>, Error> {
        match self.waiting.pop_front() {
            Some(Reply::Error(error)) if self.is_harsh => Err(error.into()),
            reply => Ok(reply),
        }
    }

    async fn stop(&mut self) -> Result<(), Error> {
        self.waiting.clear();
        Ok(())
    }

    async fn close(self) -> Result<(), Error> {
        Ok(())
    }
}

fn error(kind: CmdletErrorKind) -> CmdletError {
    CmdletError {
        kind,
        id: String::new(),
        category: 0,
        message: format!("{kind:?}"),
        server: None,
        request_id: None,
        cmdlet: None,
        target: None,
    }
}

fn device(n: u128) -> Reply {
    let guid = Value::Guid(Uuid::from_u128(n));
    Reply::Object(Object { fields: vec![("Guid".into(), guid)], ..Object::default() })
}

fn named(fields: &[(&str, &str)]) -> Reply {
    let fields =
        fields.iter().map(|(name, value)| ((*name).into(), Value::Text((*value).to_owned())));
    Reply::Object(Object { fields: fields.collect(), ..Object::default() })
}

async fn open(table: Table) -> Organization<Scripted> {
    Organization::open(Scripted { table, ..Scripted::default() }).await.unwrap()
}

async fn open_harsh(table: Table) -> Organization<Scripted> {
    let session = Scripted { table, is_harsh: true, ..Scripted::default() };
    Organization::open(session).await.unwrap()
}

/// One letter for each thing that a reading gives, and `!` for a failure.
async fn devices(organization: &mut Organization<Scripted>) -> String {
    let mut reading = organization.devices().await.unwrap();
    letters(&mut reading).await
}

async fn letters<T>(reading: &mut Reading<'_, Scripted, T>) -> String {
    let mut letters = String::new();
    loop {
        letters.push(match reading.next().await {
            Ok(None) => return letters,
            Err(_) => return letters + "!",
            Ok(Some(Observed::Value(_))) => 'v',
            Ok(Some(Observed::Poison(_))) => 'p',
            Ok(Some(Observed::Problem(_))) => 'e',
            Ok(Some(Observed::Notice(Notice::Truncated))) => 't',
            Ok(Some(Observed::Notice(_))) => 'n',
        });
    }
}

#[tokio::test]
async fn a_server_that_knows_one_cmdlet_gives_its_devices() {
    for (cmdlet, family) in
        [("Get-MobileDevice", Family::MobileDevice), ("Get-ActiveSyncDevice", Family::ActiveSync)]
    {
        let mut organization = open(vec![(
            cmdlet,
            "Unlimited",
            vec![device(1), Reply::Poison("x".to_owned()), device(0)],
        )])
        .await;
        assert_eq!(devices(&mut organization).await, "vpp", "a device without a GUID is poison");
        assert_eq!(organization.capabilities().family, family);
        assert!(organization.servers().await.unwrap().is_empty());
        let mut mailboxes = organization.mailboxes().await.unwrap();
        assert_eq!(letters(&mut mailboxes).await, "");
        assert_eq!(organization.identity("EX01", None).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_empty_organization_is_no_reason_to_look_elsewhere() {
    let mut organization = open(vec![("Get-MobileDevice", "", Vec::new())]).await;
    assert_eq!(devices(&mut organization).await, "");
    let asked = organization.session.asked.iter().filter(|text| text.contains("Device ")).count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_server_without_devices_cmdlets_fails_and_says_so() {
    assert_eq!(devices(&mut open(Vec::new()).await).await, "!");
}

#[tokio::test]
async fn a_thousand_rows_and_a_warning_are_not_everything() {
    let mut rows: Vec<Reply> = (1..=1000).map(device).collect();
    rows.push(Reply::Warning("Es gibt mehr.".to_owned()));
    let mut organization = open(vec![("Get-MobileDevice", "", rows)]).await;
    assert!(devices(&mut organization).await.ends_with("nt"));
}

#[tokio::test]
async fn statistics_are_asked_for_in_the_first_way_that_is_taken() {
    let name = "Get-MobileDeviceStatistics";
    let refused = vec![Reply::Error(error(CmdletErrorKind::ArgumentMissing))];
    let not_found = vec![Reply::Error(error(CmdletErrorKind::NotFound))];
    let piped: (&str, &str, Vec<Reply>) = (name, "[] [\"0", vec![device(1), device(2)]);
    let mailbox = (name, "Mailbox", vec![device(1), device(2)]);
    let each = (name, "Identity", vec![device(1)]);
    for (table, given, asked) in [
        (vec![piped], "vv", 1),
        (vec![mailbox.clone(), (name, "[] [", refused.clone())], "vv", 2),
        (vec![mailbox, (name, "[] [", Vec::new())], "vv", 2),
        (vec![each, (name, "", refused)], "vv", 4),
        (vec![(name, "", not_found)], "e", 1),
    ] {
        let mut organization = open(table).await;
        let targets: Vec<StatisticsTarget> = (1..=2)
            .map(|n| StatisticsTarget { device: Uuid::from_u128(n), mailbox: "CN=Jane".to_owned() })
            .collect();
        let before = organization.session.asked.len();
        let mut reading = organization.statistics(&targets).await.unwrap();
        assert_eq!(letters(&mut reading).await, given);
        assert_eq!(organization.session.asked.len() - before, asked);
        if given == "vv" {
            let mut again = organization.statistics(&targets).await.unwrap();
            assert_eq!(letters(&mut again).await, given);
            let again = organization.session.asked.len() - before - asked;
            assert!(again <= 2, "what worked is remembered");
        }
    }
}

#[tokio::test]
async fn a_failed_pipeline_says_the_same_as_an_error() {
    let mut organization = open_harsh(vec![("Get-ActiveSyncDevice", "", vec![device(1)])]).await;
    assert_eq!(devices(&mut organization).await, "v");
    assert_eq!(organization.capabilities().family, Family::ActiveSync);
    assert!(organization.servers().await.unwrap().is_empty());
    let mut mailboxes = organization.mailboxes().await.unwrap();
    assert_eq!(letters(&mut mailboxes).await, "");
    assert_eq!(organization.identity("ex01", None).await.unwrap(), None);
    let target = StatisticsTarget { device: Uuid::from_u128(1), mailbox: "CN=Jane".to_owned() };
    let mut statistics = organization.statistics(std::slice::from_ref(&target)).await.unwrap();
    assert_eq!(letters(&mut statistics).await, "");
    assert_eq!(devices(&mut open_harsh(Vec::new()).await).await, "!");

    let name = "Get-MobileDeviceStatistics";
    for (kind, given) in [
        (CmdletErrorKind::Other, "v"),
        (CmdletErrorKind::InputRefused, "v"),
        (CmdletErrorKind::Throttled, "e"),
    ] {
        let mailbox = (name, "Mailbox", vec![device(1)]);
        let piped = (name, "", vec![Reply::Error(error(kind))]);
        let mut organization = open_harsh(vec![mailbox, piped]).await;
        let mut statistics = organization.statistics(std::slice::from_ref(&target)).await.unwrap();
        assert_eq!(letters(&mut statistics).await, given, "{kind:?}");
    }
}

#[tokio::test]
async fn the_organization_is_known_by_its_own_id() {
    let dn = "CN=Mobile Mailbox Settings,CN=Contoso Ltd,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=com";
    let guid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let settings = named(&[("DistinguishedName", dn), ("Guid", guid)]);
    let mut organization =
        open(vec![("Get-ActiveSyncOrganizationSettings", "", vec![settings])]).await;
    let identity = organization.identity("ex01", None).await.unwrap().unwrap().identity;
    assert_eq!((identity.key.as_str(), identity.name.as_str()), (guid, "Contoso Ltd"));

    let dn = "CN=EX01,CN=Servers,CN=Exchange Administrative Group,CN=Administrative Groups,CN=Contoso Ltd,CN=Microsoft Exchange,CN=Services,DC=contoso,DC=com";
    let server = named(&[("DistinguishedName", dn), ("Name", "EX01")]);
    let mut organization = open(vec![("Get-ExchangeServer", "", vec![server])]).await;
    let identity = organization.identity("ex01", None).await.unwrap().unwrap().identity;
    assert_eq!(identity.name, "Contoso Ltd");
    assert!(identity.key.starts_with("cn=contoso ltd,"));
}

#[tokio::test]
async fn the_organization_is_recognized_whatever_the_account_may_see() {
    let of = |cn: &str| {
        format!(
            "{cn}CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=com"
        )
    };
    let (one, two) =
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7");
    let settings = (
        "Get-ActiveSyncOrganizationSettings",
        named(&[("DistinguishedName", &of("CN=Mobile Mailbox Settings,")), ("Guid", one)]),
    );
    let config =
        ("Get-OrganizationConfig", named(&[("DistinguishedName", &of("")), ("Guid", two)]));
    let server = (
        "Get-ExchangeServer",
        named(&[("DistinguishedName", &of("CN=EX01,CN=Servers,")), ("Name", "EX01")]),
    );
    let dn = of("").to_lowercase();
    let all = [&settings, &config, &server];
    for (seen, known, expected) in [
        (&all[..], None, Some((one, false))),
        (&all[..], Some(one), Some((one, true))),
        (&all[..], Some(two), Some((two, true))),
        (&all[..], Some(dn.as_str()), Some((one, true))),
        (&all[..], Some("another"), Some((one, false))),
        (&all[1..], Some(two), Some((two, true))),
        (&all[1..], Some(one), Some((two, false))),
        (&all[1..], Some(dn.as_str()), Some((two, true))),
        (&all[2..], None, Some((dn.as_str(), false))),
        (&all[2..], Some(dn.as_str()), Some((dn.as_str(), true))),
        (&all[2..], Some(one), Some((dn.as_str(), false))),
        (&[], Some(one), None),
    ] {
        let table = seen.iter().map(|(name, reply)| (*name, "", vec![reply.clone()])).collect();
        let found = open(table).await.identity("ex01", known).await.unwrap();
        let found = found.as_ref().map(|it| (it.identity.key.as_str(), it.is_known));
        assert_eq!(found, expected, "{} of 3, known as {known:?}", seen.len());
    }
}

#[tokio::test]
async fn what_the_account_sees_decides_the_family() {
    let visible =
        vec![named(&[("Name", "get-activesyncdevice")]), named(&[("Name", "Get-Mailbox")])];
    let organization = open(vec![("Get-Command", "", visible)]).await;
    let capabilities = organization.capabilities();
    assert_eq!(capabilities.family, Family::ActiveSync);
    let of = |name| capabilities.needed().find(|(known, _)| *known == name).map(|(_, there)| there);
    assert_eq!(of("Get-Mailbox"), Some(Some(true)));
    assert_eq!(of("Get-CASMailbox"), Some(Some(false)));
    assert_eq!(of("Get-MobileDevice"), None, "the other family is not missed");
    assert!(Capabilities::purpose("Get-Mailbox").ends_with(", where Get-CASMailbox is not there"));
}

/// What `Get-Command` says of a cmdlet with these parameters.
fn command(name: &str, parameters: &[&str]) -> Reply {
    let parameters =
        parameters.iter().map(|name| ((*name).to_owned(), Value::Text("metadata".to_owned())));
    let fields = vec![
        ("Name".into(), Value::Text(name.to_owned())),
        ("Parameters".into(), Value::Dictionary(parameters.collect())),
    ];
    Reply::Object(Object { fields, ..Object::default() })
}

#[tokio::test]
async fn parameters_are_known_where_the_server_tells_them() {
    let visible = vec![
        command("Get-MobileDevice", &["resultsize", "Identity"]),
        command("Clear-MobileDevice", &[]),
        named(&[("Name", "Set-CASMailbox")]),
    ];
    let organization = open(vec![("Get-Command", "", visible)]).await;
    let capabilities = organization.capabilities();
    for (cmdlet, parameter, expected) in [
        ("get-mobiledevice", "ResultSize", Some(true)),
        ("Get-MobileDevice", "Filter", Some(false)),
        ("Clear-MobileDevice", "Identity", None),
        ("Set-CASMailbox", "Identity", None),
        ("Remove-MobileDevice", "Identity", Some(false)),
    ] {
        assert_eq!(capabilities.sees_parameter(cmdlet, parameter), expected, "{cmdlet}");
    }
    assert_eq!(capabilities.sees("Set-CASMailbox"), Some(true));
    assert_eq!(capabilities.state(Feature::Inventory), FeatureState::Degraded);
    assert_eq!(capabilities.state(Feature::Exemptions), FeatureState::Works, "not refused");
    assert_eq!(open(Vec::new()).await.capabilities().sees("Get-MobileDevice"), None);
}

#[tokio::test]
async fn what_is_of_no_use_is_not_asked_for_and_the_unknown_is() {
    let visible = ["Get-MobileDevice", "Select-Object"].map(|name| named(&[("Name", name)]));
    let seen =
        named(&[("Guid", "0f8fad5b-d9cb-469f-a165-70867728950e"), ("Id", "x"), ("New", "y")]);
    let devices = ("Get-MobileDevice", "", vec![seen]);
    let mut organization = open(vec![("Get-Command", "", visible.into()), devices]).await;
    assert_eq!(letters(&mut organization.devices().await.unwrap()).await, "v");
    let asked = organization.session.asked.last().unwrap();
    let selected = r#"Select-Object [("Property", List(["Guid", "New"]))]"#;
    assert!(asked.contains("Unlimited") && asked.ends_with(selected), "{asked}");
}

#[tokio::test]
async fn a_selection_that_is_refused_is_not_tried_again() {
    for kind in [CmdletErrorKind::CmdletMissing, CmdletErrorKind::ParameterMissing] {
        let visible = vec![named(&[("Name", "Select-Object")])];
        let refused = vec![Reply::Error(error(kind))];
        let mut organization = open(vec![
            ("Get-Command", "", visible),
            ("Get-CASMailbox", "Select-Object", refused),
            ("Get-CASMailbox", "", vec![named(&[("DistinguishedName", "CN=Jane,DC=x")])]),
        ])
        .await;
        for _ in 0..2 {
            assert_eq!(letters(&mut organization.mailboxes().await.unwrap()).await, "v");
        }
        let asked = organization.session.asked.iter().filter(|text| text.contains("Select"));
        assert_eq!(asked.filter(|text| text.starts_with("Get-CAS")).count(), 1, "{kind:?}");
    }
}

/// A hosted organization in which these cmdlets are there.
async fn open_hosted(names: &[&str], table: Table) -> Organization<Scripted> {
    let seen = names.iter().map(|name| named(&[("Name", name)])).collect();
    let table = [vec![("Get-Command", "", seen)], table].concat();
    let organization =
        OrganizationIdentity { key: "7e4a".to_owned(), name: "contoso.com".to_owned() };
    let session = Scripted {
        table,
        hosting: Hosting::Hosted,
        organization: Some(organization),
        ..Scripted::default()
    };
    Organization::open(session).await.unwrap()
}

#[tokio::test]
async fn a_hosted_organization_is_not_asked_for_what_is_not_there() {
    let mut organization = open_hosted(
        &["Get-MobileDevice"],
        vec![("Get-MobileDevice", "Unlimited", vec![device(1)])],
    )
    .await;
    let identity = organization.identity("contoso.com", None).await.unwrap().unwrap().identity;
    assert_eq!((identity.key.as_str(), identity.name.as_str()), ("7e4a", "contoso.com"));
    assert!(organization.servers().await.unwrap().is_empty());
    let since = "2026-11-21T07:00:00Z".parse().unwrap();
    assert!(organization.writings_since(since).await.unwrap().is_empty());
    let page = Devices::Page { unit: None, from: None, size: 5_000 };
    let error = organization.devices_of(&page).await.unwrap().next().await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert_eq!(devices(&mut organization).await, "v", "the list as a whole is there");
    let asked = &organization.session.asked;
    assert!(
        asked
            .iter()
            .all(|text| text.starts_with("Get-Command") || text.starts_with("Get-MobileDevice")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_hosted_organization_misses_only_what_could_be_there() {
    let organization = open_hosted(&["Get-MobileDevice", "Get-CASMailbox"], Vec::new()).await;
    let capabilities = organization.capabilities();
    let matrix = capabilities.matrix("a9911ca7");
    let of = |feature| matrix.iter().find(|check| check.feature == feature);
    for feature in [Feature::Servers, Feature::Forest, Feature::Writers, Feature::AutoblockRead] {
        assert!(of(feature).is_none(), "{feature:?}");
        assert_eq!(capabilities.state(feature), FeatureState::Missing);
    }
    assert_eq!(of(Feature::Inventory).unwrap().state, FeatureState::Works);
    let exemptions = of(Feature::Exemptions).unwrap();
    assert_eq!(exemptions.state, FeatureState::Missing);
    assert_eq!(exemptions.missing, ["Set-CASMailbox"]);
    let assign = exemptions.grant.last().unwrap();
    assert!(assign.ends_with("-App 'a9911ca7'"), "{assign}");
    assert_eq!(capabilities.offers(domain::ActionKind::WipeDevice), Some(false));
    assert!(capabilities.needed().all(|(name, _)| name != "Get-ExchangeServer"));
    assert!(capabilities.is_read_only());
}
