//! What can be asked of a device, by its effect: only what makes sense, and why not where it cannot
//! be done.

use domain::{
    AccessReason, AccessState, ActionKind, Connector, Device, WipeStatus,
    action::{Forecast, Refusal},
};
use engine::Engine;

use crate::{acts, problem::Problem, session::SignedIn, words};

/// What can be asked of a device.
#[derive(Default)]
pub(crate) struct Offers {
    /// Why nothing can, if nothing can.
    pub(crate) nothing: Option<String>,
    pub(crate) offers: Vec<Offer>,
    /// What is kept apart, lest it is taken by mistake: erasing the entire phone.
    pub(crate) apart: Vec<Offer>,
}

pub(crate) struct Offer {
    /// The page that asks for it; `None` if it cannot be done.
    pub(crate) href: Option<String>,
    pub(crate) title: String,
    /// What happens, or why it cannot.
    pub(crate) sentence: String,
    pub(crate) class: &'static str,
}

impl Offers {
    pub(crate) async fn of(
        engine: &Engine,
        signed_in: &SignedIn,
        device: &Device,
        connector: Option<&Connector>,
    ) -> Result<Self, Problem> {
        let forecasts = engine.forecasts(&signed_in.caller, device).await?;
        let lost = |refusal: &Refusal| matches!(refusal, Refusal::Gone | Refusal::NoConnector);
        let nothing = forecasts
            .iter()
            .find_map(|(_, forecast)| forecast.refusal.as_ref().filter(|refusal| lost(refusal)));
        if let Some(refusal) = nothing {
            let nothing = format!("Nothing can be asked of it: {refusal}.");
            return Ok(Self { nothing: Some(nothing), offers: Vec::new(), apart: Vec::new() });
        }
        let shown = forecasts.iter().filter(|(kind, _)| makes_sense(*kind, device, &forecasts));
        let offers = shown.map(|(kind, forecast)| {
            let may = may(signed_in, *kind, device, connector);
            (*kind, Offer::new(*kind, forecast, device, may))
        });
        let (apart, offers): (Vec<_>, Vec<_>) =
            offers.partition(|(kind, _)| *kind == ActionKind::WipeDevice);
        let plain = |offers: Vec<(_, Offer)>| offers.into_iter().map(|(_, offer)| offer).collect();
        Ok(Self { nothing: None, offers: plain(offers), apart: plain(apart) })
    }
}

/// Whether the person may do that to this device.
fn may(
    signed_in: &SignedIn,
    kind: ActionKind,
    device: &Device,
    connector: Option<&Connector>,
) -> bool {
    let scope = signed_in.caller.scope(kind.permission());
    scope.is_ok_and(|scope| connector.is_some_and(|one| scope.holds(device, &one.name)))
}

fn makes_sense(kind: ActionKind, device: &Device, all: &[(ActionKind, Forecast)]) -> bool {
    let facts = &device.facts;
    let is_individual = facts.access_reason == Some(AccessReason::Individual);
    let wipe = device.statistics.as_ref().map(|it| it.wipe_status).unwrap_or_default();
    let forecast = |kind| all.iter().find(|(one, _)| *one == kind).map(|(_, forecast)| forecast);
    match kind {
        ActionKind::Allow => !(is_individual && facts.access_state == AccessState::Allowed),
        ActionKind::Block => !(is_individual && facts.access_state == AccessState::Blocked),
        ActionKind::Release => is_individual,
        ActionKind::CancelWipe => matches!(wipe, WipeStatus::Requested | WipeStatus::Sent),
        // Where both erase the same, one is enough.
        ActionKind::WipeDevice => {
            let account = forecast(ActionKind::WipeAccount);
            account.map(|it| it.effect) != forecast(kind).map(|it| it.effect)
        }
        ActionKind::WipeAccount | ActionKind::Forget => true,
    }
}

impl Offer {
    fn new(kind: ActionKind, forecast: &Forecast, device: &Device, may: bool) -> Self {
        let why_not = match &forecast.refusal {
            _ if !may => Some(acts::needs(kind.permission())),
            Some(refusal) => Some(words::sentence(&words::visible(&refusal.to_string()))),
            None => None,
        };
        let is_let_in = device.facts.access_state == AccessState::Allowed;
        Self {
            href: why_not
                .is_none()
                .then(|| format!("/devices/act?action={}&device={}", kind.word(), device.id)),
            title: acts::title(kind, forecast.effect, &acts::owner(device)),
            sentence: why_not.unwrap_or_else(|| forecast.effect.sentence().to_owned()),
            class: match kind {
                ActionKind::Allow if !is_let_in => "primary",
                ActionKind::WipeAccount => "danger",
                _ => "",
            },
        }
    }
}
