//! Durations as XML writes them (ISO 8601, `xs:duration`): `PT20S`, `PT7200.000S`, `P0DT1H30M`.

use std::time::Duration;

/// Writes whole seconds without and other durations with three decimals, as Windows does.
pub(crate) fn write(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("PT{}S", duration.as_secs()),
        millis => format!("PT{}.{millis:03}S", duration.as_secs()),
    }
}

/// Reads a duration; none when it is not one or is negative. A year counts 365 and a month 30 days,
/// since a time-out needs no calendar. What does not fit saturates.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let rest = text.trim().strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    if date.is_empty() && time.is_none_or(str::is_empty) {
        return None;
    }
    let days =
        parts(date, &[('Y', 365 * 86_400), ('M', 30 * 86_400), ('W', 7 * 86_400), ('D', 86_400)])?;
    let seconds = parts(time.unwrap_or_default(), &[('H', 3_600), ('M', 60), ('S', 1)])?;
    Some(days.saturating_add(seconds))
}

/// Sums `12H30M` by the seconds of each unit; none when a part has no known unit or no number.
fn parts(text: &str, units: &[(char, u32)]) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let unit = tail.chars().next()?;
        let (_, seconds) = units.iter().find(|(name, _)| *name == unit)?;
        sum = sum.saturating_add(decimal(number)?.saturating_mul(*seconds));
        rest = tail.strip_prefix(unit)?;
    }
    Some(sum)
}

/// Reads `12` or `12.5` as seconds, down to nanoseconds.
fn decimal(number: &str) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let seconds = match whole {
        "" => return None,
        digits => digits.bytes().try_fold(0_u64, |sum, digit| {
            Some(sum.saturating_mul(10).saturating_add(u64::from(digit.checked_sub(b'0')?)))
        })?,
    };
    let nanos =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(9).try_fold(0_u32, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        })?;
    Some(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, millis: Option<u128>) {
        assert_eq!(parse(text).map(|duration| duration.as_millis()), millis, "{text}");
    }

    #[test]
    fn durations_of_servers_and_clients_are_read() {
        check("PT20S", Some(20_000));
        check("PT7200.000S", Some(7_200_000));
        check("PT2147483.647S", Some(2_147_483_647));
        check("P0DT0H0M0S", Some(0));
        check("P1DT2H3M4.5S", Some(93_784_500));
        check("P1Y2M", Some((365 + 60) * 86_400_000));
        check(" PT180S ", Some(180_000));
        for wrong in ["", "P", "PT", "20", "-PT20S", "PTS", "PT.5S", "PT1.2.3S", "PT5X", "PT5"] {
            check(wrong, None);
        }
        check("PT99999999999999999999999999S", Some(u128::from(u64::MAX) * 1_000));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(millis in 0_u64..10_000_000_000) {
            let duration = Duration::from_millis(millis);
            proptest::prop_assert_eq!(parse(&write(duration)), Some(duration));
        }

        #[test]
        fn anything_is_read_without_panic(text in ".*") {
            parse(&text);
        }
    }
}
