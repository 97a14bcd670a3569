//! Filters: the part of OPATH that people write against devices and mailboxes.
//!
//! `Property -eq 'value' -and (Other -like 'a*' -or Third -gt '2026-01-01')`

use std::cmp::Ordering;

use jiff::Timestamp;

/// The longest filter, and with it the deepest: Exchange refuses more as well.
const MAX_LENGTH: usize = 8_192;
/// The deepest nesting of parentheses and negations.
const MAX_DEPTH: usize = 64;

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    Compare { property: &'static str, operator: Operator, value: Literal },
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Like,
    NotLike,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Text(String),
}

/// What a property of an object is, to a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Null,
    Bool(bool),
    Text(String),
    Time(Timestamp),
    /// True if any of them is.
    Any(Vec<String>),
}

/// What rows are sorted by: nothing comes first, texts are compared without regard to case.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Null,
    Bool(bool),
    Time(Timestamp),
    Text(String),
}

impl Key {
    pub(super) fn of(field: &Field) -> Self {
        match field {
            Field::Null => Self::Null,
            Field::Bool(value) => Self::Bool(*value),
            Field::Time(time) => Self::Time(*time),
            Field::Text(text) => Self::Text(text.to_lowercase()),
            Field::Any(texts) => Self::Text(texts.join(",").to_lowercase()),
        }
    }
}

impl Filter {
    /// Reads a filter over these properties. The error says what was not understood.
    pub(super) fn parse(text: &str, properties: &[&'static str]) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("The filter is longer than {MAX_LENGTH} characters."));
        }
        let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, properties };
        let filter = parser.either()?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(format!("\"{}\" is not expected here.", token.text())),
        }
    }

    pub(super) fn matches(&self, field: &impl Fn(&str) -> Field) -> bool {
        match self {
            Self::Not(inner) => !inner.matches(field),
            Self::And(left, right) => left.matches(field) && right.matches(field),
            Self::Or(left, right) => left.matches(field) || right.matches(field),
            Self::Compare { property, operator, value } => {
                holds(&field(property), *operator, value)
            }
        }
    }
}

fn holds(field: &Field, operator: Operator, literal: &Literal) -> bool {
    if let Field::Any(values) = field {
        let negative = matches!(operator, Operator::NotEqual | Operator::NotLike);
        if *literal == Literal::Null {
            return values.is_empty() != negative;
        }
        let mut each = values.iter().map(|one| holds(&Field::Text(one.clone()), operator, literal));
        return if negative { each.all(|one| one) } else { each.any(|one| one) };
    }
    match operator {
        Operator::Like => like(field, literal),
        Operator::NotLike => !like(field, literal),
        Operator::Equal => compare(field, literal) == Some(Ordering::Equal),
        Operator::NotEqual => compare(field, literal) != Some(Ordering::Equal),
        Operator::Greater => compare(field, literal) == Some(Ordering::Greater),
        Operator::Less => compare(field, literal) == Some(Ordering::Less),
        Operator::GreaterOrEqual => compare(field, literal).is_some_and(Ordering::is_ge),
        Operator::LessOrEqual => compare(field, literal).is_some_and(Ordering::is_le),
    }
}

fn compare(field: &Field, literal: &Literal) -> Option<Ordering> {
    match (field, literal) {
        (Field::Null, Literal::Null) => Some(Ordering::Equal),
        (Field::Bool(left), Literal::Bool(right)) => Some(left.cmp(right)),
        (Field::Bool(left), Literal::Text(right)) => {
            Some(left.cmp(&right.trim_start_matches('$').eq_ignore_ascii_case("true")))
        }
        (Field::Text(left), Literal::Text(right)) => {
            Some(left.to_lowercase().cmp(&right.to_lowercase()))
        }
        (Field::Time(left), Literal::Text(right)) => Some(left.cmp(&time(right)?)),
        _ => None,
    }
}

/// `*` at either end; anything else is a letter.
fn like(field: &Field, literal: &Literal) -> bool {
    let (Field::Text(text), Literal::Text(pattern)) = (field, literal) else { return false };
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let open_start = pattern.strip_prefix('*');
    let middle = open_start.unwrap_or(&pattern);
    let open_end = middle.strip_suffix('*');
    let middle = open_end.unwrap_or(middle);
    match (open_start.is_some(), open_end.is_some()) {
        (false, false) => text == middle,
        (false, true) => text.starts_with(middle),
        (true, false) => text.ends_with(middle),
        (true, true) => text.contains(middle),
    }
}

