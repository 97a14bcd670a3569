//! Values of settings in Exchange's own words.

use super::PolicyValue;

impl PolicyValue {
    /// As Exchange prints it; nothing for null.
    pub(crate) fn printed(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Flag(true) => "True".to_owned(),
            Self::Flag(false) => "False".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Word(word, _) => (*word).to_owned(),
            Self::Unlimited => "Unlimited".to_owned(),
            Self::Seconds(seconds) => time_span(*seconds),
            Self::Bytes(bytes) => size(*bytes),
            Self::Texts(items) => format!("{{{}}}", items.join(", ")),
        }
    }
}

/// `00:15:00`, `90.00:00:00`
pub(crate) fn time_span(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest % 3_600 / 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

/// `1 MB (1,048,576 bytes)`
fn size(bytes: i64) -> String {
    let units = [("GB", 30), ("MB", 20), ("KB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes >> shift > 0);
    let (word, shift) = unit.unwrap_or(("B", 0));
    // Written in hundredths, rounded down, as whole numbers.
    let hundredths = (i128::from(bytes) * 100) >> shift;
    let fraction = match hundredths % 100 {
        0 => String::new(),
        rest => format!(".{rest:02}").trim_end_matches('0').to_owned(),
    };
    format!("{}{fraction} {word} ({} bytes)", hundredths / 100, grouped(bytes))
}

/// `1,048,576`
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
