//! Values of terms that are more than text.

use jiff::Timestamp;

use super::{Age, AgeUnit, Moment, Point, Text, TextKind};

pub(super) fn uuid(value: &Text) -> Result<uuid::Uuid, String> {
    let parsed = uuid::Uuid::parse_str(&value.text).ok().filter(|_| value.kind != TextKind::Prefix);
    parsed.ok_or_else(|| "an id such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301".to_owned())
}

pub(super) fn moment(value: &Text) -> Result<Moment, String> {
    let text = value.text.as_str();
    let parsed = if let Some(rest) = text.strip_prefix('<') {
        age(rest).map(Moment::YoungerThan).or_else(|| point(rest).map(Moment::Before))
    } else if let Some(rest) = text.strip_prefix('>') {
        age(rest).map(Moment::OlderThan).or_else(|| point(rest).map(Moment::After))
    } else if text.eq_ignore_ascii_case("never") {
        Some(Moment::Never)
    } else {
        point(text).map(Moment::At)
    };
    parsed.filter(|_| value.kind != TextKind::Prefix).ok_or_else(|| {
        "\"never\", a day such as 2026-01-31, or \"<\" or \">\" with a day or an age such as 30d \
         (m, h, d, w, y)"
            .to_owned()
    })
}

fn age(text: &str) -> Option<Age> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = AgeUnit::from_word(&text.strip_prefix(digits)?.to_ascii_lowercase())?;
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    Some(Age { count: digits.parse().ok().filter(|_| is_number)?, unit })
}

/// A day as `YYYY-MM-DD` or a time as RFC 3339 writes it; nothing else that the time library reads.
fn point(text: &str) -> Option<Point> {
    let starts_with_year = text.split('-').next()?.bytes().filter(u8::is_ascii_digit).count() == 4;
    if !starts_with_year {
        return None;
    }
    if text.len() == "2026-01-31".len() {
        let day: jiff::civil::Date = text.parse().ok()?;
        // The first and the last days of the calendar are beyond what a timestamp can hold.
        return (1..=9998).contains(&day.year()).then_some(Point::Day(day));
    }
    let time: Timestamp = text.to_ascii_uppercase().parse().ok()?;
    // Times are compared in milliseconds: what is finer would not come back from the canonical text.
    Some(Point::Time(Timestamp::from_millisecond(time.as_millisecond()).ok()?))
}
