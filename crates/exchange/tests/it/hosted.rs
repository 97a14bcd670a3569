//! The stories of reading and writing, told of a hosted organization, and the habits of its service.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::{
    Timestamp,
    connector::{Authentication, HostedEndpoint, ServerEndpoint, Tenant},
    settings::Generation,
};
use exchange::{
    Argument, Cmdlet, ConnectError, ConnectionSettings, Credential, Error, Feature, FeatureState,
    Identity, Organization, RemotePowerShell, Secret, Session as _,
    hosted::{
        AdminApi, Certificate, Clock, DeviceCode, DeviceCodeAnswer, HostedCredential,
        HostedSettings, SignInError,
    },
};
use jiff::SignedDuration;
use simulator::{
    AppCertificate, Application, Entries, Faults, HostedHabits, HostedOptions, HostedServer,
    KeyKind, Organization as Simulated, OrganizationOptions, Server, ServerOptions, Visible,
};
use uuid::Uuid;

use crate::{
    lab::run,
    reading::{devices, every_device_has_statistics, everything},
    wish::{every_setting_goes_there_and_back, everything_is_written_and_read_again},
};

const APPLICATION: Uuid = Uuid::from_u128(0xa991_1ca7_1040_4000_8000_0000_0000_0002);
const SECRET: &str = "~s3cret value/+";

/// A clock that both sides read, and that moves on when somebody waits.
#[derive(Debug, Clone)]
struct Stepped(Arc<Mutex<Timestamp>>);

impl Stepped {
    fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.advance(SignedDuration::try_from(duration).unwrap());
        Box::pin(std::future::ready(()))
    }
}

/// What a story has at hand.
struct Hosted {
    organization: Arc<Mutex<Simulated>>,
    faults: Arc<Mutex<Faults>>,
    ledger: simulator::Ledger,
    options: HostedOptions,
    certificate: AppCertificate,
    clock: Stepped,
    settings: HostedSettings,
}

impl Hosted {
    fn organization(&self) -> MutexGuard<'_, Simulated> {
        self.organization.lock().unwrap()
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap()
    }

    async fn session(&self) -> AdminApi {
        AdminApi::connect(&self.settings, &by_secret()).await.unwrap()
    }

    async fn open(&self) -> Organization<AdminApi> {
        Organization::open(self.session().await).await.unwrap()
    }
}

fn by_secret() -> HostedCredential {
    HostedCredential::Secret(Secret::new(SECRET))
}

fn tell(devices: usize, story: impl AsyncFnOnce(&mut Hosted)) -> Entries {
    tell_of(devices, |_| {}, story)
}

/// Serves a hosted organization of so many devices and tells a story against it. What the service was
/// asked, once the story is over.
fn tell_of(
    devices: usize,
    change: impl FnOnce(&mut HostedOptions),
    story: impl AsyncFnOnce(&mut Hosted),
) -> Entries {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let start: Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
        let clock = Stepped(Arc::new(Mutex::new(start)));
        let organization = Simulated::generate(&OrganizationOptions::hosted(devices, start));
        let organization = Arc::new(Mutex::new(organization));
        let not_after = start + SignedDuration::from_hours(24 * 365);
        let certificate = AppCertificate::self_signed("gatepost", KeyKind::Rsa, not_after).unwrap();
        let mut application = Application::new(APPLICATION, "gatepost");
        application.secret = Some(SECRET.to_owned());
        application.certificates = vec![certificate.certificate_pem().unwrap()];
        let time = clock.clone();
        let mut options =
            HostedOptions::new(Arc::new(move || time.now()), vec![application]).unwrap();
        change(&mut options);
        let address = ([127, 0, 0, 1], 0).into();
        let bound = HostedServer::bind(address, Arc::clone(&organization), options.clone()).await;
        let server = bound.unwrap();
        let mut endpoint =
            HostedEndpoint::new(Tenant::parse("contoso.onmicrosoft.com").unwrap(), APPLICATION);
        endpoint.service_url = Some(server.url());
        endpoint.login_url = Some(server.url());
        endpoint.trust.extra_roots_pem = Some(options.root_pem());
        let mut hosted = Hosted {
            organization,
            faults: server.faults(),
            ledger: server.ledger(),
            options,
            certificate,
            settings: HostedSettings::new(endpoint, Arc::new(clock.clone())),
            clock,
        };
        let ledger = hosted.ledger.clone();
        let (done, shutdown) = tokio::sync::oneshot::channel::<()>();
        let told = async {
            story(&mut hosted).await;
            drop(done);
        };
        let ((), served) =
            tokio::join!(told, server.run(async { shutdown.await.unwrap_or_default() }));
        served.unwrap();
        ledger.entries()
    })
}

