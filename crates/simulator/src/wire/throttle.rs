//! What a user's budget allows: free of charge, after a delay, or not at all.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Service, locked, shell::Shell, shells::owner_name};
use crate::{
    Account, Budget,
    cmdlets::{Category, Problem, ProblemId},
};

/// Cmdlets of PowerShell's own, which cost nothing.
const FREE: &str = "Select-Object";

impl Service {
    /// A user who asks for more than the budget waits, and reads why in a warning; one who asks
    /// for far more is refused. Counts one cmdlet.
    pub(super) async fn throttle(&self, account: &Account, shell: &Shell) {
        let Some(budget) = self.organization().options().habits.budget else { return };
        let owner = owner_name(account);
        let (count, left) = self.spend(&owner, budget, 1);
        if budget.cmdlets_max.is_some_and(|most| count > most) {
            shell.refuse_next(self.over_budget(&owner, left));
            return;
        }
        if count <= budget.cmdlets {
            return;
        }
        self.ledger.lock().delayed += 1;
        shell.warn_next(micro_delay(&owner, budget, count));
        tokio::time::sleep(Duration::from_millis(u64::from(budget.delay_ms))).await;
    }

    /// Counts the cmdlets of a pipeline beyond its first, which was counted when it came.
    pub(super) fn spend_more<'a>(&self, owner: &str, names: impl Iterator<Item = &'a str>) {
        let Some(budget) = self.organization().options().habits.budget else { return };
        let more = names.skip(1).filter(|name| !name.eq_ignore_ascii_case(FREE)).count();
        self.spend(owner, budget, u32::try_from(more).unwrap_or(u32::MAX));
    }

    /// Counts cmdlets. Gives how many there were in this window, and how long it still is.
    fn spend(&self, owner: &str, budget: Budget, cmdlets: u32) -> (u32, SignedDuration) {
        let now = self.time();
        let period = SignedDuration::from_secs(i64::from(budget.period_seconds));
        let mut spent = locked(&self.spent);
        let (begun, count) = spent.entry(owner.to_owned()).or_insert((now, 0));
        if now.duration_since(*begun) >= period {
            (*begun, *count) = (now, 0);
        }
        *count = count.saturating_add(cmdlets);
        (*count, period - now.duration_since(*begun))
    }

    /// The words are those of a refused runspace: Exchange's own for a cmdlet are not published.
    fn over_budget(&self, owner: &str, left: SignedDuration) -> Problem {
        let seconds = left.as_secs().max(1);
        let organization = self.organization();
        Problem {
            message: format!(
                "Fail to execute the cmdlet because the budget of user 'Sid~{owner}~PowerShell~false' \
                 was exceeded. Please wait for {seconds} seconds. Policy: \
                 CN=GlobalThrottlingPolicy_{},CN=Global Settings,{}",
                organization.guid(),
                organization.configuration_dn(),
            ),
            exception: "Microsoft.Exchange.Data.Directory.OverBudgetException",
            category: Category::ResourceUnavailable,
            id: ProblemId::Exchange("Microsoft.Exchange.Configuration.Tasks.Task"),
            activity: String::new(),
            target: None,
            terminating: true,
        }
    }
}

fn micro_delay(owner: &str, budget: Budget, count: u32) -> String {
    let Budget { cmdlets, period_seconds, delay_ms: delay, cmdlets_max } = budget;
    let left = cmdlets_max.map_or_else(
        || "Unlimited/Unlimited".to_owned(),
        |most| format!("{}/{most}", most.saturating_sub(count)),
    );
    format!(
        "Micro delay applied. Actual delayed: {delay} msecs, Enforced: True, Capped delay: {delay} \
         msecs, Required: False, Additional info: .; PolicyDN: CN=GlobalThrottlingPolicy; Snapshot: \
         Owner: Sid~{owner}~PowerShell~false BudgetType: PowerShell ActiveRunspaces: 1/18 Balance: \
         -{}/2160000/-3000000 PowerShellCmdletsLeft: {left} ExchangeCmdletsLeft: 0/{cmdlets} \
         CmdletTimePeriod: {period_seconds} Locked: False LockRemaining: 00:00:00",
        u64::from(delay) * 74,
    )
}
