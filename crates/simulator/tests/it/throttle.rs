//! Budgets and quotas as Exchange keeps them, and how the ledger proves that they were kept.

use jiff::SignedDuration;
use psrp::{client::PipelineState, pipeline::Command};
use simulator::{AccountUse, Budget, Habits, system_clock};
use wsman::{client::Response, fault};

use crate::wire::tell_of;

const ACCOUNT: &str = r"CONTOSO\gatepost";

fn small() -> Command {
    Command::new("Get-ActiveSyncOrganizationSettings")
}

#[test]
fn one_shell_too_many_is_refused_until_another_is_closed() {
    let habits = Habits { shells_per_user: 2, ..Habits::default() };
    let entries = tell_of(habits, |first, stage| {
        let (mut second, mut third, mut fourth) =
            (first.another(), first.another(), first.another());
        assert!(matches!(first.open(), Response::Created(_)));
        assert!(matches!(second.open(), Response::Created(_)));
        let Response::Fault(refused) = third.open() else { panic!("opened") };
        assert_eq!(refused.code, Some(fault::TOO_MANY_SHELLS_OF_USER));
        let text = refused.best_text();
        assert!(text.contains("allowed a maximum of 2 concurrent shells"), "{text}");
        second.close();
        assert!(matches!(fourth.open(), Response::Created(_)));
        stage.organization.lock().unwrap().habits_mut().shells_per_user = 3;
        assert!(matches!(second.open(), Response::Created(_)));
    });
    assert_eq!((entries.refused_shells, entries.open_shells), (1, 3));
    assert_eq!(entries.accounts[ACCOUNT].max_open_shells, 3);
}

#[test]
fn a_spent_budget_delays_then_refuses_and_comes_back_with_the_next_window() {
    let budget = Budget { cmdlets: 3, period_seconds: 86_400, delay_ms: 1, cmdlets_max: Some(5) };
    let habits = Habits { budget: Some(budget), ..Habits::default() };
    let entries = tell_of(habits, |client, stage| {
        let later = system_clock()() + SignedDuration::from_hours(25);
        client.open();
        let warned: Vec<usize> = (0..5).map(|_| client.run(small()).warnings.len()).collect();
        assert_eq!(warned, [0, 0, 0, 1, 1]);
        let refused = client.run(small());
        assert_eq!(refused.state, Some(PipelineState::Failed));
        let id = &refused.errors[0];
        assert!(id.contains("[FailureCategory=Cmdlet-OverBudgetException]"), "{id}");
        stage.organization.lock().unwrap().skip_to(later);
        let free = client.run(small());
        assert_eq!((free.objects, free.warnings.len()), (1, 0));
    });
    assert_eq!((entries.delayed, entries.refused), (2, 1));
    let refused: Vec<bool> = entries.cmdlets.iter().map(|cmdlet| cmdlet.refused).collect();
    assert_eq!(refused, [false, false, false, false, false, true, false]);
}

#[test]
fn the_ledger_tells_when_cmdlets_began_and_ended_and_what_ran_beside_them() {
    let entries = tell_of(Habits::default(), |first, stage| {
        first.open();
        let mut second = first.another();
        second.open();
        let long = first.start(Command::new("Get-MobileDevice"));
        let asked = stage.ledger.sequence();
        second.run(small());
        let begun = stage.ledger.begun_after(asked);
        assert_eq!(begun.len(), 1);
        assert_eq!(begun[0].name, "Get-ActiveSyncOrganizationSettings");
        let running = stage.ledger.received("Get-MobileDevice");
        assert_eq!(running[0].ended, None);
        first.finish(long, 2);
        second.start(Command::new("Get-MobileDevice"));
        second.close();
    });
    let [list, small, cut] = entries.cmdlets.iter().collect::<Vec<_>>()[..] else {
        panic!("{} cmdlets", entries.cmdlets.len())
    };
    assert_ne!(list.shell, small.shell);
    assert_eq!(small.shell, cut.shell);
    let order = [
        list.began.sequence,
        small.began.sequence,
        small.ended.unwrap().sequence,
        list.ended.unwrap().sequence,
        cut.began.sequence,
        cut.ended.unwrap().sequence,
    ];
    assert_eq!(order, [1, 2, 3, 4, 5, 6]);
    assert!(list.began.at <= list.ended.unwrap().at);
    let used = AccountUse { open_shells: 1, max_open_shells: 2, running: 0, max_running: 2 };
    assert_eq!(entries.accounts[ACCOUNT], used);
}