/// RFC 3339, or the form of the session's culture (`8/1/2017 2:00:00 PM`), taken as UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let american = || jiff::civil::DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text).ok();
    let plain = || {
        let date: Option<jiff::civil::DateTime> = text.parse().ok();
        let day = || jiff::civil::Date::strptime("%m/%d/%Y", text).ok();
        date.or_else(american).or_else(|| Some(day()?.at(0, 0, 0, 0)))
    };
    text.parse()
        .ok()
        .or_else(|| plain()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp()))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    /// `-eq`, without the dash, in lower case.
    Operator(String),
    Word(String),
    Quoted(String),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::Operator(text) | Self::Word(text) | Self::Quoted(text) => text,
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            ' ' | '\t' | '\r' | '\n' | '{' | '}' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '\'' | '"' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        None => return Err("A quotation mark is missing.".to_owned()),
                        Some(next) if next == first && rest.peek() == Some(&first) => {
                            value.push(first);
                            rest.next();
                        }
                        Some(next) if next == first => break,
                        Some(next) => value.push(next),
                    }
                }
                tokens.push(Token::Quoted(value));
            }
            _ => {
                let mut word = String::from(first);
                while let Some(next) = rest.next_if(|next| !" \t\r\n()'\"".contains(*next)) {
                    word.push(next);
                }
                tokens.push(match word.strip_prefix('-') {
                    Some(operator) => Token::Operator(operator.to_ascii_lowercase()),
                    None => Token::Word(word),
                });
            }
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    properties: &'a [&'static str],
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take_operator(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(&Token::Operator(word.to_owned()));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Filter, String> {
        let mut left = self.both()?;
        while self.take_operator("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        while self.take_operator("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("The filter is nested too deeply.".to_owned());
        }
        let filter = match self.take() {
            Some(Token::Operator(word)) if word == "not" => Filter::Not(Box::new(self.one()?)),
            Some(Token::Open) => {
                let inner = self.either()?;
                match self.take() {
                    Some(Token::Close) => inner,
                    _ => return Err("A parenthesis is missing.".to_owned()),
                }
            }
            Some(Token::Word(property)) => self.comparison(&property)?,
            other => {
                let text = other.as_ref().map_or("the end", Token::text);
                return Err(format!("A property is expected instead of \"{text}\"."));
            }
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self, property: &str) -> Result<Filter, String> {
        let known = self.properties.iter().find(|known| known.eq_ignore_ascii_case(property));
        let property =
            known.ok_or_else(|| format!("\"{property}\" is not a filterable property."))?;
        let operator = match self.take() {
            Some(Token::Operator(word)) => match word.as_str() {
                "eq" => Operator::Equal,
                "ne" => Operator::NotEqual,
                "gt" => Operator::Greater,
                "ge" => Operator::GreaterOrEqual,
                "lt" => Operator::Less,
                "le" => Operator::LessOrEqual,
                "like" => Operator::Like,
                "notlike" => Operator::NotLike,
                other => return Err(format!("The operator \"-{other}\" is not supported.")),
            },
            _ => return Err(format!("An operator is expected after \"{property}\".")),
        };
        let value = match self.take() {
            Some(Token::Quoted(text)) => Literal::Text(text),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "$null" => Literal::Null,
                "$true" => Literal::Bool(true),
                "$false" => Literal::Bool(false),
                _ => Literal::Text(word),
            },
            _ => return Err(format!("A value is expected after \"{property}\".")),
        };
        Ok(Filter::Compare { property, operator, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, expected: Result<bool, &str>) {
        let field = |name: &str| match name {
            "Type" => Field::Text("iPhone".to_owned()),
            "Has" => Field::Bool(true),
            "First" => Field::Time("2026-05-01T00:00:00Z".parse().unwrap()),
            "Ids" => Field::Any(vec!["A1".to_owned(), "B2".to_owned()]),
            _ => Field::Null,
        };
        let parsed = Filter::parse(filter, &["Type", "Has", "First", "Ids", "Empty"]);
        let found = parsed.map(|parsed| parsed.matches(&field));
        assert_eq!(found, expected.map_err(str::to_owned), "{filter}");
    }

    #[test]
    fn filters_mean_what_exchange_says_they_mean() {
        check("Type -eq 'IPHONE'", Ok(true));
        check("type -ne 'iPhone'", Ok(false));
        check("Type -like 'iP*' -and Has -eq $true", Ok(true));
        check("{Type -like '*pad' -or Has -eq 'true'}", Ok(true));
        check("-not (Type -eq 'iPhone')", Ok(false));
        check("First -gt '2026-04-30T23:59:59Z'", Ok(true));
        check("First -gt '5/2/2026 2:00:00 PM'", Ok(false));
        check("First -lt '2026-05-02'", Ok(true));
        check("Ids -eq 'b2'", Ok(true));
        check("Ids -like 'C*'", Ok(false));
        check("Ids -ne $null", Ok(true));
        check("Empty -eq $null", Ok(true));
        check("Type -eq 'it''s'", Ok(false));
    }

    #[test]
    fn what_is_no_filter_is_refused_with_a_reason() {
        check("Colour -eq 'red'", Err("\"Colour\" is not a filterable property."));
        check("Type -eq", Err("A value is expected after \"Type\"."));
        check("Type -matches 'x'", Err("The operator \"-matches\" is not supported."));
        check("(Type -eq 'x'", Err("A parenthesis is missing."));
        check("Type -eq 'x", Err("A quotation mark is missing."));
        check("", Err("A property is expected instead of \"the end\"."));
        check(&"(".repeat(100), Err("The filter is nested too deeply."));
    }
}