fn sorted(mut guids: Vec<Uuid>) -> Vec<Uuid> {
    guids.sort_unstable();
    guids
}

/// Law 2: asked without a limit, and followed to the end.
#[test]
fn a_thousand_and_one_devices_arrive() {
    let seen = tell(1_001, async |hosted| {
        let mut organization = hosted.open().await;
        let found = devices(&mut organization).await;
        let found = sorted(found.into_iter().map(|device| device.guid).collect());
        assert_eq!(found.len(), 1_001);
        assert_eq!(found, sorted(hosted.organization().device_guids().collect()));
    });
    assert_eq!(seen.hosted.pages, 1);
    assert!(seen.hosted.packed >= 2, "pages come packed");
}

/// The same organization, asked over both services.
#[test]
fn what_is_read_is_the_same_by_either_way() {
    tell(40, async |hosted| {
        let by_rest = everything(&mut hosted.open().await).await;
        let address = ([127, 0, 0, 1], 0).into();
        let organization = Arc::clone(&hosted.organization);
        let server = Server::bind(address, organization, ServerOptions::default()).await.unwrap();
        let endpoint = ServerEndpoint {
            username: Some(r"CONTOSO\gatepost".to_owned()),
            authentication: Authentication::Ntlm,
            ..ServerEndpoint::new(server.url())
        };
        let settings = ConnectionSettings::new(endpoint);
        let password = Credential::Password(Secret::new("Pa55word!"));
        let (done, shutdown) = tokio::sync::oneshot::channel::<()>();
        let read = async {
            let session = RemotePowerShell::connect(&settings, &password).await.unwrap();
            let mut organization = Organization::open(session).await.unwrap();
            let read = everything(&mut organization).await;
            organization.close().await.unwrap();
            drop(done);
            read
        };
        let (by_shell, served) =
            tokio::join!(read, server.run(async { shutdown.await.unwrap_or_default() }));
        served.unwrap();
        assert_eq!(by_rest.0.len(), 40);
        assert_eq!(by_rest, by_shell);
    });
}

#[test]
fn statistics_are_asked_for_ten_at_a_time() {
    let seen = tell(60, async |hosted| {
        let mut organization = hosted.open().await;
        every_device_has_statistics(&mut organization).await;
    });
    assert_eq!(seen.hosted.batches, 6);
}

#[test]
fn every_setting_goes_there_and_back_in_the_cloud() {
    tell(5, async |hosted| {
        let mut organization = hosted.open().await;
        every_setting_goes_there_and_back(&mut organization, Generation::Since2013).await;
    });
}

#[test]
fn rules_levels_policies_and_exemptions_go_to_the_cloud_and_back() {
    let orders: [fn(&mut simulator::HostedFaults); 3] = [
        |_| {},
        |faults| faults.not_there_yet_seconds = Some(20),
        |faults| (faults.throttle_every, faults.redirect) = (Some(5), true),
    ];
    for order in orders {
        tell(20, async |hosted| {
            order(&mut hosted.faults().hosted);
            let mut organization = hosted.open().await;
            everything_is_written_and_read_again(&mut organization).await;
        });
    }
}

/// Whatever comes in between: nothing is lost, nothing comes twice but what a link's end brings again,
/// and nobody comes before they may.
#[test]
fn nothing_is_lost_whatever_comes_in_between() {
    let seen = tell_of(
        700,
        |options| options.habits = HostedHabits { page_size: 50, ..HostedHabits::default() },
        async |hosted| {
            let calm = everything(&mut hosted.open().await).await;
            {
                let faults = &mut hosted.faults().hosted;
                faults.throttle_every = Some(10);
                faults.unavailable_every = Some(7);
                faults.transient_every = Some(6);
                faults.redirect = true;
                faults.affinity = true;
            }
            let mut organization = hosted.open().await;
            let rough = everything(&mut organization).await;
            assert_eq!(rough, calm);
            every_device_has_statistics(&mut organization).await;
            assert!(organization.take_spent().delayed_ms > 0, "what was waited is told");
            hosted.faults().hosted.expired_link = Some(3);
            let mut again = devices(&mut organization).await;
            assert!(again.len() > calm.0.len(), "a list that begins anew gives rows again");
            again.sort_by_key(|device| device.guid);
            again.dedup_by_key(|device| device.guid);
            assert_eq!(again.len(), calm.0.len());
        },
    );
    let used = seen.hosted;
    assert_eq!((used.too_early, used.refused_links), (0, 1));
    assert!(used.throttled > 5 && used.failed > 5 && used.redirected > 0, "{used:?}");
}

