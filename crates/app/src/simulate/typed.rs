//! Cmdlets typed on the standard input of a simulation, as at the Exchange console.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _},
    sync::{Arc, Mutex, PoisonError},
};

use simulator::{Console, Organization, system_clock};

use crate::output::say;

/// The longest line that is read; nothing that a person types is longer.
const MAX_LINE_BYTES: u64 = 65_536;

/// Runs each line of the standard input as this user, until it ends, on a thread of its own: nothing
/// else can wait for a terminal and still be stopped.
pub(super) fn listen(organization: Arc<Mutex<Organization>>, user: &str) -> anyhow::Result<()> {
    if is_in_background() {
        return Ok(());
    }
    if io::stdin().is_terminal() {
        say(&format!("cmdlets that are typed here are run as {user}"))?;
    }
    let console = Console::new(user);
    std::thread::Builder::new().name("typed cmdlets".to_owned()).spawn(move || {
        if let Err(error) = run_lines(&organization, &console) {
            tracing::warn!(%error, "no more cmdlets are read from the standard input");
        }
    })?;
    Ok(())
}

fn run_lines(organization: &Mutex<Organization>, console: &Console) -> anyhow::Result<()> {
    let now = system_clock();
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE_BYTES {
            anyhow::bail!("a line has more than {MAX_LINE_BYTES} bytes");
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let answer = {
            let mut organization = organization.lock().unwrap_or_else(PoisonError::into_inner);
            console.run(&mut organization, now(), text)
        };
        match answer {
            Ok(printed) if printed.is_empty() => say("done")?,
            Ok(printed) => say(&printed)?,
            Err(error) => say(&format!("error: {error}"))?,
        }
    }
}

/// Whether this is a job in the background of a terminal, which would be stopped if it read.
fn is_in_background() -> bool {
    io::stdin().is_terminal()
        && std::fs::read_to_string("/proc/self/stat")
            .is_ok_and(|stat| groups(&stat).is_some_and(|(own, terminals)| own != terminals))
}

/// Our process group, and the one in the foreground of our terminal, out of a line of proc(5).
fn groups(stat: &str) -> Option<(i32, i32)> {
    // The name of the program stands in parentheses and may have blanks in it.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(2);
    let own = fields.next()?.parse().ok()?;
    let terminals = fields.nth(2)?.parse().ok()?;
    Some((own, terminals))
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn the_process_groups_are_read_whatever_the_program_is_called() {
        let stat = "4242 (gate) post (x) S 1 4240 4200 34816 4250 4194304 1 2 3";
        assert_eq!(groups(stat), Some((4240, 4250)));
        assert_eq!(groups("4242 (gatepost) S 1"), None);
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(groups(&own).is_some(), "{own}");
    }
}