/// Every tenth call is refused: each refusal costs the wait it asks for and no more, and of a batch only
/// what was refused is asked for again.
#[test]
fn waits_are_as_few_as_refusals_explain() {
    const DEVICES: usize = 300;
    let seen = tell(DEVICES, async |hosted| {
        {
            let faults = &mut hosted.faults().hosted;
            (faults.throttle_every, faults.retry_after_seconds) = (Some(10), Some(4));
        }
        let before = hosted.clock.now();
        let mut organization = hosted.open().await;
        every_device_has_statistics(&mut organization).await;
        let waited = hosted.clock.now().duration_since(before);
        let (used, spent) = (hosted.ledger.entries().hosted, organization.take_spent());
        assert_eq!(u64::from(spent.refusals), used.throttled);
        // The list of cmdlets is asked for too, and is none.
        assert_eq!(spent.cmdlets, 1 + hosted.ledger.entries().counts.values().sum::<u64>());
        assert_eq!(waited, SignedDuration::from_millis(spent.delayed_ms.try_into().unwrap()));
        assert_eq!(waited, SignedDuration::from_secs(4) * i32::try_from(used.throttled).unwrap());
    });
    let (used, devices) = (seen.hosted, u64::try_from(DEVICES).unwrap());
    // One of ten and some, for those are asked for again; and the batches are full until the end.
    let least = devices / 10;
    assert!((least..=least * 9 / 8).contains(&used.throttled), "{used:?}");
    assert!((least..=least * 9 / 8 + 3).contains(&used.batches), "{used:?}");
    assert_eq!(used.too_early, 0);
    let carried_out = seen.counts["Get-MobileDeviceStatistics"];
    assert_eq!(carried_out, devices + 1, "each once, and one to learn what there is");
}

/// A limit that the service tells of is kept to: a batch is no larger than what is left.
#[test]
fn a_limit_that_is_told_of_is_not_passed() {
    let habits = HostedHabits { rate_limit: 25, ..HostedHabits::default() };
    let seen = tell_of(
        100,
        |options| options.habits = habits,
        async |hosted| {
            let before = hosted.clock.now();
            let mut organization = hosted.open().await;
            every_device_has_statistics(&mut organization).await;
            let waited = hosted.clock.now().duration_since(before);
            let windows = i64::from(100 / 25 + 1);
            assert!(waited <= SignedDuration::from_secs(16 * windows), "{waited}");
        },
    );
    assert_eq!((seen.hosted.throttled, seen.hosted.too_early), (0, 0), "{:?}", seen.hosted);
}

#[test]
fn a_write_that_is_cut_is_interrupted_and_was_sent_once() {
    let seen = tell(5, async |hosted| {
        let mut session = hosted.session().await;
        let device = hosted.organization().device_guids().next().unwrap();
        hosted.faults().cut_after_write = Some(1);
        let wipe = Cmdlet::new("Clear-MobileDevice")
            .of(Identity::try_from(device).unwrap())
            .without_confirmation();
        session.start(&wipe.into()).await.unwrap();
        let error = session.next().await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    });
    let sent = seen.cmdlets.iter().filter(|one| one.name == "Clear-MobileDevice").count();
    assert_eq!(sent, 1);
}

#[test]
fn what_is_not_there_is_told_by_the_cmdlet() {
    tell(5, async |hosted| {
        let mut session = hosted.session().await;
        let gone = Cmdlet::new("Get-MobileDevice").of(Identity::try_from(APPLICATION).unwrap());
        // An error about one object, as on premises: the cmdlet itself came to its end.
        let said = run(&mut session, gone).await.unwrap();
        let [error] = &said.errors[..] else { panic!("{said:?}") };
        assert_eq!(error.kind, exchange::CmdletErrorKind::NotFound);
        assert!(said.objects.is_empty());
        let odd = Cmdlet::new("Get-MobileDevice").with("Nonsense", true);
        let error = run_hosted(&mut session, odd).await.unwrap_err();
        assert!(error.is_refusal(), "{error}");
        let filtered = Cmdlet::new("Get-MobileDevice").unlimited().with("Filter", "no filter");
        assert!(run_hosted(&mut session, filtered).await.unwrap_err().is_refusal());
    });
}

async fn run_hosted(session: &mut AdminApi, cmdlet: Cmdlet) -> Result<usize, Error> {
    run(session, cmdlet).await.map(|said| said.objects.len())
}

#[test]
fn what_the_application_may_not_use_is_missed_before_the_first_reading() {
    let hidden = ["Set-CASMailbox", "Clear-MobileDevice"];
    let hide = |options: &mut HostedOptions| {
        options.applications[0].visible =
            Visible::Without(hidden.iter().map(|&name| name.into()).collect());
    };
    tell_of(5, hide, async |hosted| {
        let mut organization = hosted.open().await;
        let state = |feature| organization.capabilities().state(feature);
        assert_eq!(state(Feature::Exemptions), FeatureState::Missing);
        assert_eq!(state(Feature::Wipe), FeatureState::Missing);
        assert_eq!(state(Feature::Inventory), FeatureState::Works);
        assert_eq!(state(Feature::Forget), FeatureState::Works);
        assert_eq!(devices(&mut organization).await.len(), 5);
        let mut session = hosted.session().await;
        let set = Cmdlet::new("Set-CASMailbox")
            .of(Identity::parse("nobody@contoso.com").unwrap())
            .with("ActiveSyncAllowedDeviceIDs", Argument::Edit { add: vec![], remove: vec![] })
            .without_confirmation();
        let error = run_hosted(&mut session, set).await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("Set-CASMailbox"), "{error}");
    });
}

#[test]
fn a_session_outlives_its_token() {
    let seen = tell(5, async |hosted| {
        let mut organization = hosted.open().await;
        hosted.clock.advance(SignedDuration::from_hours(2));
        assert_eq!(devices(&mut organization).await.len(), 5);
        hosted.options.revoke_tokens();
        hosted.clock.advance(SignedDuration::from_secs(2));
        assert_eq!(devices(&mut organization).await.len(), 5);
        hosted.faults().unauthorized_request = Some(1);
        assert_eq!(devices(&mut organization).await.len(), 5);
    });
    assert_eq!((seen.hosted.tokens, seen.hosted.tokens_with_claims), (4, 1));
    assert_eq!(seen.hosted.unauthorized, 2);
}

#[test]
fn every_way_of_signing_in_is_let_in_and_strangers_are_not() {
    tell(5, async |hosted| {
        let mut certificates = Vec::new();
        let read = |bytes: &[u8], password: Option<&str>| {
            Certificate::read(bytes, password.map(Secret::new).as_ref()).unwrap()
        };
        certificates.push(read(hosted.certificate.pem().unwrap().as_bytes(), None));
        certificates.push(read(&hosted.certificate.pfx("open").unwrap(), Some("open")));
        let mut credentials: Vec<_> =
            certificates.into_iter().map(HostedCredential::Certificate).collect();
        credentials.extend([by_secret(), HostedCredential::ManagedIdentity]);
        let mut code = DeviceCode::start(&hosted.settings).await.unwrap();
        let early = code.poll(&hosted.settings).await.unwrap();
        assert!(matches!(early, DeviceCodeAnswer::Pending(_)));
        let entered = simulator::Waiting::Entered("jo@contoso.onmicrosoft.com".to_owned());
        assert!(hosted.options.device_codes().settle(&code.user_code, &entered));
        hosted.clock.advance(SignedDuration::from_secs(30));
        let DeviceCodeAnswer::Granted(token) = code.poll(&hosted.settings).await.unwrap() else {
            panic!("granted")
        };
        credentials.push(HostedCredential::RefreshToken(token));
        for credential in &credentials {
            let session = AdminApi::connect(&hosted.settings, credential).await.unwrap();
            let mut organization = Organization::open(session).await.unwrap();
            assert_eq!(devices(&mut organization).await.len(), 5, "{credential:?}");
            let identity = organization.identity("contoso", None).await.unwrap().unwrap().identity;
            assert!(Uuid::try_parse(&identity.key).is_ok(), "{identity:?}");
        }
        let not_after = hosted.clock.now() + SignedDuration::from_hours(24);
        let other = AppCertificate::self_signed("other", KeyKind::Rsa, not_after).unwrap();
        let other = HostedCredential::Certificate(read(other.pem().unwrap().as_bytes(), None));
        let error = AdminApi::connect(&hosted.settings, &other).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::SignIn(SignInError::CertificateUnknown { .. })),
            "{error}"
        );
        hosted.faults().hosted.role_missing = true;
        let error = AdminApi::connect(&hosted.settings, &by_secret()).await.unwrap_err();
        assert_eq!(error, ConnectError::SignIn(SignInError::NoRole));
    });
}
